"""Rows that need a word beside them: equal to another in every cell, or a weighting below the same without weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from da.config import catalog
from da.tables.spec import MEAN, EvaluationProtocol
from da.tables.summary import CellResult, Summary

ALLOWED = 2.0
"""Points that a weighting may lose against its baseline without a word; ties of single runs and chance are no more."""
SAME = 1e-9
UNWEIGHTED = ("unadapted", "source_only")


def findings(protocol: EvaluationProtocol, summary: Summary) -> dict[str, list[str]]:
    """What is to be explained of each row, in sentences without an end."""
    found: dict[str, list[str]] = {}
    for row, twins in equal(protocol, summary).items():
        found.setdefault(row, []).append(f"equals {', '.join(twins)} in every cell")
    for row, (baseline, loss) in below(protocol, summary).items():
        found.setdefault(row, []).append(f"stands {loss:.1f} points below {baseline}")
    return found


def equal(protocol: EvaluationProtocol, summary: Summary) -> dict[str, list[str]]:
    """Rows that have the scores of an earlier row in every cell of more than one task, with that row."""
    known: dict[tuple[tuple[str, int, float], ...], list[str]] = {}
    for row in summary.rows():
        cells = tuple(
            (e.task, e.seed, round(e.scores[protocol.selection], 9))
            for task in summary.tasks()
            for e in summary.of(row, task)
            if protocol.selection in e.scores
        )
        if len({task for task, _, _ in cells}) > 1:
            known.setdefault(cells, []).append(row)
    return {row: [rows[0]] for rows in known.values() for row in rows[1:]}


def below(protocol: EvaluationProtocol, summary: Summary) -> dict[str, tuple[str, float]]:
    """Weightings by row that lose more than :data:`ALLOWED` points on average: the baseline and the loss.

    The baseline is the row of the same data and classifier without a weighting.
    """
    found = {
        row: (baseline, _loss(protocol, summary, row, baseline, MEAN)) for row, baseline in weighted(protocol, summary)
    }
    return {row: (baseline, loss) for row, (baseline, loss) in found.items() if loss > ALLOWED}


def worst(protocol: EvaluationProtocol, summary: Summary) -> str:
    """The weighting and the task where most is lost, in a sentence; empty where no weighting loses on any task.

    Means over tasks may hide it: what one task loses others gain.
    """
    losses = [
        (_loss(protocol, summary, row, baseline, task), row, task, baseline)
        for row, baseline in weighted(protocol, summary)
        for task in summary.tasks()
    ]
    loss, row, task, baseline = max((x for x in losses if not math.isnan(x[0])), default=(0.0, "", "", ""))
    if len(summary.tasks()) < 2 or round(loss, 1) <= 0.0:
        return ""
    return f"The most that a weighting loses on a single task: {row} on {task}, {loss:.1f} points below {baseline}."


def weighted(protocol: EvaluationProtocol, summary: Summary) -> Iterator[tuple[str, str]]:
    """Rows of weightings, each with the row of the same data and classifier without one."""
    methods = {row: own[0].removeprefix("method=") for row, own in protocol.rows().items()}
    known = catalog.entries("method")
    first = dict(_first(summary))
    plain = {(methods[row], _rest(e)): row for row, e in first.items() if methods.get(row) in UNWEIGHTED}
    for row, e in first.items():
        entry = known.get(methods.get(row, ""))
        if entry is None or not weighs(entry):
            continue
        closed_form = entry.path.startswith("da.estimators.")
        baseline = plain.get((UNWEIGHTED[0] if closed_form else UNWEIGHTED[1], _rest(e)))
        if baseline is not None:
            yield row, baseline


def weighs(entry: catalog.Entry) -> bool:
    """Whether a method weighs source samples."""
    return entry.path.startswith("da.methods.instance.") or "trains_weighted" in catalog.stated(entry.signature)


def _loss(protocol: EvaluationProtocol, summary: Summary, row: str, baseline: str, task: str) -> float:
    return summary.mean(baseline, task, protocol.selection) - summary.mean(row, task, protocol.selection)


def unexplained(protocol: EvaluationProtocol, summary: Summary) -> list[str]:
    """Findings that the table's file has no remark on, and remarks on rows of which nothing is to be explained."""
    found = findings(protocol, summary)
    said = [
        f"{row} {' and '.join(what)}, without a remark" for row, what in found.items() if row not in protocol.remarks
    ]
    return said + [f"{row} has a remark and nothing to explain" for row in protocol.remarks if row not in found]


def _first(summary: Summary) -> Iterator[tuple[str, CellResult]]:
    """Every row with one finished cell of the first task that it has."""
    for row in summary.rows():
        finished = (e for task in summary.tasks() for e in summary.of(row, task) if e.origin is not None)
        if (entry := next(finished, None)) is not None:
            yield row, entry


def _rest(entry: CellResult) -> tuple[tuple[str, str], ...]:
    """What a cell was run with beside its method; a table that is no plain grid of runs has one of it for all rows."""
    assert entry.origin is not None
    config: Mapping[str, Any] = entry.origin.config
    if "method._target_" not in config:
        return ()
    return tuple(sorted((key, str(value)) for key, value in config.items() if not key.startswith("method.")))
