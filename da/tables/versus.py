"""Two methods against each other: paired over tasks and seeds, and in what their configurations differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from da.errors import UsageError, few, nearest
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
        records: the records behind them, by table, task and seed.
    """

    name: str
    cells: Mapping[TableAndTask, Sequence[CellResult]]
    records: Mapping[tuple[TableAndTask, int], Record]

    def record(self, place: TableAndTask, seed: int) -> Record | None:
        """The record that is paired under a seed; of a run that stands for all seeds its own."""
        seeds = [cell.seed for cell in self.cells[place]]
        return self.records.get((place, seed if seed in seeds else seeds[0]))


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
        raise UsageError(_unpaired(one, other))
    if _same(one, other):
        raise UsageError(f"{a} and {b} are the same runs; name two that differ.")
    used = [results[k].spec.protocol.selection for k in sorted({place[0] for place in pairs})]
    metrics = dict.fromkeys(results[place[0]].summary.metric for place in pairs)
    head = (
        f"{a} against {b}: {'/'.join(metrics)} in % on the target test split, "
        f"{'/'.join(map(chosen_by, dict.fromkeys(used)))}"
    )
    parts = [head, _verdict(pairs), _by_task(one, other, pairs, rules), _differing(one, other, pairs)]
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
    return Side(name, cells, {(place, entry.seed): r for place, entry, r in found if r is not None})


def _lies_in(r: Record | None, folder: Path) -> bool:
    return r is not None and r.directory is not None and r.directory.resolve().is_relative_to(folder)


def _same(one: Side, other: Side) -> bool:
    ours, theirs = ({id(r) for r in side.records.values()} for side in (one, other))
    return ours == theirs and one.cells == other.cells


def _unpaired(one: Side, other: Side) -> str:
    """Why no two runs can be compared: their targets have no labels, or no two have a task and a seed in common."""
    unlabelled = [place[1] for place in one.cells if _without_labels(one, place) and _without_labels(other, place)]
    if unlabelled:
        return (
            f"{one.name} and {other.name} have no accuracies to compare: the target of {few(unlabelled)} has no "
            "labels; report.py without --compare compares them by label-free rules."
        )
    return f"{one.name} and {other.name} have no task and seed in common: {_has(one)}; {_has(other)}."


def _without_labels(side: Side, place: TableAndTask) -> bool:
    """Whether runs on a task finished, and none could be scored."""
    finished = [cell for cell in side.cells.get(place, ()) if cell.status == "finished"]
    return bool(finished) and not any(cell.scores for cell in finished)


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


def _differing(one: Side, other: Side, pairs: Mapping[TableAndTask, Mapping[int, float]]) -> str:
    """The settings in which runs that are paired differ, numbers in full; seeds and data are not among them."""
    records = [(one.record(place, seed), other.record(place, seed)) for place, found in pairs.items() for seed in found]
    known = [(settings(a), settings(b)) for a, b in records if a is not None and b is not None]
    if not known:
        return "Their configurations are not at hand: the folder has no records of these runs."
    counts = Counter(difference for a, b in known for difference in _differences(a, b))
    if not counts:
        return "Their configurations are the same."
    body = [[*difference, str(n)] for difference, n in sorted(counts.items())]
    head = ["key", "the first", "the second", f"pairs of {len(known)}"]
    if all(n == len(known) for n in counts.values()):
        head, body = head[:-1], [row[:-1] for row in body]
    return f"Their configurations differ in\n{Sheet(head, body, words=(0, 1, 2)).text()}"


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The keys that two runs set differently, with both values as text."""
    keys = [key for key in a.keys() | b.keys() if (key in a, a.get(key)) != (key in b, b.get(key))]
    return [(key, str(a.get(key, ABSENT)), str(b.get(key, ABSENT))) for key in keys]


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}{'s' * (n != 1)}"
