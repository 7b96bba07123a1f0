"""Accuracy against time, and accuracy over epochs with the epoch that each selection rule chose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from da.report.attempts import Trouble, attempt
from da.report.labels import Box, Point, beside
from da.report.svg import Cross, Curve, Dot, Drawing, Label, Ring, Segment, Shape, frame, scale, style
from da.results.record import Record
from da.tables.leaderboard import Line
from da.tables.summarize import TableResults
from da.tables.wording import ORACLE

MOST_SERIES = 8
MOST_PANELS = 24


@dataclass(frozen=True)
class SeriesKey:
    """How the curves of a row are drawn."""

    name: str
    colour: str
    dashes: str


@dataclass(frozen=True)
class LearningCurves:
    """Small multiples with one legend, and sentences on what is left out and on runs that cannot be drawn."""

    legend: Sequence[SeriesKey]
    panels: Sequence[Drawing | Trouble]
    left_out: str
    troubles: Sequence[str] = ()


class Run(NamedTuple):
    """A run with its curve: the main metric on the target by evaluated epoch."""

    record: Record
    curve: Sequence[tuple[int, float]]


def against_time(section: TableResults, lines: Sequence[Line]) -> Drawing | None:
    """Mean accuracy against mean seconds of a run; the line joins the rows that no faster row beats.

    A row that is trained on all target labels is a ring, and no row has to beat it.
    """
    points = [(line, max(line.seconds, 1e-3)) for line in lines if line.seconds is not None and line.is_scored]
    if len(points) < 2:
        return None
    x = scale([seconds for _, seconds in points], 46, 660, log=True)
    y = scale([line.mean for line, _ in points], 300, 22)
    front = _front(points)
    best = {line.row for line, _ in front}
    shapes = [*frame(x, y, "seconds of training and evaluation of a run", f"{section.summary.metric} in %")]
    if len(front) > 1:
        shapes.append(Curve([(x(s), y(p.mean)) for p, s in front], "var(--faint)", "3 3", width=1.2))
    named = []
    for point, seconds in sorted(points, key=lambda p: (p[0].row not in best, -p[0].mean)):
        name = f"{point.row} (bound)" if point.is_bound else point.row
        told = f"{name}: {point.mean:.1f} % in {seconds:.3g} s"
        here = x(seconds), y(point.mean)
        if point.is_bound:
            shapes.append(Ring(*here, 4.5, "var(--soft)", told, point.row))
        else:
            fill = "var(--accent)" if point.row in best else "var(--faint)"
            shapes.append(Dot(*here, 4.5, fill, told, point.row))
        named.append(Point(*here, name))
    shapes += beside(named, Box(48, 12, 688, 298))
    return Drawing(690, 340, shapes, "accuracy against time")


def _front(points: Sequence[tuple[Line, float]]) -> list[tuple[Line, float]]:
    """The rows that no other is both faster and more accurate than, the fastest first; bounds are none of them."""
    front: list[tuple[Line, float]] = []
    for candidate in sorted(points, key=lambda p: (p[1], -p[0].mean)):
        if not candidate[0].is_bound and (not front or candidate[0].mean > front[-1][0].mean):
            front.append(candidate)
    return front


def curves(section: TableResults, lines: Sequence[Line]) -> LearningCurves | None:
    """Small multiples of runs with several epochs, a panel for each task; None where no run has several.

    A line is the mean over seeds. Below it stand, rule by rule, the epochs that the rule chose, a mark for each seed;
    oracles last, as crosses.
    """
    runs: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    troubles = []
    for (row, task, seed), r in section.runs.items():
        what = f"The learning curve of {row}, {task}, seed {seed} ({r.directory})"
        found = attempt(what, partial(_curve, r))
        if isinstance(found, Trouble):
            troubles.append(found.sentence)
        elif len(found) > 1:
            runs[task][row].append(Run(r, found))
    if not runs and not troubles:
        return None
    with_curves = {row for found in runs.values() for row in found}
    order = [line.row for line in lines if line.row in with_curves]
    base = section.spec.protocol.baseline
    shown = order[:MOST_SERIES] + [row for row in order[MOST_SERIES:] if row == base]
    styles = {row: style(k) for k, row in enumerate(shown)}
    tasks = [task for task in section.spec.protocol.tasks if task in runs]
    panels = [
        attempt(f"The learning curves of {task}", partial(_panel, task, runs[task], styles))
        for task in tasks[:MOST_PANELS]
    ]
    left_out = []
    if len(order) > len(shown):
        left_out.append(f"the {len(order) - len(shown)} rows with the lowest means")
    if len(tasks) > MOST_PANELS:
        left_out.append(f"{len(tasks) - MOST_PANELS} tasks")
    said = f"Left out: {' and '.join(left_out)}." if left_out else ""
    return LearningCurves([SeriesKey(row, *styles[row]) for row in shown], panels, said, troubles)


def _panel(task: str, runs: Mapping[str, Sequence[Run]], styles: Mapping[str, tuple[str, str]]) -> Drawing:
    means = {row: _mean_curve([run.curve for run in runs[row]]) for row in styles if row in runs}
    rules = sorted(
        {rule for row in means for r, _ in runs[row] for rule in r.selection if rule != "last"},
        key=lambda rule: (rule.startswith(ORACLE), rule),
    )
    epochs = [epoch for curve in means.values() for epoch, _ in curve]
    left, right, bottom = 128.0, 372.0, 190.0
    x = scale(epochs, left, right, margin=0.03)
    y = scale([value for curve in means.values() for _, value in curve], bottom, 30)
    shapes: list[Shape] = [Label(0, 14, task, kind="head"), *frame(x, y)]
    for row, curve in means.items():
        points = [(x(epoch), y(value)) for epoch, value in curve]
        n = len(runs[row])
        told = f"{row}: {curve[-1][1]:.1f} % at the end{f', mean of {n} seeds' if n > 1 else ''}"
        shapes.append(Curve(points, *styles[row], told))
    for k, rule in enumerate(rules):
        height = bottom + 32 + 13 * k
        oracle = rule.startswith(ORACLE)
        shapes.append(Label(left - 8, height + 3.5, _short(rule), "end", "rule oracle" if oracle else "rule"))
        shapes.append(Segment(left, height, right, height, "grid dashed" if oracle else "grid"))
        for i, row in enumerate(means):
            aside = 4.5 * (i - (len(means) - 1) / 2)  # rules often agree: marks of rows stand beside each other
            for r, _ in runs[row]:
                chosen = r.selection.get(rule)
                if chosen is not None:
                    told = f"{row}, seed {r.seed}: {rule} chose epoch {chosen.epoch}, {r.main(rule):.1f} %"
                    here, colour = (x(chosen.epoch) + aside, height), styles[row][0]
                    mark = Cross(*here, 3.5, colour, told) if oracle else Dot(*here, 3.5, colour, told, opacity=0.75)
                    shapes.append(mark)
    return Drawing(384, bottom + 34 + 13 * len(rules), shapes, f"{task}: accuracy over epochs")


def _short(rule: str) -> str:
    return rule if len(rule) < 21 else f"{rule[:18]}…"


def _curve(r: Record) -> list[tuple[int, float]]:
    """The main metric on the target at each evaluated epoch; none where the target has no labels."""
    return [(epoch.epoch, r.main_of(epoch.target_test)) for epoch in r.epochs if r.metric in epoch.target_test]


def _mean_curve(curves: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Mean by epoch over the curves of seeds, as far as they were evaluated there; 200 epochs at most."""
    values: dict[int, list[float]] = defaultdict(list)
    for epoch, value in (point for curve in curves for point in curve):
        values[epoch].append(value)
    epochs = sorted(values)
    kept = epochs[:: -(-len(epochs) // 200)]
    return [(epoch, float(np.mean(values[epoch]))) for epoch in dict.fromkeys([*kept, *epochs[-1:]])]
