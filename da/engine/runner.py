"""What a run is made of, whichever kind of method it trains; nothing here imports PyTorch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from da.engine.evaluation import Evaluator

CHECKPOINT = "last.ckpt"
"""Where a run that was interrupted is gone on from, in its directory."""


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


class Runner(ABC):
    """A run ready to start: a built method, what it was granted, and its evaluation, which only the runner leads to.

    Args:
        method: built.
        scorer: evaluates it.

    Attributes:
        steps_per_epoch: number of steps called an epoch.
        is_first: this is the first of the processes that share the run; it writes the record.
    """

    steps_per_epoch: int = 1
    is_first: bool = True

    def __init__(self, method: Any, scorer: Evaluator):
        self.method, self.scorer = method, scorer

    def fit(self, resume: Path | None = None) -> Evaluator:
        """Train to the end, from a checkpoint if one is given; returns the evaluation.

        Raises:
            Pruned: the observer gave the run up.
        """
        self.train(resume)
        return self.scorer

    @abstractmethod
    def train(self, resume: Path | None) -> None:
        """Train and evaluate; called by :meth:`fit`."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Number and kind of the devices that computed, such as ``1 x cpu``."""

    def checkpoint(self) -> Path | None:
        """The checkpoint that an interrupted start of this run left, if it keeps any."""
        return None

    def save_weights(self, file: Path) -> None:
        """Write what the method learnt, where it is tensors; a closed-form method leaves nothing."""
        return

    def warn_if_degenerate(self) -> None:
        """Warn where the weights that a run ended with leave next to nothing of the source in effect.

        Closed-form methods warn when they are fitted.
        """
        return

    @property
    def parameters(self) -> int:
        """Number of parameters that were trained or frozen; 0 for closed-form methods."""
        return 0
