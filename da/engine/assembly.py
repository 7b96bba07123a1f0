"""A method, its data, its scorer and its trainer, put together in the one way that runs and checks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from sklearn.base import BaseEstimator

from da.data.division import divide
from da.data.module import PairedData
from da.domain import Task
from da.engine import checkpoint, training
from da.engine.evaluation import Evaluator
from da.engine.observer import Pruned, Watch
from da.engine.progress import ProgressBar
from da.errors import DataError
from da.estimators.base import Estimator
from da.methods.base import Method, Optimization, Spec
from da.methods.closed_form import ClosedForm
from da.nn.networks import NetworkFactory


@dataclass(frozen=True)
class Settings:
    """What a run is told beside its parts; the keys of ``conf/train.yaml`` of the same names.

    Args:
        batch_size: samples per domain and step, over all devices together.
        steps_per_epoch: None is one pass over the largest domain.
        shots: labelled target samples per class, where the method needs few.
        evaluate_every: epochs between evaluations.
        seed: of weights, order of samples and the choice of the few labelled ones.
    """

    batch_size: int = 64
    steps_per_epoch: int | None = None
    shots: int = 3
    evaluate_every: int = 1
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Assembly:
    """A run ready to start; the scorer is one of ``trainer.callbacks``, and nothing else leads to it."""

    trainer: pl.Trainer
    method: Method
    data: PairedData
    scorer: Evaluator

    def fit(self, resume: Path | None = None) -> Evaluator:
        """Train to the end, from a checkpoint if one is given; returns the scorer.

        Raises:
            Pruned: the watch gave the run up.
        """
        training.fit(self.trainer, self.method, self.data, resume=resume)
        return self.scorer


def build(
    made: Method | Estimator,
    task: Task,
    *,
    network: NetworkFactory,
    classifier: BaseEstimator | None = None,
    optimization: Optimization | None = None,
    embedding: str = "joint",
    seed: int = 0,
) -> Method:
    """A method with its modules, from equal seeds equal weights; an estimator is wrapped so that a trainer can run it.

    Args:
        made: fresh from its constructor.
        task: the data that it is built for.
        network: makes a network from a shape and a number of classes.
        classifier: follows an estimator; deep methods need none.
        optimization: how a deep method's parameters are updated; None leaves what it has.
        embedding: whether both domains pass the network in one forward (``joint``) or in one each (``apart``).
        seed: of the weights.

    Raises:
        DataError: the domains have different shapes, and the method needs one space.
    """
    pl.seed_everything(seed, verbose=False)
    method: Method
    if isinstance(made, Method):
        method = made
        method.optimization = optimization or made.optimization
        method.embedding = embedding
    else:
        assert classifier is not None, "an estimator needs a classifier after it"
        method = ClosedForm(made, classifier)
    source, target = task.sources[0].train.sample_shape, task.target.train.sample_shape
    if source != target and method.needs.spaces == 0 and method.needs.source_x:
        raise DataError(
            f"Source inputs have shape {source} and target inputs {target}; {type(made).__name__} needs one space. "
            "Use a heterogeneous method."
        )
    method.build(Spec(source if method.needs.source_x else target, target, task.n_classes, network))
    return method


def assemble(
    method: Method,
    task: Task,
    settings: Settings,
    *,
    directory: Path | None = None,
    trainer: Mapping[str, Any] | None = None,
    loggers: Any = False,
    watch: Watch | None = None,
    title: str = "",
) -> Assembly:
    """Everything that a built method needs to be trained and judged on a task.

    Args:
        method: built.
        task: cut here into what the method is handed and what the scorer keeps.
        settings: of the run.
        directory: of the run; checkpoints go there, and without one there are none.
        trainer: keywords of Lightning's ``Trainer``.
        loggers: Lightning loggers, or False.
        watch: is told of every evaluated epoch.
        title: of the progress bar.
    """
    closed = isinstance(method, ClosedForm)
    handed, exam = divide(task, method.needs, shots=settings.shots, seed=settings.seed)
    data = PairedData(
        handed,
        batch_size=settings.batch_size,
        steps_per_epoch=1 if closed else settings.steps_per_epoch,
        seed=settings.seed,
    )
    scorer = Evaluator(exam, settings.evaluate_every)
    callbacks: list[pl.Callback] = [scorer]
    if directory is not None and not closed:
        callbacks.append(checkpoint.Resumable(directory))
    if watch is not None:
        callbacks.append(Told(watch, scorer))
    keywords = dict(trainer or {})
    if closed:
        keywords |= {"max_epochs": 1, "precision": "32-true", "enable_progress_bar": False}
    if keywords.get("enable_progress_bar", True):
        callbacks.append(ProgressBar(title))
    if keywords.get("devices", 1) != 1 and keywords.get("strategy", "auto") in ("auto", "ddp"):
        keywords["strategy"] = "ddp_find_unused_parameters_true"  # phases and freezing leave parameters out of a step
    made = training.trainer(callbacks, loggers=loggers, directory=directory, keywords=keywords)
    return Assembly(made, method, data, scorer)


class Told(pl.Callback):
    """Tells a watch of every evaluated epoch.

    Raises:
        Pruned: the watch gives the run up.
    """

    def __init__(self, watch: Watch, scorer: Evaluator):
        self.watch, self.scorer, self.epochs = watch, scorer, 0

    def on_train_epoch_end(self, trainer: pl.Trainer, method: Any) -> None:
        for entry in self.scorer.history[self.epochs :]:
            if self.watch.epoch(entry["epoch"], entry["scores"]):
                raise Pruned(f"given up after epoch {entry['epoch']}")
        self.epochs = len(self.scorer.history)
