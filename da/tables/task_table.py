"""The table of one task: means and deviations over seeds, every selection rule side by side, the oracle apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from da.results import scores
from da.results.record import Record
from da.results.scores import SeedScores
from da.results.store import SharedProtocol
from da.tables.label_free import LabelFreeTable, label_free_table
from da.tables.notes import notes_of
from da.tables.paired import PairedDifference, paired_difference, seed_differences
from da.tables.summarize import TableResults
from da.tables.summary import Summary
from da.tables.task_runs import TaskRuns
from da.tables.wording import ORACLE, first_sentence

Column = tuple[str, str]
"""A selection rule and a metric."""


@dataclass(frozen=True)
class TaskRow:
    """One method under one configuration.

    Args:
        label: the method, and the keys in which its configurations differ where it has several.
        method: its name in the catalogue.
        finished: number of finished runs, one a seed.
        seconds: mean time of training and evaluation of a run.
        cells: scores by selection rule and metric, in percent.
        errors: seed and first sentence of every failed run.
        difference: to the baseline, paired over seeds, in the main column; None where nothing pairs.
    """

    label: str
    method: str
    finished: int
    seconds: float | None
    cells: Mapping[Column, SeedScores]
    errors: tuple[str, ...]
    difference: PairedDifference | None = None

    def cell(self, column: Column) -> SeedScores:
        """A score; without values where there is none."""
        return self.cells.get(column, SeedScores(()))


@dataclass(frozen=True)
class TaskTable:
    """Rows under one protocol, the best first.

    Args:
        protocol: what all rows share.
        samples: size of the target's test split, or None if no run finished.
        rule: the selection rule reported first.
        rules: all others without target labels, then all that are an oracle.
        metrics: names of the metrics, the main one first.
        rows: by falling mean; rows without a score come last.
        notes: what a reader must know before comparing rows.
        label_free: what can be said where the target has no labels; None where it has.
        baseline: label of the row that adapts nothing, which others are compared with; empty for none.
    """

    protocol: SharedProtocol
    samples: int | None
    rule: str
    rules: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[TaskRow, ...]
    notes: tuple[str, ...]
    label_free: LabelFreeTable | None = None
    baseline: str = ""

    @property
    def main(self) -> Column:
        """The column that rows are ordered by."""
        return self.rule, self.metrics[0]

    def columns(self, oracle: bool) -> list[Column]:
        """The columns of rules that read target labels, or of those that do not; all metrics for the first rule."""
        columns = []
        for rule in (self.rule, *self.rules):
            if rule.startswith(ORACLE) == oracle:
                columns += [(rule, metric) for metric in (self.metrics if rule == self.rule else self.metrics[:1])]
        return columns


def task_tables(results: Sequence[TableResults]) -> list[TaskTable]:
    """One table for each task of results folders; those of data on which nothing finished come last.

    Args:
        results: as :func:`da.tables.summarize.summarize` gives them.
    """
    pairs = [(task, table) for table in results for task in table.tasks]
    pairs.sort(key=lambda pair: (not pair[0].finished, pair[0].protocol))
    return [_table(task, table) for task, table in pairs]


def _table(task: TaskRuns, results: TableResults) -> TaskTable:
    others = {name for r in task.finished for name in r.selection} - {task.rule}
    rules = sorted(others, key=lambda name: (name.startswith(ORACLE), name))
    columns = [(name, metric) for name in (task.rule, *rules) for metric in task.metrics]
    baseline = results.spec.protocol.baseline
    differences = {label: _difference(task, results.summary, label, baseline) for label in task.rows}
    rows = [replace(_row(label, runs, columns), difference=differences[label]) for label, runs in task.rows.items()]
    main = (task.rule, task.metrics[0])
    return TaskTable(
        protocol=task.protocol,
        samples=task.samples,
        rule=task.rule,
        rules=tuple(rules),
        metrics=task.metrics,
        rows=tuple(sorted(rows, key=lambda row: (*scores.falling(row.cell(main).mean), row.label))),
        notes=tuple(notes_of(task)),
        label_free=label_free_table(task.name, task.rows, task.rule, notes_of(task)) if task.is_unlabelled else None,
        baseline=baseline if baseline in task.rows else "",
    )


def _difference(task: TaskRuns, summary: Summary, label: str, baseline: str) -> PairedDifference | None:
    """A row minus the baseline, over the seeds of a task."""
    if label == baseline:
        return None
    found = seed_differences(summary.of(label, task.name), summary.of(baseline, task.name), task.rule)
    return paired_difference(list(found.values()))


def _row(label: str, runs: Sequence[Record], columns: Sequence[Column]) -> TaskRow:
    finished = [r for r in runs if r.is_finished]
    cells = {}
    for rule, metric in columns:
        chosen = [r.selection[rule].target_test for r in finished if rule in r.selection]
        cells[rule, metric] = SeedScores(tuple(metrics[metric] for metrics in chosen if metric in metrics))
    return TaskRow(
        label=label,
        method=runs[0].method,
        finished=len(finished),
        seconds=scores.mean([r.work_seconds for r in finished]) if finished else None,
        cells=cells,
        errors=tuple(f"seed {r.seed}: {first_sentence(r)}" for r in runs if not r.is_finished),
    )


def gap_closed(table: TaskTable, row: TaskRow, lower: TaskRow, upper: TaskRow) -> float:
    """Share of the gap between two rows that a third one closes, in percent of the means of the main column.

    ``100 (row - lower) / (upper - lower)``: 0 is the lower row, 100 the upper one; NaN where there is no gap.
    """
    low, high = lower.cell(table.main).mean, upper.cell(table.main).mean
    return 100.0 * (row.cell(table.main).mean - low) / (high - low) if high > low else math.nan


def best(table: TaskTable, without: Iterable[str] = ()) -> TaskRow | None:
    """The row with the highest mean of the main column, some methods left out; None if no row has one."""
    left_out = set(without)
    return next((r for r in table.rows if r.method not in left_out and r.cell(table.main).values), None)
