"""Two methods against each other: paired over tasks and seeds, and in what their configurations differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from da.errors import UsageError, nearest
from da.results.record import Record
from da.results.scores import mean, shown
from da.results.store import settings
from da.tables.paired import (
    LEAST,
    PairedDifference,
    interval_text,
    over_tasks,
    paired_difference,
    seed_differences,
    signed,
)
from da.tables.summarize import TableResults
from da.tables.summary import CellResult
from da.tables.wording import ABSENT, chosen_by
from da.tables.writer import Sheet

TableAndTask = tuple[int, str]
"""Of a table its number, and a task."""


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    Args:
        name: as it was asked for.
        cells: its runs by table and task.
        records: the records behind them.
    """

    name: str
    cells: Mapping[TableAndTask, Sequence[CellResult]]
    records: Sequence[Record]


def versus(results: Sequence[TableResults], a: str, b: str) -> str:
    """Compare two methods, rows or folders of runs: ``a`` minus ``b``.

    Args:
        results: tables with the runs behind them.
        a: a row, a method that has one row on each task, or a folder of runs.
        b: what it is compared with.

    Raises:
        UsageError: one of them is not there or stands for several rows of a task, or nothing pairs.
    """
    one, other = _side(results, a), _side(results, b)
    rules = [table.spec.protocol.selection for table in results]
    pairs = {
        place: seed_differences(one.cells[place], other.cells[place], rules[place[0]])
        for place in one.cells
        if place in other.cells
    }
    pairs = {place: found for place, found in pairs.items() if found}
    if not pairs:
        raise UsageError(f"{a} and {b} have no task and seed in common: {_has(one)}; {_has(other)}.")
    if _same(one, other):
        raise UsageError(f"{a} and {b} are the same runs; name two that differ.")
    used = [results[k].spec.protocol.selection for k in sorted({place[0] for place in pairs})]
    metrics = dict.fromkeys(results[place[0]].summary.metric for place in pairs)
    head = (
        f"{a} against {b}: {'/'.join(metrics)} in % on the target test split, "
        f"{'/'.join(map(chosen_by, dict.fromkeys(used)))}"
    )
    parts = [head, _verdict(pairs), _by_task(one, other, pairs, rules), _differing(one.records, other.records)]
    return "\n\n".join(parts)


def _side(results: Sequence[TableResults], name: str) -> Side:
    """The runs of a row; of a method, where no row has the name; or of a folder, where no method has it.

    Raises:
        UsageError: there is none, or several rows of a task.
    """
    runs = [
        ((k, entry.task), entry, table.runs.get((entry.row, entry.task, entry.seed)))
        for k, table in enumerate(results)
        for entry in table.summary.entries
    ]
    folder = Path(name).expanduser().resolve()
    found = (
        [run for run in runs if run[1].row == name]
        or [run for run in runs if run[2] is not None and run[2].method == name]
        or [run for run in runs if folder.is_dir() and _lies_in(run[2], folder)]
    )
    if not found:
        known = {entry.row for _, entry, _ in runs} | {r.method for _, _, r in runs if r is not None}
        raise UsageError(f"There is no method, row or folder of runs '{name}'; {nearest(name, known)}")
    cells: dict[TableAndTask, list[CellResult]] = {}
    for place, entry, _ in found:
        cells.setdefault(place, []).append(entry)
    for (_, task), own in cells.items():
        if len(rows := sorted({entry.row for entry in own})) > 1:
            raise UsageError(f"{name} has {len(rows)} rows on {task}; name one of them: {'; '.join(rows)}.")
    return Side(name, cells, [r for _, _, r in found if r is not None])


def _lies_in(r: Record | None, folder: Path) -> bool:
    return r is not None and r.directory is not None and r.directory.resolve().is_relative_to(folder)


def _same(one: Side, other: Side) -> bool:
    return {id(r) for r in one.records} == {id(r) for r in other.records} and one.cells == other.cells


