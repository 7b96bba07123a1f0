"""The one way in which a Lightning trainer is made and started."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint, ProgressBar
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from da.data.module import PairedData
from da.methods.base import Method

IDLE_ADVICE = (
    ".*GPU available but not used.*",  # trainer=cpu is a choice
    ".*isinstance.treespec, LeafSpec.*",  # Lightning 2.6 on torch >= 2.13
    ".*but have no `val_dataloader`.*",  # a run evaluates whole domains after an epoch
    ".*callbacks used to create the checkpoint need to be provided.*",  # one that only watches was left out
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run goes on filling its own
)
"""Warnings of Lightning that ask for nothing here, as patterns."""
OURS = ("terms/", "selection/", "source_test/", "target_test/")
"""How the names begin of what the evaluation itself puts into a row."""


def trainer(
    callbacks: Sequence[pl.Callback],
    *,
    logger: Logger | None = None,
    directory: Path | None = None,
    keywords: Mapping[str, Any] | None = None,
) -> pl.Trainer:
    """A trainer for paired data: no sampler of Lightning's, and no checkpoints or bars but those of ``callbacks``.

    Args:
        callbacks: in the order in which they run after an epoch.
        logger: is given what callbacks, and a method with ``self.log``, log by themselves.
        directory: where files of the run go.
        keywords: anything else that ``Trainer`` takes.
    """
    fixed = {
        "enable_progress_bar": any(isinstance(callback, ProgressBar) for callback in callbacks),
        "enable_model_summary": False,
        "enable_checkpointing": any(isinstance(callback, Checkpoint) for callback in callbacks),
        "use_distributed_sampler": False,
        "log_every_n_steps": 1,  # nothing is logged within a step; Lightning warns of epochs shorter than this
    }
    with quiet():
        return pl.Trainer(
            **{**(keywords or {}), **fixed},
            callbacks=list(callbacks),
            logger=logger or False,
            default_root_dir=directory,
        )


class Collected(Logger):
    """Keeps the latest values that callbacks and methods log, for the row of the next evaluated epoch."""

    name, version = "da", ""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, float] = {}

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.values |= {name: float(value) for name, value in metrics.items()}

    def log_hyperparams(self, *args: Any, **keywords: Any) -> None:
        """Nothing: our loggers are given the whole configuration."""

    def row(self, trainer: pl.Trainer) -> dict[str, float]:
        """What was logged in this epoch so far, and averages over it."""
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()} | self.values
        return {name: value for name, value in logged.items() if not name.startswith(OURS) and name != "epoch"}


def fit(trainer: pl.Trainer, method: Method, data: PairedData, resume: Path | None = None) -> None:
    """Train to the end.

    Raises:
        KeyboardInterrupt: the user asked to stop; Lightning would exit the process and ignore Ctrl-C from then on.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        with quiet():
            trainer.fit(method, data, ckpt_path=resume, weights_only=True)
    except SystemExit as stop:
        if not trainer.interrupted:
            raise
        raise KeyboardInterrupt from stop
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's greetings, and without its advice that does not hold here."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for message in IDLE_ADVICE:
            warnings.filterwarnings("ignore", message=message)
        try:
            yield
        finally:
            logger.setLevel(level)
