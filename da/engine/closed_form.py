"""Runs closed-form methods: one fit on whole domains and one evaluation, without PyTorch or Lightning."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator

from da.config import machine
from da.data.grant import examine, grant
from da.domain import Granted, Task
from da.engine.evaluation import Evaluator, logged
from da.engine.observer import Pruned, RunObserver
from da.engine.runner import Runner, Settings
from da.engine.tracking.tracker import RunLogger
from da.estimators.base import Estimator
from da.methods.closed_form import ClosedForm


class ClosedFormRunner(Runner):
    """The only epoch of a closed-form method.

    Args:
        method: not fitted.
        granted: what it may see.
        scorer: evaluates it.
        loggers: are given the metrics.
        observer: is told of the epoch.
    """

    method: ClosedForm

    def __init__(
        self,
        method: ClosedForm,
        granted: Granted,
        scorer: Evaluator,
        loggers: Sequence[RunLogger] = (),
        observer: RunObserver | None = None,
    ):
        super().__init__(method, scorer)
        self.granted, self.loggers, self.observer = granted, loggers, observer

    def train(self, resume: Path | None) -> None:
        """Fit, evaluate, and tell loggers and observer.

        Raises:
            Pruned: the observer gives the run up.
        """
        self.scorer.start_epoch()
        self.method.fit(self.granted)
        entry = self.scorer.end_epoch(self.method, 1, last=True)
        assert entry is not None
        for logger in self.loggers:
            logger.log_metrics(logged(entry), entry["step"])
        if self.observer is not None and self.observer.epoch(1, entry["scores"]):
            raise Pruned("given up after its only epoch")

    @property
    def device(self) -> str:
        return f"1 x {self.method.device_name}"


def build(estimator: Estimator, classifier: BaseEstimator, task: Task, *, seed: int) -> ClosedForm:
    """An estimator and the classifier after it, for a task; see :func:`da.engine.assembly.build`."""
    seed_everything(seed)
    return ClosedForm(estimator, classifier, task.n_classes)


def assemble(
    method: ClosedForm,
    task: Task,
    settings: Settings,
    *,
    accelerator: str,
    loggers: Sequence[RunLogger] = (),
    observer: RunObserver | None = None,
) -> ClosedFormRunner:
    """A closed-form method, what it may see of a task, and its evaluation: see :func:`da.engine.assembly.assemble`."""
    cut = {"shots": settings.shots, "seed": settings.seed}
    method.device = device_of(accelerator)
    scorer = Evaluator(examine(task, method.needs, **cut))
    return ClosedFormRunner(method, grant(task, method.needs, **cut), scorer, loggers, observer)


def device_of(accelerator: str) -> str | None:
    """Where inputs are put in double precision: ``cuda``, or None for NumPy arrays, as other devices have none."""
    if accelerator in ("cpu", "mps") or not machine.has_driver():
        return None
    import torch

    return "cuda" if torch.cuda.is_available() else None


def seed_everything(seed: int) -> None:
    """Seed the generators that estimators and classifiers without a seed of their own draw from."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # scikit-learn draws from this generator where no seed is given
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
