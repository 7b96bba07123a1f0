"""Demo: compare adaptation methods on a small shift, and plot their features."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from da.config.compose import compose
from da.engine.result import Result, RunFailed, one_line
from da.files import write_atomically
from da.tables import render
from da.tables.summarize import summarize
from da.tables.task_table import TaskRow, TaskTable, best, gap_closed, task_tables

LOWER, UPPER = "source_only", "target_only"
METHODS = {LOWER: (), "dan": (), "deep_coral": (), "dann": ("experiment=digits_dann",), UPPER: ()}
"""The methods to train, each with overrides if its defaults do not suit these data."""
SEEDS = (0, 1, 2)
OVERRIDES = ("data=digits", "trainer.max_epochs=15", "steps_per_epoch=20", "evaluate_every=3")


def demo(output: Path, overrides: Sequence[str] = ()) -> int:
    """Train every method with every seed, print the table and plot the features; finished runs are skipped.

    Args:
        output: folder of the records, of ``table.md`` and of ``features.png``.
        overrides: further overrides, such as ``trainer.max_epochs=5``.

    Returns:
        The exit code: 0 done, 1 a run failed, 130 interrupted.

    Raises:
        UsageError: an override is wrong, or matplotlib is missing (raised after the table).
    """
    from da.engine import run

    results: dict[tuple[str, int], Result] = {}
    try:
        for method, recipe in METHODS.items():
            for seed in SEEDS:
                job = [f"method={method}", f"seed={seed}", *OVERRIDES, *recipe, *overrides, f"output={output}"]
                made = results[method, seed] = run.run(compose(job))
                print(one_line(made.record, made.directory, made.fresh), flush=True)
    except RunFailed as error:
        print(f"FAILED   {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nInterrupted; what is done stays below {output}, and the same command goes on.", file=sys.stderr)
        return 130
    (table,) = task_tables(summarize([made.record for made in results.values()]))
    print(f"\n{render.text([table])}\n{verdict(table)}\n")
    report = write_atomically(output / "table.md", f"{render.markdown([table])}\n{verdict(table)}\n".encode())
    print(f"table:    {report}", flush=True)
    shown = best(table, without=(LOWER, UPPER))
    assert shown is not None  # every run finished, on labelled data
    directories = {name: results[name, SEEDS[0]].directory for name in (LOWER, shown.method)}
    print(f"features: {draw(directories, output / 'features.png')}")
    return 0


def verdict(table: TaskTable) -> str:
    """One sentence on the gap between the lower and the upper row, and how much of it the best method closes."""
    lower, upper = (_only(table, method) for method in (LOWER, UPPER))
    row = best(table, without=(LOWER, UPPER))
    assert row is not None
    gap = upper.cell(table.main).mean - lower.cell(table.main).mean
    closed = gap_closed(table, row, lower, upper)
    basis = f"means of {row.finished} seeds on the target test split, selection={table.rule}"
    if math.isnan(closed):
        return f"{LOWER} is not below training on target labels ({UPPER}), so there is no gap to close ({basis})."
    below = f"{LOWER} is {gap:.1f} points below training on target labels ({UPPER})"
    if closed > 100:
        return f"{below}; the best method, {row.label}, closes all of this gap and more, {closed:.0f} % ({basis})."
    if closed <= 0:
        return f"{below}, and no method closes any of this gap ({basis})."
    return f"{below}; the best method, {row.label}, closes {closed:.0f} % of this gap ({basis})."


def _only(table: TaskTable, method: str) -> TaskRow:
    (row,) = (row for row in table.rows if row.method == method)
    return row


def draw(directories: dict[str, Path], file: Path) -> Path:
    """Plot the features of finished deep runs side by side, by name."""
    from da.analysis.embedding import embedding_figure, panel, strips
    from da.engine.run import restore

    restored = {name: restore(directory) for name, directory in directories.items()}
    task = next(iter(restored.values())).task
    return embedding_figure([panel(name, *run) for name, run in restored.items()], file, strips(task))
