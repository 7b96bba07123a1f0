"""Command line of tables: plan, run missing cells, render; and verify the committed scores."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from da.config import catalog
from da.engine.result import load_failure_directory, write_failure
from da.errors import ConfigError, UsageError
from da.files import write_atomically
from da.report.sections import SUMMARY
from da.results import record, store, writable
from da.results.scores import clock
from da.sweeps.job import Grid, Job, Outcome, exit_code, said
from da.sweeps.launchers import Launcher
from da.tables import compare, export, ledger, spec, summary, variant, verify
from da.tables import markdown as render
from da.tables import results_page as page
from da.tables.cells import PlannedRun, command, planned_runs
from da.tables.summarize import summarize

OWN = ("table", "methods", "tasks", "seeds", "baseline")
TEXT = f"""Run a published result table again: every method on every task with every seed.

  python scripts/benchmark.py table=office_caltech10_surf
  python scripts/benchmark.py table=digits_deep methods=dann,deep_coral seeds=0,1 --dry-run
  python scripts/benchmark.py table=digits_deep methods=source_only,iwan tasks=MNIST→USPS baseline=source_only
  python scripts/benchmark.py table=my_table.yaml                   # of your own, written like benchmarks/tables/*.yaml
  python scripts/benchmark.py table=digits_deep --compare           # with the committed figures
  python scripts/benchmark.py --verify --sample 60 --seed 1         # run committed cells again, of all tables

methods= takes rows of the table, and any method of the catalogue at its defaults; the test is against baseline=ROW.
Finished cells are not run again: after an interruption give the same command. Any other KEY=VALUE goes to all cells
as on the command line of scripts/train.py (launcher.jobs=4 launcher.timeout=600 rerun=failed output=FOLDER ...), unless
the table sets that key itself.

