"""The command that runs a table: plan, run what is missing, render."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from da import catalog
from da.benchmark import export, page, render, spec, summary
from da.benchmark.plan import Cell, cells, command
from da.errors import ConfigError, UsageError
from da.results import record, store
from da.sweeps.job import Grid, Job, said
from da.sweeps.launchers import Launcher
from da.sweeps.status import clock

OWN = ("table", "methods", "seeds")
TEXT = f"""Run a published result table again: every method on every task with every seed.

  python scripts/benchmark.py table=office_caltech10_surf
  python scripts/benchmark.py table=digits_deep methods=dann,deep_coral seeds=0,1 --dry-run

Finished cells are not run again: after an interruption give the same command. Any other KEY=VALUE goes to all cells
as on the command line of scripts/train.py (launcher.jobs=4 launcher.timeout=600 rerun=failed output=FOLDER ...).

tables: {", ".join(spec.names())}
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns 0 done, 1 a run failed, 2 it cannot be done as asked, 130 interrupted."""
    parser = argparse.ArgumentParser(description=TEXT, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="table=NAME methods=A,B seeds=0,1 and others")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and how long it will take, and stop")
    parser.add_argument("--commands", action="store_true", help="print the command of every cell by itself, and stop")
    parser.add_argument("--render", action="store_true", help="run nothing: render what is there")
    parser.add_argument(
        "--write", action="store_true", help="put the summary into benchmarks/results and render RESULTS.md"
    )
    options = parser.parse_intermixed_args(list(arguments))
    try:
        return _table(options)
    except UsageError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on with what is missing.", file=sys.stderr)
        return 130


def _table(options: argparse.Namespace) -> int:
    given = dict(override.partition("=")[::2] for override in options.overrides if override.partition("=")[0] in OWN)
    rest = [override for override in options.overrides if override.partition("=")[0] not in OWN]
    if "table" not in given:
        raise ConfigError(f"Name a table: table=NAME, one of {', '.join(spec.names())}.")
    table = spec.load(given["table"])
    if table.made_by:
        raise ConfigError(f"table={table.name} is no plain grid of runs; make it with: {table.made_by}")
    defaults = [f"output=runs/benchmark/{table.name}", "logger=none"]
    if not any(override.startswith("launcher=") for override in rest):
        defaults.append(f"launcher.jobs={os.cpu_count() or 1}")
    planned = cells(
        table,
        methods=_listed(given.get("methods", "")),
        seeds=[int(seed) for seed in _listed(given.get("seeds", ""))],
        overrides=[*defaults, *rest],
    )
    runs = [cell.plan for cell in planned if cell.plan is not None]
    if not runs:
        raise ConfigError(f"No cell of table={table.name} can be run: {planned[0].refused}")
    output = Path(runs[0].config["output"])
    found = store.load(output)
    if options.dry_run:
        print(outline(table, planned, summary.summarize(table, planned, found), runs[0].config["launcher"]))
        return 0
    if options.commands:
        print("\n".join(command(table, cell) for cell in planned if cell.plan is not None))
        return 0
    failed = 0
    if not options.render:
        os.environ.setdefault("WANDB_RUN_GROUP", table.name)
        launcher: Launcher = catalog.build(runs[0].config["launcher"], where="launcher")
        counts = launcher.run(Grid([Job(plan) for plan in runs]), output, f"table={table.name}")
        print(said(counts), flush=True)
        failed, found = counts["failed"], store.load(output)
    made = summary.summarize(table, planned, found)
    print(f"\n{render.markdown(table, made)}", flush=True)
    if {"methods", "seeds"} & given.keys():  # a part was asked for: the folder's table stays whole
        planned = cells(table, overrides=[*defaults, *rest])
        made = summary.summarize(table, planned, found)
    summary.write(made, output / "summary.json")
    file = record.write_atomically(output / "table.md", render.markdown(table, made, cost=False).encode())
    print(f"table: {file}", flush=True)
    if options.write:
        summary.write(made, page.RESULTS / f"{table.name}.json")
        export.diagram(table, made, page.RESULTS / f"{table.name}_cd.png")
        page.write()
    return int(failed > 0)


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def outline(table: spec.Spec, planned: Sequence[Cell], made: summary.Summary, launcher: dict[str, object]) -> str:
    """The plan in words: what is there, what is missing, what cannot be, and how long the rest will take."""
    counts = Counter(entry.status for entry in made.entries)
    tasks, rows = len({cell.task for cell in planned}), len({cell.row for cell in planned})
    lines = [
        f"table={table.name}: {rows} methods on {tasks} tasks, {len(planned)} cells: "
        + ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    ]
    reasons = Counter((cell.row, cell.refused) for cell in planned if cell.plan is None)
    lines += [f"  refused {number} of {row}: {why}" for (row, why), number in reasons.items()]
    lines += [
        f"  failed {entry.row} on {entry.task}: {entry.reason}" for entry in made.entries if entry.status == "failed"
    ]
    costs = known_seconds(table, made)
    missing = [entry for entry in made.entries if entry.status == "missing"]
    if missing and costs:
        usual = sum(costs.values()) / len(costs)  # of methods that were never timed
        total = sum(costs.get(entry.row, usual) for entry in missing) / int(str(launcher.get("jobs", 1)))
        lines.append(f"about {clock(total)} for the {len(missing)} missing ones, by what such runs took before")
    elif missing:
        lines.append(f"{len(missing)} missing ones; none of their methods has been timed yet")
    return "\n".join(lines)


def known_seconds(table: spec.Spec, made: summary.Summary) -> dict[str, float]:
    """Mean seconds of a run by row, from this results folder or else from the committed summary."""
    committed = page.RESULTS / f"{table.name}.json"
    sources = [*([summary.read(committed)] if committed.is_file() else []), made]
    return {row: seconds for known in sources for row in known.rows() if (seconds := known.seconds(row)) is not None}
