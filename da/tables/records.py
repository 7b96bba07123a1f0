"""Tables of records: means and deviations over seeds, every selection rule side by side, the oracle apart."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from da.engine.result import made_by_other_code
from da.engine.warned import alike
from da.results import figures
from da.results.record import Record, latest
from da.results.store import Protocol, protocols, settings

ORACLE = "oracle_"
Column = tuple[str, str]
"""A selection rule and a metric."""


@dataclass(frozen=True)
class Cell:
    """One figure of one method: its values over seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over seeds; NaN without values."""
        return figures.mean(self.values)

    @property
    def std(self) -> float | None:
        """Sample standard deviation (ddof=1); None for fewer than two seeds."""
        return figures.deviation(self.values)


@dataclass(frozen=True)
class Row:
    """One method under one configuration.

    Args:
        label: the method, and the keys in which its configurations differ where it has several.
        method: its name in the catalogue.
        finished: number of finished runs, one a seed.
        seconds: mean time of training and evaluation of a run.
        cells: figures by selection rule and metric, in percent.
        errors: seed and first sentence of every failed run.
        runs: their records, one a seed.
        stale: some of them were made by other code than the present, see :mod:`da.engine.codehash`.
    """

    label: str
    method: str
    finished: int
    seconds: float | None
    cells: Mapping[Column, Cell]
    errors: tuple[str, ...]
    runs: tuple[Record, ...] = ()
    stale: bool = False

    def cell(self, column: Column) -> Cell:
        """A figure; without values where there is none."""
        return self.cells.get(column, Cell(()))


@dataclass(frozen=True)
class Table:
    """Rows under one protocol, the best first.

    Args:
        protocol: what all rows share.
        samples: size of the target's test split, or None if no run finished.
        rule: the selection rule reported first.
        rules: all others without target labels, then all that are an oracle.
        metrics: names of the metrics, the main one first.
        rows: by falling mean; rows without a figure come last.
        notes: what a reader must know before comparing rows.
    """

    protocol: Protocol
    samples: int | None
    rule: str
    rules: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

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


def tables(records: Sequence[Record], rule: str | None = None) -> list[Table]:
    """Aggregate records into one table a protocol; those of data on which nothing finished come last.

    Runs are averaged over seeds only where data and configuration are the same. A seed that failed and also finished
    (it was run again) counts as finished.

    Args:
        records: as :func:`da.results.store.load` gives them.
        rule: the selection rule reported first; None is the configured one, or ``last`` where runs disagree.
    """
    groups: dict[Protocol, list[Record]] = {}
    for r, protocol in zip(records, protocols(records), strict=True):
        groups.setdefault(protocol, []).append(r)
    made = [_table(protocol, groups[protocol], rule) for protocol in sorted(groups)]
    return sorted(made, key=lambda table: table.samples is None)  # what only failed comes last


def _table(protocol: Protocol, records: list[Record], rule: str | None) -> Table:
    runs: dict[tuple[str, frozenset[tuple[str, Any]]], dict[int, Record]] = {}
    for r in latest(records):
        runs.setdefault((r.method, frozenset(settings(r).items())), {})[r.seed] = r
    kept = [r for row in runs.values() for r in row.values()]
    finished = [r for r in kept if r.is_finished]
    configured = {str(r.config["selection"]) for r in kept}
    rule = rule or (configured.pop() if len(configured) == 1 else "last")
    others = {name for r in finished for name in r.selection} - {rule}
    rules = sorted(others, key=lambda name: (name.startswith(ORACLE), name))
    metrics = tuple(dict.fromkeys(metric for r in finished for metric in r.target_test)) or ("accuracy",)
    columns = [(name, metric) for name in (rule, *rules) for metric in metrics]
    configurations = {key: dict(key[1]) for key in runs}
    rows = []
    for key, row in runs.items():
        own = differing(c for (method, _), c in configurations.items() if method == key[0])
        rows.append(_row(key[0], _label(key[0], configurations[key], own), row, columns))
    task = finished[0].task if finished else None
    return Table(
        protocol=protocol,
        samples=task.test_samples if task else None,
        rule=rule,
        rules=tuple(rules),
        metrics=metrics,
        rows=tuple(sorted(rows, key=lambda row: (*figures.falling(row.cell((rule, metrics[0])).mean), row.label))),
        notes=tuple(_notes(list(configurations.values()), [row.label for row in rows if row.stale]) + _warnings(rows)),
    )


def _row(method: str, label: str, by_seed: Mapping[int, Record], columns: list[Column]) -> Row:
    runs = [by_seed[seed] for seed in sorted(by_seed)]
    finished = [r for r in runs if r.is_finished]
    cells = {}
    for rule, metric in columns:
        chosen = [r.selection[rule].target_test for r in finished if rule in r.selection]
        cells[rule, metric] = Cell(tuple(metrics[metric] for metrics in chosen if metric in metrics))
    seconds = [r.work_seconds for r in finished]
    errors = [f"seed {r.seed}: {first_sentence(r)}" for r in runs if not r.is_finished]
    return Row(
        label=label,
        method=method,
        finished=len(finished),
        seconds=figures.mean(seconds) if seconds else None,
        cells=cells,
        errors=tuple(errors),
        runs=tuple(runs),
        stale=any(made_by_other_code(r) for r in finished),
    )


def differing(configurations: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys that flat configurations do not share, in alphabetical order; a missing key differs from any value."""
    given = list(configurations)
    keys = sorted({key for c in given for key in c})
    return [key for key in keys if len({(key in c, c.get(key)) for c in given}) > 1]


