"""What can be said of runs whose target has no labels: scores of label-free rules, agreement, predicted classes."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

import numpy as np

from da.config import catalog
from da.engine.predictions import is_clustering
from da.errors import DataError
from da.results import scores
from da.results.record import Record
from da.results.scores import SeedScores
from da.tables import regret
from da.tables.wording import ORACLE, first_sentence

PREDICTIONS = "predictions.npz"
"""Where a run keeps what it predicts of the target's samples, in its directory."""
CONSTANT = "last"
"""The rule that chooses no method: it scores all alike, by the number of the epoch."""


@dataclass(frozen=True)
class LabelFreeRow:
    """One method under one configuration, on a target without labels.

    Args:
        label: the row's name.
        scores: the score of each rule at the epoch that it chooses, in the rule's own unit; higher is better.
        source: the source metric in percent, on held-out source samples at the epoch that the table's rule chooses.
        finished: number of finished runs.
        seconds: mean time of training and evaluation of a run.
        cpu_seconds: the same in seconds of the processor; None where records do not say.
        shares: percent of the target's samples that are predicted to be of each class; empty without predictions.
        errors: seed and first sentence of every failed run.
    """

    label: str
    scores: Mapping[str, SeedScores]
    source: SeedScores
    finished: int
    seconds: float | None
    cpu_seconds: float | None
    shares: Sequence[float]
    errors: Sequence[str]

    def score(self, rule: str) -> SeedScores:
        """The score of a rule; without values where the rule gave none."""
        return self.scores.get(rule, SeedScores(()))


@dataclass(frozen=True)
class LabelFreeTable:
    """Rows on one target without labels, ordered by a rule that reads none.

    Args:
        task: its name.
        samples: number of target samples that were predicted.
        rule: what rows are ordered by, the highest first; empty where no rule scored anything.
        is_least: whether that is the rule of the least regret on the committed tables.
        rules: all with scores: the one that orders rows, then by what is known of their regret.
        metric: of the source.
        rows: by falling score of the rule.
        classes: their names.
        source_shares: percent of the source's samples of each class, all sources together.
        agreement: percent of the target's samples to which two rows give one label, by their names; of a row with
            itself over its seeds.
        unread: predictions that could not be read, in sentences.
        notes: what a reader must know before comparing rows.
    """

    task: str
    samples: int | None
    rule: str
    is_least: bool
    rules: tuple[str, ...]
    metric: str
    rows: tuple[LabelFreeRow, ...]
    classes: tuple[str, ...]
    source_shares: tuple[float, ...]
    agreement: Mapping[tuple[str, str], float]
    unread: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def highest(self) -> LabelFreeRow | None:
        """The row with the highest score of the rule; None where nothing is scored."""
        return next((row for row in self.rows if row.score(self.rule).values), None)


def is_unlabelled(runs: Iterable[Record]) -> bool:
    """Whether runs on a task have no labels of its target: some finished, and none could be scored."""
    finished = [r for r in runs if r.is_finished]
    return bool(finished) and not any(r.metric for r in finished)


def label_free_table(
    task: str, runs: Mapping[str, Sequence[Record]], named: str = "", notes: Sequence[str] = ()
) -> LabelFreeTable:
    """The table of a task whose target has no labels.

    Args:
        task: its name.
        runs: by row, one a seed.
        named: the rule that somebody named to order rows; where it is none that compares methods, rows are ordered by
            the rule that :func:`da.tables.regret.best_rule` names.
        notes: what a reader must know.
    """
    finished = {row: [r for r in found if r.is_finished] for row, found in runs.items()}
    every = [r for found in finished.values() for r in found]
    known = regret.method_choice()
    rules = comparing_rules(every, named)
    rule = next(iter(rules), "")
    predicted, unread = _predictions(finished)
    metric = next((name for r in every for name in r.source_test), "accuracy")
    classes = next((tuple(r.task.classes) for r in every if r.task), ())
    rows = [_row(row, found, rules, metric, predicted.get(row, ()), len(classes)) for row, found in runs.items()]
    rows.sort(key=lambda row: (*scores.falling(row.score(rule).mean), row.label))
    order = [row.label for row in rows if row.label in predicted]
    return LabelFreeTable(
        task=task,
        samples=next((len(labels) for found in predicted.values() for labels in found), None),
        rule=rule,
        is_least=bool(known) and rule == next(iter(comparing_rules(every)), ""),
        rules=rules,
        metric=metric,
        rows=tuple(rows),
        classes=classes,
        source_shares=_source_shares(every),
        agreement=agreement({row: predicted[row] for row in order}),
        unread=unread,
        notes=tuple(notes),
    )


def comparing_rules(runs: Iterable[Record], named: str = "") -> tuple[str, ...]:
    """Rules that scored runs and can compare methods without target labels, from the least regret to the greatest.

    Args:
        runs: finished.
        named: the rule that somebody named, which comes first where it is one of these.
    """
    known = regret.method_choice()
    scored = {rule for r in runs for rule, chosen in r.selection.items() if chosen.score is not None and compares(rule)}
    return tuple(
        sorted(scored, key=lambda rule: (rule != named, known[rule].mean if rule in known else math.inf, rule))
    )


def compares(rule: str) -> bool:
    """Whether a rule can compare methods without target labels."""
    return rule != CONSTANT and not rule.startswith(ORACLE)


