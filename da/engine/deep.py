"""Runs deep methods with Lightning's trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from da.data.grant import examine, grant
from da.data.module import PairedData
from da.domain import Task
from da.engine import checkpoint, lightning
from da.engine.evaluation import Evaluator, logged
from da.engine.observer import Pruned, RunObserver
from da.engine.progress import ProgressBar
from da.engine.runner import Runner, Settings
from da.engine.tracking.tracker import RunLogger
from da.estimators.sample_size import warn_if_few
from da.methods.base import Method, Optimization, Spec
from da.nn import weights
from da.nn.networks import NetworkFactory


def build(
    method: Method, task: Task, network: NetworkFactory, optimization: Optimization, *, embedding: str, seed: int
) -> Method:
    """A deep method with its modules; see :func:`da.engine.assembly.build`."""
    pl.seed_everything(seed, verbose=False)
    method.optimization, method.embedding = optimization, embedding
    source, target = task.sources[0].train.sample_shape, task.target.train.sample_shape
    method.build(Spec(source if method.needs.source_x else target, target, task.n_classes, network))
    return method


class DeepRunner(Runner):
    """The training of a deep method; its evaluation is one of ``trainer.callbacks``.

    Args:
        method: built.
        data: what it was granted, in batches.
        scorer: evaluates it.
        trainer: with all callbacks.
        directory: where checkpoints are kept, if they are.
    """

    method: Method

    def __init__(
        self, method: Method, data: PairedData, scorer: Evaluator, trainer: pl.Trainer, directory: Path | None
    ):
        super().__init__(method, scorer)
        self.data, self.trainer, self.directory = data, trainer, directory

    def train(self, resume: Path | None) -> None:
        lightning.fit(self.trainer, self.method, self.data, resume=resume)

    @property
    def steps_per_epoch(self) -> int:  # type: ignore[override]  # read from the data
        return self.data.steps_per_epoch

    @property
    def is_first(self) -> bool:  # type: ignore[override]  # read from the trainer
        return bool(self.trainer.is_global_zero)

    @property
    def device(self) -> str:
        device = self.method.device
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return f"{self.trainer.world_size} x {name}"

    def checkpoint(self) -> Path | None:
        return None if self.directory is None else checkpoint.usable(self.directory)

    def save_weights(self, file: Path) -> None:
        weights.write(file, self.method)

    def warn_if_degenerate(self) -> None:
        last = self.scorer.history[-1] if self.is_first and self.scorer.history else {}
        size = last.get("diagnostics", {}).get("effective_sample_size")
        if size is not None:
            warn_if_few(size, sum(map(len, self.data.granted.sources)))

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.method.parameters())


def assemble(
    method: Method,
    task: Task,
    settings: Settings,
    *,
    directory: Path | None = None,
    trainer: Mapping[str, Any],
    loggers: Sequence[RunLogger] = (),
    observer: RunObserver | None = None,
    title: str = "",
) -> DeepRunner:
    """A built method with its data, evaluation and trainer; see :func:`da.engine.assembly.assemble`."""
    cut = {"shots": settings.shots, "seed": settings.seed}
    data = PairedData(
        grant(task, method.needs, **cut),
        batch_size=settings.batch_size,
        steps_per_epoch=settings.steps_per_epoch,
        seed=settings.seed,
    )
    scorer = Evaluator(examine(task, method.needs, **cut), settings.evaluate_every)
    callbacks: list[pl.Callback] = [Evaluation(scorer, loggers)]
    if directory is not None:
        callbacks.append(checkpoint.Resumable(directory))
    if observer is not None:
        callbacks.append(Observation(observer, scorer))
    keywords = dict(trainer)
    if keywords.get("enable_progress_bar", True):
        callbacks.append(ProgressBar(title, scorer))
    if keywords.get("devices", 1) != 1 and keywords.get("strategy", "auto") in ("auto", "ddp"):
        keywords["strategy"] = "ddp_find_unused_parameters_true"  # phases and freezing leave parameters out of a step
    lightning_trainer = lightning.trainer(callbacks, loggers=loggers, directory=directory, keywords=keywords)
    return DeepRunner(method, data, scorer, lightning_trainer, directory)


class Evaluation(pl.Callback):
    """Evaluates after epochs, and keeps the history in checkpoints.

    Args:
        scorer: evaluates.
        loggers: are given the metrics, by the first process.
    """

    def __init__(self, scorer: Evaluator, loggers: Sequence[RunLogger] = ()):
        self.scorer, self.loggers = scorer, loggers

    def on_train_start(self, trainer: pl.Trainer, method: Any) -> None:
        self.scorer.start_epoch()  # a run resumed within an epoch does not start that epoch again

    def on_train_epoch_start(self, trainer: pl.Trainer, method: Any) -> None:
        self.scorer.start_epoch()
        method.term_sums = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, method: Any) -> None:
        steps = int(trainer.num_training_batches)
        terms = {name: float(value) / steps for name, value in method.term_sums.items()}  # waits for the device
        epoch = trainer.current_epoch + 1
        entry = self.scorer.end_epoch(method, epoch, last=epoch == trainer.max_epochs, terms=terms)
        if entry is not None and trainer.is_global_zero:
            for logger in self.loggers:
                logger.log_metrics(logged(entry), entry["step"])

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.scorer.history, "seconds": self.scorer.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.scorer.history, self.scorer.seconds = state_dict["history"], state_dict["seconds"]


class Observation(pl.Callback):
    """Tells an observer of every evaluated epoch.

    Raises:
        Pruned: the observer gives the run up.
    """

    def __init__(self, observer: RunObserver, scorer: Evaluator):
        self.observer, self.scorer, self.epochs = observer, scorer, 0

    def on_train_epoch_end(self, trainer: pl.Trainer, method: Any) -> None:
        for entry in self.scorer.history[self.epochs :]:
            if self.observer.epoch(entry["epoch"], entry["scores"]):
                raise Pruned(f"given up after epoch {entry['epoch']}")
        self.epochs = len(self.scorer.history)