def _has(side: Side) -> str:
    seeds = sorted({e.seed for cells in side.cells.values() for e in cells})
    tasks = ", ".join(dict.fromkeys(task for _, task in side.cells))
    return f"{side.name} has {tasks} with seed{'s' * (len(seeds) != 1)} {', '.join(map(str, seeds))}"


def _verdict(pairs: Mapping[TableAndTask, Mapping[int, float]]) -> str:
    """The difference over all pairs, its interval and its test, or why there is none."""
    n = sum(map(len, pairs.values()))
    if len(pairs) == 1:
        (found,) = pairs.values()
        return _sentence(paired_difference(list(found.values())), f"{_count(n, 'pair')}, the seeds of one task", "seed")
    made = over_tasks([list(found.values()) for found in pairs.values()])
    better = sum(mean(list(found.values())) > 0 for found in pairs.values())
    worse = sum(mean(list(found.values())) < 0 for found in pairs.values())
    counts = f"better on {better}, worse on {worse}, equal on {len(pairs) - better - worse} tasks"
    said = _sentence(
        made, f"{_count(n, 'pair')} on {len(pairs)} tasks, each task once by the mean over its seeds", "task"
    )
    return f"{said}; {counts}"


def _sentence(made: PairedDifference | None, pairs: str, unit: str) -> str:
    assert made is not None  # there are pairs
    said = f"difference {signed(made.mean, 2)} points ({pairs})"
    if made.interval is None or made.p is None:
        return f"{said}; no interval and no test: it takes {LEAST} {unit}s, and differences that are not all the same"
    scope = "; seeds of one task say nothing of other tasks" if unit == "seed" else ""
    p = "p < 0.001" if made.p < 0.001 else f"p = {made.p:.3f}"
    return (
        f"{said}, 95 % interval {interval_text(made.interval, 2)} (Student's t, {made.pairs - 1} degrees of freedom); "
        f"{made.test} over {unit}s: {p}{scope}"
    )


def _by_task(one: Side, other: Side, pairs: Mapping[TableAndTask, Mapping[int, float]], rules: Sequence[str]) -> str:
    """Means over the paired seeds of each task, and their difference with its interval over seeds."""
    body = []
    for place, found in pairs.items():
        cells = [_mean(side.cells[place], found, rules[place[0]]) for side in (one, other)]
        difference = paired_difference(list(found.values()))
        assert difference is not None  # there are pairs
        text = difference.text(2) if len(found) > 1 else signed(difference.mean, 2)
        body.append([place[1], str(len(found)), *cells, text])
    return Sheet(["task", "seeds", one.name, other.name, "difference"], body).text()


def _mean(cells: Sequence[CellResult], seeds: Mapping[int, float], rule: str) -> str:
    """The mean over the seeds that pair; of a run that stands for all seeds its own score."""
    scores = {e.seed: e.scores[rule] for e in cells if rule in e.scores}
    return shown(mean([scores[seed] for seed in seeds if seed in scores]), 2)


def _differing(a: Sequence[Record], b: Sequence[Record]) -> str:
    """The settings in which the runs differ, numbers in full; seeds and data are not among them."""
    one, other = _values(a), _values(b)
    keys = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
    if not a or not b:
        return "Their configurations are not at hand: the folder has no records of these runs."
    if not keys:
        return "Their configurations are the same."
    body = [[key, _shown(one.get(key)), _shown(other.get(key))] for key in keys]
    return f"Their configurations differ in\n{Sheet(['key', 'the first', 'the second'], body, words=(0, 1, 2)).text()}"


def _values(records: Sequence[Record]) -> dict[str, list[Any]]:
    """By key, the distinct values in several runs."""
    values: dict[str, list[Any]] = {}
    for r in records:
        for key, value in settings(r).items():
            found = values.setdefault(key, [])
            if value not in found:
                found.append(value)
    return values


def _shown(values: Sequence[Any] | None) -> str:
    return ABSENT if values is None else " or ".join(map(str, values))


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}{'s' * (n != 1)}"
