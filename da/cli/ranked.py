"""Runs ranked by a label-free rule, with what is said of the choice; target labels are not looked at."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from da.config import arguments, catalog
from da.errors import DataError, few
from da.results.record import Record
from da.results.scores import shown
from da.setting import NONE
from da.tables.label_free import PREDICTIONS, predictions_in
from da.tables.strategies import BASELINES
from da.tables.wording import ABSENT
from da.tables.writer import Sheet


class Ranked(NamedTuple):
    """A finished run, as far as a choice without target labels looks at it.

    Args:
        method: its name.
        directory: of the run.
        score: under the rule, at the epoch that it chose; None where it gave none.
        source: the main metric on held-out source samples at that epoch, in percent; None without them.
        seconds: of training and evaluation.
        epoch: that the rule chose, the last where it chose none.
        last_epoch: which predictions and model are of.
        last_score: under the rule, at the last epoch.
    """

    method: str
    directory: Path
    score: float | None
    source: float | None
    seconds: float
    epoch: int
    last_epoch: int
    last_score: float | None

    @classmethod
    def of(cls, record: Record, directory: Path, rule: str) -> Self:
        """What a record says of a run.

        Args:
            record: of a finished run.
            directory: where it lies.
            rule: the label-free rule.
        """
        chosen = record.selection.get(rule)
        last = record.epochs[-1]
        epoch = next((e for e in record.epochs if chosen is not None and e.epoch == chosen.epoch), last)
        return cls(
            record.method,
            directory,
            score=epoch.scores.get(rule),
            source=next(iter(epoch.source_test.values()), None),
            seconds=record.work_seconds,
            epoch=epoch.epoch,
            last_epoch=last.epoch,
            last_score=last.scores.get(rule),
        )

    @property
    def shown_score(self) -> str:
        """The score as printed."""
        return ABSENT if self.score is None else shown(self.score, 4)

    @property
    def shown_source(self) -> str:
        """The source's metric as printed."""
        return ABSENT if self.source is None else shown(self.source, 1)

    @property
    def predictions(self) -> Path:
        """The file of its predictions: a table where it wrote one, else arrays."""
        table = self.directory / "predictions.csv"
        return table if table.is_file() else self.directory / PREDICTIONS


def ordered(runs: Sequence[Ranked]) -> list[Ranked]:
    """Runs from the highest score to the lowest, what has no score last; equal ones in the order given."""
    return sorted(runs, key=lambda run: (run.score is None, 0.0 if run.score is None else -run.score))


class Answers(NamedTuple):
    """What runs predict.

    Args:
        predicted: by run, ``(n,)`` classes of the target test samples; None where they cannot be read.
        unread: why, a sentence each.
    """

    predicted: Sequence[np.ndarray | None]
    unread: Sequence[str]

    @classmethod
    def of(cls, runs: Sequence[Ranked]) -> Self:
        """Read the predictions of runs."""
        predicted: list[np.ndarray | None] = []
        unread = []
        for run in runs:
            try:
                predicted.append(predictions_in(run.directory)["predicted"])
            except DataError as error:
                predicted.append(None)
                unread.append(str(error))
        return cls(predicted, unread)

    def agreements(self) -> list[float | None]:
        """By run, the share of samples that it predicts as the first; None where they did not predict the same ones."""
        first = self.predicted[0]
        return [
            None if own is None or first is None or own.shape != first.shape else float(np.mean(own == first))
            for own in self.predicted
        ]