tables: {", ".join(spec.names())}
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; exit code 0 done, 1 a run failed or a score differs, 2 wrong usage, 130 interrupted."""
    parser = argparse.ArgumentParser(description=TEXT, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="table=NAME methods=A,B tasks=C,D seeds=0,1 ..."
    )
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
    if found := [word for word, name in idle.items() if getattr(options, name)]:
        raise ConfigError(f"{found[0]} is {'not for' if options.verify else 'only for'} --verify.")
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
    tables = _distinct("table", _listed(given.get("table", ""))) or [
        table.protocol.name for table, _ in page.committed()[0]
    ]
    if foreign := [key for key in OWN[1:] if key in given] or rest:
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
    if table.protocol.made_by:
        raise ConfigError(
            f"table={table.protocol.name} is no plain grid of runs; make it with: {table.protocol.made_by}"
        )
    if options.write and summary.typed(rest):
        raise ConfigError(f"--write commits tables as their files say, without {', '.join(summary.typed(rest))}.")
    whole, rows, shown = _variant(table, given)
    if options.write and (why := _not_for_commits(table, whole, given)):
        raise ConfigError(f"--write commits tables of benchmarks/tables as their files say, {why}.")
    seeds = [_seed(word) for word in _distinct("seeds", _listed(given.get("seeds", "")))]
    further = [seed for seed in seeds if seed not in table.protocol.seeds]
    if options.write and further:
        raise ConfigError(
            f"--write commits tables as their files say; table={table.protocol.name} has no seed {further[0]}."
        )
    defaults = [f"output=runs/benchmark/{table.protocol.name}", "logger=none"]
    if not any(override.startswith("launcher=") for override in rest):
        defaults += [f"launcher.jobs={os.cpu_count() or 1}", "launcher.threads=1"]
    planned = planned_runs(shown.protocol, methods=rows, seeds=seeds, overrides=[*defaults, *rest])
    runs = [Job(cell.plan, name=cell.title) for cell in planned if cell.plan is not None]
    if not runs:
        raise ConfigError(f"No cell of table={table.protocol.name} can be run: {planned[0].refused}")
    first = runs[0].plan.config
    output = Path(first["output"])
    found = _records(output)
    if options.dry_run:
        print(outline(shown, planned, _summary(shown, planned, found), first["launcher"]))
        return 0
    if options.commands:
        typed = [f"output={output}", *summary.typed(rest)]
        threads = first["launcher"].get("threads")
        before = f"OMP_NUM_THREADS={threads} " if threads else ""
        print("\n".join(before + command(shown.protocol, cell, typed) for cell in planned if cell.plan is not None))
        return 0
    print(drawing(planned), end="", flush=True)
    failed = 0
    if not options.render:
        writable.check(output)
        os.environ.setdefault("WANDB_RUN_GROUP", table.protocol.name)
        launcher: Launcher = catalog.build(first["launcher"], where="launcher")
        counts = launcher.run(Grid(runs), output, f"table={table.protocol.name}", keep)
        print(said(counts), flush=True)
        failed, found = exit_code(counts), _records(output)
    made = _summary(shown, planned, found, rest)
    line = " ".join(["python scripts/benchmark.py", *map(shlex.quote, arguments)])
    print(f"\n{render.markdown(shown, made, line=line)}", flush=True)
    different = _compare(table, made) if options.compare else 0
    if rows or seeds or shown is not whole:  # only a part was run: the folder's table stays complete
        planned = planned_runs(
            whole.protocol, seeds=[*table.protocol.seeds, *further], overrides=[*defaults, *rest], fitting=True
        )
        made = _summary(whole, planned, found, rest)
    summary.write(made, output / SUMMARY)
    fitting = list(dict.fromkeys(cell.row for cell in planned if cell.plan is not None))
    part = [f"methods={','.join(fitting)}"] if fitting != list(table.protocol.rows()) else []
    part += [f"baseline={whole.protocol.baseline}"] if whole.protocol.baseline != table.protocol.baseline else []
    part += [f"seeds={','.join(map(str, [*table.protocol.seeds, *further]))}"] if further else []
    again = render.command(table, [*part, *(o for o in rest if o.startswith("output=") or o in made.overrides)])
    file = write_atomically(output / "table.md", render.markdown(whole, made, cost=False, line=again).encode())
    (output / variant.VARIANT).unlink(missing_ok=True)
    if whole != table or table.protocol.path:
        variant.write(whole, again, output / variant.VARIANT)
    print(f"table: {file}", flush=True)
    if options.write:
        file = page.RESULTS / f"{table.protocol.name}.json"
        if {"methods", "seeds"} & given.keys() and file.is_file():  # the other rows stay as committed
            made = summary.completed(made, summary.read(file))
        commit(table, made, options.reason)
    return int(failed > 0 or different > 0)


def _variant(table: spec.TableSpec, given: Mapping[str, str]) -> tuple[spec.TableSpec, list[str], spec.TableSpec]:
    """The table with the rows and the baseline that were typed, the rows to run, and the same on the typed tasks.

    Raises:
        ConfigError: a row or task is unknown or named twice.
    """
    names = _distinct("methods", _named(given.get("methods", ""), table.protocol.rows()))
    whole, rows = variant.with_rows(table, names)
    if "baseline" in given:
        whole, (baseline,) = variant.with_rows(whole, [given["baseline"].strip()])
        whole = variant.against(whole, baseline)
        rows += [baseline] if rows and baseline not in rows else []
    tasks = [task.replace("->", "→") for task in whole.protocol.tasks]
    asked = _distinct("tasks", _named(given.get("tasks", "").replace("->", "→"), tasks))
    return whole, rows, variant.on_tasks(whole, asked)


def _not_for_commits(table: spec.TableSpec, whole: spec.TableSpec, given: Mapping[str, str]) -> str:
    """Which typed part makes other figures than those of the table's file; empty for none."""
    further = [row for row in whole.protocol.rows() if row not in table.protocol.rows()]
    reasons = {
        f"not {table.protocol.path}": bool(table.protocol.path),
        f"without the row {', '.join(further)}, which this table does not have": bool(further),
        f"without tasks={given.get('tasks', '')}": "tasks" in given,
        f"without baseline={given.get('baseline', '')}": "baseline" in given,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _records(output: Path) -> list[record.Record]:
    """The records of a folder; what cannot be read is said."""
    found = store.scan(output)
    if complaint := found.complaint():
        print(f"benchmark: {complaint}", file=sys.stderr)
    return found.records


def _summary(
    table: spec.TableSpec, planned: Sequence[PlannedRun], records: Sequence[record.Record], rest: Sequence[str] = ()
) -> summary.Summary:
    """What came of the planned cells."""
    (results,) = summarize(records, table, planned=planned, overrides=rest)
    return results.summary


def keep(job: Job, outcome: Outcome) -> None:
    """Record a refused cell as a failure of its table, with its traceback, until it can be run."""
    if outcome.kind == "refused":
        write_failure(load_failure_directory(job.plan), job.plan, "usage", outcome.message, outcome.trace)


def commit(table: spec.TableSpec, made: summary.Summary, reason: str = "") -> None:
    """Write a summary to ``benchmarks/results``, with an entry in the ledger for each score that changed.

    Raises:
        ConfigError: scores changed and no reason is given; nothing was written.
    """
    ledger.enter(table.protocol, made, reason)
    summary.write(made, page.RESULTS / f"{table.protocol.name}.json")
    export.diagram(table, made, page.RESULTS / f"{table.protocol.name}_cd.png")
    page.write()


def _compare(table: spec.TableSpec, made: summary.Summary) -> int:
    """Print the comparison with the committed summary; returns how many cells differ or are from other code."""
    file = page.RESULTS / f"{table.protocol.name}.json"
    if not file.is_file():
        raise ConfigError(
            f"No figures of table={table.protocol.name} are committed, so there is nothing to compare with."
        )
    fresh = replace(made, entries=tuple(entry for entry in made.entries if not entry.stale))
    differences, count = compare.differences(summary.read(file), fresh)
    for line in differences:
        print(line)
    print(f"{count - len(differences)} of {count} cells equal the committed ones", flush=True)
    if stale := len(made.entries) - len(fresh.entries):
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


def _named(text: str, known: Collection[str]) -> list[str]:
    """Split names of rows or tasks at commas, where a name may itself contain commas."""
    pieces, found = text.split(","), []
    while pieces and text:
        ends = range(len(pieces), 0, -1)
        end = next((k for k in ends if ",".join(pieces[:k]).strip() in known), 1)
        found.append(",".join(pieces[:end]).strip())
        pieces = pieces[end:]
    return [name for name in found if name]


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def outline(
    table: spec.TableSpec, planned: Sequence[PlannedRun], made: summary.Summary, launcher: dict[str, object]
) -> str:
    """Describe the plan: finished, missing and refused cells, and the time that the missing ones will take."""
    counts = Counter(entry.status for entry in made.entries)
    tasks, rows = len({cell.task for cell in planned}), len({cell.row for cell in planned})
    lines = [
        f"table={table.protocol.name}: {rows} methods on {tasks} tasks, {len(planned)} cells: "
        + ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    ]
    lines += drawing(planned).splitlines()
    reasons = Counter((cell.row, cell.refused) for cell in planned if cell.plan is None)
    lines += [f"  refused {number} of {row}: {why}" for (row, why), number in reasons.items()]
    lines += [
        f"  failed {entry.row} on {entry.task}: {entry.reason}" for entry in made.entries if entry.status == "failed"
    ]
    costs = known_seconds(table, made)
    missing = [entry for entry in made.entries if entry.status == "missing"]
    if missing and costs:
        usual = sum(costs.values()) / len(costs)  # for methods without timings
        total = sum(costs.get(entry.row, usual) for entry in missing) / int(str(launcher.get("jobs", 1)))
        lines.append(f"about {clock(total)} for the {len(missing)} missing ones, by what such runs took before")
    elif missing:
        lines.append(f"{len(missing)} missing ones; none of their methods has been timed yet")
    return "\n".join(lines)


def drawing(planned: Sequence[PlannedRun]) -> str:
    """A line on the rows that run once for several seeds; empty if there are none."""
    rows = list(dict.fromkeys(cell.row for cell in planned if cell.others))
    if not rows:
        return ""
    verb = "draw" if len(rows) > 1 else "draws"
    return f"{', '.join(rows)} {verb} nothing: one run stands for all seeds\n"


def known_seconds(table: spec.TableSpec, made: summary.Summary) -> dict[str, float]:
    """Mean seconds of a run by row, from this results folder or else from the committed summary."""
    committed = page.RESULTS / f"{table.protocol.name}.json"
    sources = [*([summary.read(committed)] if committed.is_file() else []), made]
    return {row: seconds for known in sources for row in known.rows() if (seconds := known.seconds(row)) is not None}