def predictions_of(r: Record) -> dict[str, np.ndarray]:
    """What a run predicted of the target's test samples, see :func:`predictions_in`.

    Raises:
        DataError: the file is missing, damaged or cut off.
    """
    return predictions_in(r.place)


def predictions_in(directory: Path) -> dict[str, np.ndarray]:
    """What a run predicted of the target's test samples: ``logits``, ``predicted``, ``classes``, and ``y`` if known.

    Args:
        directory: of the run.

    Raises:
        DataError: the file is missing, damaged or cut off, or predicts what is no number of a class.
    """
    try:
        with np.load(directory / PREDICTIONS) as arrays:
            found = dict(arrays)
        _check(found)
        return found
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        why = "are not there" if isinstance(error, FileNotFoundError) else "are damaged or cut off"
        raise DataError(f"The predictions of {directory} {why} ({PREDICTIONS}); rerun=all makes them again.") from error


def _check(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise where an array is missing, or predictions are not the number of a class for each of some samples."""
    _, predicted, classes = (arrays[name] for name in ("logits", "predicted", "classes"))
    whole = predicted.ndim == 1 and predicted.size > 0 and predicted.dtype.kind in "iu"
    if not whole or (predicted < 0).any() or (predicted >= len(classes)).any():
        raise ValueError("no numbers of classes")


def agreement(predicted: Mapping[str, Sequence[np.ndarray]]) -> dict[tuple[str, str], float]:
    """Percent of samples on which the labels of two rows agree, a mean over pairs of their runs.

    Of a row with itself it is the agreement of its seeds; there is none of a row with one run.

    Args:
        predicted: by row, the labels that each of its runs gives to the same samples in the same order.
    """
    found: dict[tuple[str, str], float] = {}
    names = list(predicted)
    for k, a in enumerate(names):
        for b in names[k:]:
            pairs = combinations(predicted[a], 2) if a == b else product(predicted[a], predicted[b])
            shares = [100.0 * float(np.mean(x == y)) for x, y in pairs]
            if shares:
                found[a, b] = found[b, a] = scores.mean(shares)
    return found


def _predictions(runs: Mapping[str, Sequence[Record]]) -> tuple[dict[str, list[np.ndarray]], tuple[str, ...]]:
    """The labels that every run gives to the target's samples, by row, and sentences on those that cannot be read."""
    found: dict[str, list[np.ndarray]] = {}
    unread = []
    size: int | None = None
    for row, records in runs.items():
        for r in records:
            if r.directory is None:
                continue
            try:
                labels = predictions_of(r)["predicted"]
            except DataError as error:
                unread.append(str(error))
                continue
            if _is_clustering(r):
                unread.append(f"{row} finds clusters without names, so nothing is said of its classes.")
                continue
            if size not in (None, len(labels)):
                unread.append(f"{r.directory} predicts {len(labels)} samples, and the runs before it {size}: left out.")
                continue
            size = len(labels)
            found.setdefault(row, []).append(labels)
    return found, tuple(dict.fromkeys(unread))


def _is_clustering(r: Record) -> bool:
    entry = catalog.entries("method").get(r.method)
    return entry is not None and is_clustering(entry.access)


def _row(
    label: str,
    runs: Sequence[Record],
    rules: Sequence[str],
    metric: str,
    predicted: Sequence[np.ndarray],
    n_classes: int,
) -> LabelFreeRow:
    finished = [r for r in runs if r.is_finished]
    by_rule = {rule: [r.selection[rule].score for r in finished if rule in r.selection] for rule in rules}
    counts = [np.bincount(labels, minlength=n_classes) / len(labels) for labels in predicted]
    cpu = [r.cpu_seconds for r in finished if r.cpu_seconds is not None]
    return LabelFreeRow(
        label=label,
        scores={rule: SeedScores(tuple(v for v in values if v is not None)) for rule, values in by_rule.items()},
        source=SeedScores(tuple(v for r in finished if (v := _source(r, rules, metric)) is not None)),
        finished=len(finished),
        seconds=scores.mean([r.work_seconds for r in finished]) if finished else None,
        cpu_seconds=scores.mean(cpu) if cpu and len(cpu) == len(finished) else None,
        shares=[100.0 * float(share) for share in np.mean(counts, axis=0)] if counts else (),
        errors=tuple(f"seed {r.seed}: {first_sentence(r)}" for r in runs if not r.is_finished),
    )


def _source(r: Record, rules: Sequence[str], metric: str) -> float | None:
    """The source metric at the epoch that the first of the rules chose; None where it chose none, or of clusters."""
    if _is_clustering(r):
        return None
    chosen = r.selection.get(rules[0]) if rules else None
    at = next((epoch for epoch in r.epochs if chosen is not None and epoch.epoch == chosen.epoch), None)
    return None if at is None else at.source_test.get(metric)


def _source_shares(runs: Sequence[Record]) -> tuple[float, ...]:
    """Percent of the source's samples of each class, all sources together; empty where no record says."""
    for r in runs:
        parts = r.task.domains.items() if r.task else ()
        counts = [part.per_class for place, part in parts if place.startswith("source") and part.per_class]
        if counts:
            total = np.sum(counts, axis=0)
            return tuple(100.0 * float(share) for share in total / total.sum())
    return ()
