"""Runs ranked by a label-free rule, with what is said of the choice; target labels are not looked at."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from da.config import arguments, catalog
from da.errors import few
from da.results.record import Record
from da.results.scores import shown
from da.setting import NONE
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
    """

    method: str
    directory: Path
    score: float | None
    source: float | None
    seconds: float

    @classmethod
    def of(cls, record: Record, directory: Path, rule: str) -> Self:
        """What a record says of a run.

        Args:
            record: of a finished run.
            directory: where it lies.
            rule: the label-free rule.
        """
        chosen = record.selection.get(rule)
        epoch = next((e for e in record.epochs if chosen is not None and e.epoch == chosen.epoch), record.epochs[-1])
        score = epoch.scores.get(rule)
        source = next(iter(epoch.source_test.values()), None)
        return cls(record.method, directory, score, source, record.work_seconds)

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
        return table if table.is_file() else self.directory / ARRAYS

    def predicted(self) -> np.ndarray:
        """``(n,)`` predicted classes of the target test samples."""
        with np.load(self.directory / ARRAYS) as found:
            return np.asarray(found["predicted"])


ARRAYS = "predictions.npz"


def ordered(runs: Sequence[Ranked]) -> list[Ranked]:
    """Runs from the highest score to the lowest, what has no score last; equal ones in the order given."""
    return sorted(runs, key=lambda run: (run.score is None, 0.0 if run.score is None else -run.score))


def agreement(run: Ranked, top: Ranked) -> float | None:
    """Share of the samples that two runs predict alike; None where they did not predict the same samples."""
    ours, theirs = run.predicted(), top.predicted()
    return float(np.mean(ours == theirs)) if ours.shape == theirs.shape else None


def report(runs: Sequence[Ranked], rule: str, overrides: Sequence[str], most: int) -> str:
    """The ranking, what it says of the baseline, commands that repeat the first runs, and the predictions' file.

    Args:
        runs: at least one.
        rule: that ranks.
        overrides: of every run, as for ``scripts/train.py``.
        most: number of commands.
    """
    ranking = ordered(runs)
    top = ranking[0]
    commands = [arguments.command([f"method={run.method}", *overrides, f"selection={rule}"]) for run in ranking[:most]]
    return "\n".join(
        [
            f"RANKING by {rule}, which looks at no target labels",
            *(f"  {line}" for line in table(ranking, rule).splitlines()),
            "",
            *verdict(ranking, rule),
            "",
            f"The first {len(commands)} again (finished runs are not repeated, rerun=all does):",
            *(f"  {command}" for command in commands),
            f"choice: {top.method}",
            f"predictions: {top.predictions}",
            *([f"new samples: {predict_command(top)}"] if (top.directory / "model.json").is_file() else []),
        ]
    )


def predict_command(run: Ranked) -> str:
    """The command that predicts new samples with the model of a run."""
    return f"python scripts/predict.py {shlex.quote(str(run.directory))} data=FILE"


def table(ranking: Sequence[Ranked], rule: str) -> str:
    """Runs with their scores, and how many of their predictions are those of the first."""
    body = []
    for run in ranking:
        same = agreement(run, ranking[0])
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
