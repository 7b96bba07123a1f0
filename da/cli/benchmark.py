"""Command line of tables: plan, run missing cells, render; and verify the committed scores."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from da.config import catalog
from da.engine.result import lost, unloaded
from da.errors import ConfigError, UsageError
from da.results import record, store, writable
from da.results.figures import clock
from da.sweeps.job import Grid, Job, Outcome, exit_code, said
from da.sweeps.launchers import Launcher
from da.tables import compare, export, ledger, spec, summary, verify
from da.tables import markdown as render
from da.tables import results_page as page
from da.tables.cells import Cell, cells, command

OWN = ("table", "methods", "seeds")
TEXT = f"""Run a published result table again: every method on every task with every seed.

  python scripts/benchmark.py table=office_caltech10_surf
  python scripts/benchmark.py table=digits_deep methods=dann,deep_coral seeds=0,1 --dry-run
  python scripts/benchmark.py table=digits_deep --compare           # with the committed figures
  python scripts/benchmark.py --verify --sample 60 --seed 1         # run committed cells again, of all tables

Finished cells are not run again: after an interruption give the same command. Any other KEY=VALUE goes to all cells
as on the command line of scripts/train.py (launcher.jobs=4 launcher.timeout=600 rerun=failed output=FOLDER ...), unless
the table sets that key itself.