def _label(method: str, configuration: Mapping[str, Any], keys: list[str]) -> str:
    shown = ", ".join(f"{key}={configuration[key]}" for key in keys if key in configuration)
    return f"{method} ({shown})" if shown else method


def _notes(configurations: list[dict[str, Any]], stale: list[str]) -> list[str]:
    notes = []
    unequal = [key for key in differing(configurations) if key.partition(".")[0] != "method"]
    if unequal:
        notes.append(f"Not the same in all rows: {', '.join(unequal)}.")
    if stale:
        notes.append(f"Made by other code than the present, rerun=stale runs them again: {', '.join(sorted(stale))}.")
    return notes


def _warnings(rows: Sequence[Row]) -> list[str]:
    """What records warn of, a sentence for all that differ in numbers alone, and the rows that it is said of."""
    found: dict[str, tuple[str, dict[str, int]]] = {}
    for row in rows:
        for note in (note for run in row.runs for note in run.notes):
            _, runs = found.setdefault(alike(note), (note, {}))
            runs[row.label] = runs.get(row.label, 0) + 1
    return [
        f"Warning of {', '.join(f'{label} ({n})' if n > 1 else label for label, n in sorted(runs.items()))}: {note}"
        for note, runs in found.values()
    ]


def first_sentence(failed: Record) -> str:
    """The first sentence of a failed run's error, or its kind where the error says nothing."""
    text = " ".join(failed.error.split()) or failed.error_kind or "no message"
    return re.split(r"(?<=[.!?]) ", text, maxsplit=1)[0]


def chosen_by(rule: str) -> str:
    """The rule that chose the epoch of a figure, in words that call an oracle one."""
    bound = ", an oracle that reads the target test labels: a bound, not a result"
    return f"selection={rule}{bound if rule.startswith(ORACLE) else ''}"


def gap_closed(table: Table, row: Row, lower: Row, upper: Row) -> float:
    """Share of the gap between two rows that a third one closes, in percent of the means of the main column.

    ``100 (row - lower) / (upper - lower)``: 0 is the lower row, 100 the upper one; NaN where there is no gap.
    """
    low, high = lower.cell(table.main).mean, upper.cell(table.main).mean
    return 100.0 * (row.cell(table.main).mean - low) / (high - low) if high > low else math.nan


def best(table: Table, without: Iterable[str] = ()) -> Row | None:
    """The row with the highest mean of the main column, some methods left out; None if no row has one."""
    left_out = set(without)
    return next((r for r in table.rows if r.method not in left_out and r.cell(table.main).values), None)
