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
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from da.data.module import PairedData
from da.engine.tracking.tracker import RunLogger
from da.methods.base import Method


def trainer(
    callbacks: Sequence[pl.Callback],
    *,
    loggers: Sequence[RunLogger] = (),
    directory: Path | None = None,
    keywords: Mapping[str, Any] | None = None,
) -> pl.Trainer:
    """A trainer for paired data: no sampler of Lightning's, no checkpoints or bars but our own.

    Args:
        callbacks: in the order in which they run after an epoch.
        loggers: get what a method logs by itself, with ``self.log``.
        directory: where files of the run go.
        keywords: anything else that ``Trainer`` takes.
    """
    fixed = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "use_distributed_sampler": False,
        "log_every_n_steps": 1,  # nothing is logged within a step; Lightning warns of epochs shorter than this
    }
    with quiet():
        return pl.Trainer(
            **{**(keywords or {}), **fixed},
            callbacks=list(callbacks),
            logger=list(map(Forwarding, loggers)) or False,
            default_root_dir=directory,
        )


class Forwarding(Logger):
    """One of our loggers as Lightning knows them."""

    version = ""

    def __init__(self, logger: RunLogger):
        super().__init__()
        self.logger = logger

    @property
    def name(self) -> str:
        return self.logger.name

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.logger.log_metrics(metrics, step or 0)

    def log_hyperparams(self, *args: Any, **keywords: Any) -> None:
        """Nothing: our loggers are given the whole configuration."""


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
        warnings.filterwarnings("ignore", message=".*GPU available but not used.*")  # trainer=cpu is a choice
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")  # Lightning 2.6 on torch >= 2.13
        try:
            yield
        finally:
            logger.setLevel(level)