tables: {", ".join(spec.names())}
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; exit code 0 done, 1 a run failed or a score differs, 2 wrong usage, 130 interrupted."""
    parser = argparse.ArgumentParser(description=TEXT, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="table=NAME methods=A,B seeds=0,1 and others")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and how long it will take, and stop")
    parser.add_argument("--commands", action="store_true", help="print the command of every cell by itself, and stop")
    parser.add_argument("--render", action="store_true", help="run nothing: render what is there")
    parser.add_argument("--compare", action="store_true", help="compare what was run with the committed figures")
    parser.add_argument(
        "--write",
        action="store_true",
        help="put the summary into benchmarks/results and render RESULTS.md; with --verify, accept what is equal",
    )
    parser.add_argument(
        "--reason", default="", help="why figures moved, for benchmarks/NUMBERS.md; --write asks for it"
    )
    check = parser.add_argument_group("checking committed figures")
    check.add_argument("--verify", action="store_true", help="run committed cells again and compare")
    check.add_argument("--sample", type=int, metavar="N", help="so many cells, drawn at random; all by default")
    check.add_argument("--minutes", type=float, metavar="M", help="cells for about so long, by what they took before")
    check.add_argument(
        "--changed", action="store_true", help="of rows whose code changed the quickest cell of each table"
    )
    check.add_argument("--seed", metavar="S", help="of the draw: any word, such as a commit; 0 by default")
    options = parser.parse_intermixed_args(list(arguments))
    try:
        _refuse_idle(options)
        return _verify(options) if options.verify else _table(options, arguments)
    except UsageError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on with what is missing.", file=sys.stderr)
        return 130


VERIFYING = {"--sample": "sample", "--minutes": "minutes", "--changed": "changed", "--seed": "seed"}
STOPPING = {"--dry-run": "dry_run", "--commands": "commands"}
TABULATING = {"--dry-run": "dry_run", "--commands": "commands", "--render": "render", "--compare": "compare",
              "--reason": "reason"}  # fmt: skip


def _refuse_idle(options: argparse.Namespace) -> None:
    """Refuse options that would be ignored, and numbers that would do nothing.

    Raises:
        ConfigError: there is such an option or number.
    """
    idle = TABULATING if options.verify else VERIFYING
    if unused := [word for word, name in idle.items() if getattr(options, name)]:
        raise ConfigError(f"{unused[0]} is {'not for' if options.verify else 'only for'} --verify.")
    if options.changed and (
        drawing := [word for word in ("sample", "minutes", "seed") if getattr(options, word) is not None]
    ):
        raise ConfigError(f"--changed takes the cells that changed; leave out --{drawing[0]}.")
    done = ["--write"] if options.write else [word for word, name in TABULATING.items() if getattr(options, name)]
    for word, name in STOPPING.items():
        if getattr(options, name) and (other := [w for w in done if w != word]):
            raise ConfigError(f"{word} prints and stops, so {other[0]} would do nothing; leave out one of them.")
    for name in ("sample", "minutes"):
        if getattr(options, name) is not None and getattr(options, name) <= 0:
            raise ConfigError(f"--{name} must be above 0, got {getattr(options, name):g}.")
    if options.reason and not options.write:
        raise ConfigError("--reason goes into benchmarks/NUMBERS.md, which only --write writes; add --write.")


def _given(options: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """Separate the command's own keys from the overrides of all cells.

    Raises:
        ConfigError: one of the command's keys is given twice.
    """
    own = [override.partition("=")[::2] for override in options.overrides if override.partition("=")[0] in OWN]
    if twice := [key for key, count in Counter(key for key, _ in own).items() if count > 1]:
        raise ConfigError(f"{twice[0]}= is given twice; write its values between commas.")
    return dict(own), [override for override in options.overrides if override.partition("=")[0] not in OWN]


def _verify(options: argparse.Namespace) -> int:
    given, rest = _given(options)
    if options.write and "table" in given:
        raise ConfigError(
            "--verify --write accepts code as equal in every table, so it looks at all; leave out table=."
        )
    tables = _distinct("table", _listed(given.get("table", ""))) or [table.name for table, _ in page.committed()[0]]
    if foreign := [key for key in ("methods", "seeds") if key in given] or rest:
        raise ConfigError(f"--verify takes table=A,B alone; {foreign[0]} is not for it.")
    return verify.main(
        [spec.load(name) for name in tables],
        sample=options.sample,
        minutes=options.minutes,
        changed=options.changed,
        seed=options.seed or "0",
        accept=options.write,
    )


def _table(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    given, rest = _given(options)
    if "table" not in given:
        raise ConfigError(f"Name a table: table=NAME, one of {', '.join(spec.names())}.")
    table = spec.load(given["table"])
    if table.made_by:
        raise ConfigError(f"table={table.name} is no plain grid of runs; make it with: {table.made_by}")
    if options.write and summary.typed(rest):
        raise ConfigError(f"--write commits tables as their files say, without {', '.join(summary.typed(rest))}.")
    rows = _distinct("methods", _rows(given.get("methods", ""), table.rows()))
    seeds = [_seed(word) for word in _distinct("seeds", _listed(given.get("seeds", "")))]
    further = [seed for seed in seeds if seed not in table.seeds]
    if options.write and further:
        raise ConfigError(f"--write commits tables as their files say; table={table.name} has no seed {further[0]}.")
    defaults = [f"output=runs/benchmark/{table.name}", "logger=none"]
    if not any(override.startswith("launcher=") for override in rest):
        defaults += [f"launcher.jobs={os.cpu_count() or 1}", "launcher.threads=1"]
    planned = cells(table, methods=rows, seeds=seeds, overrides=[*defaults, *rest])
    runs = [Job(cell.plan, name=cell.title) for cell in planned if cell.plan is not None]
    if not runs:
        raise ConfigError(f"No cell of table={table.name} can be run: {planned[0].refused}")
    first = runs[0].plan.config
    output = Path(first["output"])
    records = store.load(output)
    if options.dry_run:
        print(outline(table, planned, summary.summarize(table, planned, records), first["launcher"]))
        return 0
    if options.commands:
        shown = [f"output={output}", *summary.typed(rest)]
        threads = first["launcher"].get("threads")
        before = f"OMP_NUM_THREADS={threads} " if threads else ""
        print("\n".join(before + command(table, cell, shown) for cell in planned if cell.plan is not None))
        return 0
    print(drawing(planned), end="", flush=True)
    failed = 0
    if not options.render:
        writable.check(output)
        os.environ.setdefault("WANDB_RUN_GROUP", table.name)
        launcher: Launcher = catalog.build(first["launcher"], where="launcher")
        counts = launcher.run(Grid(runs), output, f"table={table.name}", keep)
        print(said(counts), flush=True)
        failed, records = exit_code(counts), store.load(output)
    summarized = summary.summarize(table, planned, records, rest)
    line = " ".join(["python scripts/benchmark.py", *map(shlex.quote, arguments)])
    print(f"\n{render.markdown(table, summarized, line=line)}", flush=True)
    different = _compare(table, summarized) if options.compare else 0
    if rows or seeds:  # only a part was run: the folder's table stays complete
        planned = cells(table, seeds=[*table.seeds, *further], overrides=[*defaults, *rest], fitting=True)
        summarized = summary.summarize(table, planned, records, rest)
    summary.write(summarized, output / "summary.json")
    fitting = list(dict.fromkeys(cell.row for cell in planned if cell.plan is not None))
    part = [f"methods={','.join(fitting)}"] if len(fitting) < len(table.rows()) else []
    part += [f"seeds={','.join(map(str, [*table.seeds, *further]))}"] if further else []
    whole = render.command(table, [*part, *(o for o in rest if o.startswith("output=") or o in summarized.overrides)])
    file = record.write_atomically(
        output / "table.md", render.markdown(table, summarized, cost=False, line=whole).encode()
    )
    print(f"table: {file}", flush=True)
    if options.write:
        file = page.RESULTS / f"{table.name}.json"
        if {"methods", "seeds"} & given.keys() and file.is_file():  # the other rows stay as committed
            summarized = summary.completed(summarized, summary.read(file))
        commit(table, summarized, options.reason)
    return int(failed > 0 or different > 0)


def keep(job: Job, outcome: Outcome) -> None:
    """Record a refused cell as a failure of its table, with its traceback, until it can be run."""
    if outcome.kind == "refused":
        lost(unloaded(job.plan), job.plan, "usage", outcome.message, outcome.trace)


def commit(table: spec.Spec, summarized: summary.Summary, reason: str = "") -> None:
    """Write a summary to ``benchmarks/results``, with an entry in the ledger for each score that changed.

    Raises:
        ConfigError: scores changed and no reason is given; nothing was written.
    """
    ledger.enter(table, summarized, reason)
    summary.write(summarized, page.RESULTS / f"{table.name}.json")
    export.diagram(table, summarized, page.RESULTS / f"{table.name}_cd.png")
    page.write()


def _compare(table: spec.Spec, summarized: summary.Summary) -> int:
    """Print the comparison with the committed summary; returns how many cells differ or are from other code."""
    file = page.RESULTS / f"{table.name}.json"
    if not file.is_file():
        raise ConfigError(f"No figures of table={table.name} are committed, so there is nothing to compare with.")
    fresh = replace(summarized, entries=tuple(entry for entry in summarized.entries if not entry.stale))
    differences, count = compare.differences(summary.read(file), fresh)
    for line in differences:
        print(line)
    print(f"{count - len(differences)} of {count} cells equal the committed ones", flush=True)
    if stale := len(summarized.entries) - len(fresh.entries):
        print(f"{stale} others were made by other code and say nothing of it: rerun=stale runs them again", flush=True)
    return len(differences) + stale + (not count)


def _seed(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ConfigError(f"seeds={word} is no whole number; write seeds=0,1.") from None


def _distinct(key: str, values: list[str]) -> list[str]:
    """Check that values are distinct, and return them.

    Raises:
        ConfigError: one is given twice.
    """
    if twice := [value for value, count in Counter(values).items() if count > 1]:
        raise ConfigError(f"{key}= names {twice[0]} twice.")
    return values


def _rows(text: str, known: Collection[str]) -> list[str]:
    """Split names of rows at commas, where a name may itself contain commas."""
    pieces, names = text.split(","), []
    while pieces and text:
        ends = range(len(pieces), 0, -1)
        end = next((k for k in ends if ",".join(pieces[:k]).strip() in known), 1)
        names.append(",".join(pieces[:end]).strip())
        pieces = pieces[end:]
    return [name for name in names if name]


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def outline(table: spec.Spec, planned: Sequence[Cell], summarized: summary.Summary, launcher: dict[str, object]) -> str:
    """Describe the plan: finished, missing and refused cells, and the time that the missing ones will take."""
    counts = Counter(entry.status for entry in summarized.entries)
    tasks, rows = len({cell.task for cell in planned}), len({cell.row for cell in planned})
    lines = [
        f"table={table.name}: {rows} methods on {tasks} tasks, {len(planned)} cells: "
        + ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    ]
    lines += drawing(planned).splitlines()
    reasons = Counter((cell.row, cell.refused) for cell in planned if cell.plan is None)
    lines += [f"  refused {number} of {row}: {why}" for (row, why), number in reasons.items()]
    lines += [
        f"  failed {entry.row} on {entry.task}: {entry.reason}"
        for entry in summarized.entries
        if entry.status == "failed"
    ]
    costs = known_seconds(table, summarized)
    missing = [entry for entry in summarized.entries if entry.status == "missing"]
    if missing and costs:
        usual = sum(costs.values()) / len(costs)  # for methods without timings
        total = sum(costs.get(entry.row, usual) for entry in missing) / int(str(launcher.get("jobs", 1)))
        lines.append(f"about {clock(total)} for the {len(missing)} missing ones, by what such runs took before")
    elif missing:
        lines.append(f"{len(missing)} missing ones; none of their methods has been timed yet")
    return "\n".join(lines)


def drawing(planned: Sequence[Cell]) -> str:
    """A line on the rows that run once for several seeds; empty if there are none."""
    rows = list(dict.fromkeys(cell.row for cell in planned if cell.others))
    if not rows:
        return ""
    verb = "draw" if len(rows) > 1 else "draws"
    return f"{', '.join(rows)} {verb} nothing: one run stands for all seeds\n"


def known_seconds(table: spec.Spec, summarized: summary.Summary) -> dict[str, float]:
    """Mean seconds of a run by row, from this results folder or else from the committed summary."""
    committed = page.RESULTS / f"{table.name}.json"
    sources = [*([summary.read(committed)] if committed.is_file() else []), summarized]
    return {row: seconds for known in sources for row in known.rows() if (seconds := known.seconds(row)) is not None}