def report(runs: Sequence[Ranked], rule: str, overrides: Sequence[str], most: int) -> str:
    """The ranking, what it says of the baseline, commands that repeat the first runs, and the predictions' file.

    Where no run has a score, nothing is chosen.

    Args:
        runs: at least one.
        rule: that ranks.
        overrides: of every run, as for ``scripts/train.py``.
        most: number of commands.
    """
    ranking = ordered(runs)
    answers = Answers.of(ranking)
    commands = [arguments.command([f"method={run.method}", *overrides, f"selection={rule}"]) for run in ranking[:most]]
    return "\n".join(
        [
            f"RANKING by {rule}, which looks at no target labels",
            *(f"  {line}" for line in table(ranking, rule, answers).splitlines()),
            "",
            *verdict(ranking, rule),
            *of_earlier_epochs(ranking[:most], rule),
            *answers.unread,
            "",
            f"The first {len(commands)} again (finished runs are not repeated, rerun=all does):",
            *(f"  {command}" for command in commands),
            *choice(ranking[0]),
        ]
    )


def choice(top: Ranked) -> list[str]:
    """The first run's method and what it left, a line each; none where it has no score."""
    if top.score is None:
        return ["choice: none"]
    said = [f"choice: {top.method}"]
    if top.predictions.is_file():
        said.append(f"predictions: {top.predictions}")
    if (top.directory / "model.json").is_file():
        said.append(f"new samples: {predict_command(top)}")
    return said


def predict_command(run: Ranked) -> str:
    """The command that predicts new samples with the model of a run."""
    return f"python scripts/predict.py {shlex.quote(str(run.directory))} data=FILE"


def table(ranking: Sequence[Ranked], rule: str, answers: Answers) -> str:
    """Runs with their scores, and how many of their predictions are those of the first."""
    body = []
    for run, same in zip(ranking, answers.agreements(), strict=True):
        alike = ABSENT if same is None else shown(100.0 * same, 1)
        body.append([run.method, run.shown_score, run.shown_source, shown(run.seconds, 1), alike])
    return Sheet(["method", rule, "source accuracy", "seconds", "agrees with first, %"], body).text()


def verdict(ranking: Sequence[Ranked], rule: str) -> list[str]:
    """Sentences on the first run: what ties with it, where no adaptation ranks, and what used target labels."""
    top = ranking[0]
    if top.score is None:
        return [f"{rule} scored no run, so that the order says nothing; take another with rule=NAME."]
    said = []
    equal = [run.method for run in ranking[1:] if run.score == top.score]
    if equal:
        said.append(f"{few(equal)} {'has' if len(equal) == 1 else 'have'} the same score: the rule knows no better.")
    labelled = [run.method for run in ranking if catalog.entries("method")[run.method].access.target_y > NONE]
    if labelled:
        said.append(f"{few(labelled)} took a few target labels, which the others had not.")
    places = {run.method: place for place, run in enumerate(ranking, 1) if run.method in BASELINES}
    if top.method in BASELINES:
        said.append(f"{top.method}, which does not adapt, ranks first itself: by this rule nothing that ran is better.")
    elif places:
        ranks = " and ".join(f"{name} ranks {place}" for name, place in places.items())
        said.append(f"Without adaptation {ranks} of {len(ranking)}.")
    else:
        said.append("No run without adaptation finished, so there is nothing to compare with.")
    return said


def of_earlier_epochs(ranking: Sequence[Ranked], rule: str) -> list[str]:
    """Sentences on runs whose score is of an epoch before the last, as what they predict is of the last.

    Args:
        ranking: the first runs of it.
        rule: that ranks.
    """
    top, *others = ranking
    said = []
    if top.epoch != top.last_epoch:
        there = "gives no score" if top.last_score is None else f"is {shown(top.last_score, 4)}"
        said.append(
            f"{top.method}'s score is of epoch {top.epoch} of {top.last_epoch}, which {rule} chose; its predictions "
            f"and its model are of the last epoch, where {rule} {there}."
        )
    if earlier := [run.method for run in others if run.epoch != run.last_epoch]:
        likewise = "is likewise ranked" if len(earlier) == 1 else "are likewise ranked"
        said.append(
            f"{few(earlier)} {likewise} by an epoch before the last, which {rule} chose; predictions, their agreement "
            "and models are of the last."
        )
    return said
