"""The small words of the method contract: terms, embedded domains, phases, and what a method is built from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from da.domain import Batch, Granted
from da.nn.networks import Network
from da.schedules import Schedule, constant

Terms = dict[str, Tensor]


class Embedded(NamedTuple):
    """A domain's share of a batch, embedded; over several processes it is the global batch, with gradients."""

    z: Tensor
    logits: Tensor
    y: Any  # (n,) labels, or None where absent
    weight: Any  # (n,) weights, or None where equal


class TrainingData(Protocol):
    """All training samples of a run, as a method may see them; :class:`da.data.module.PairedData`."""

    granted: Granted

    def reweight(self, weights: np.ndarray) -> None:
        """Give every sample of the pooled source a weight, seen in the batches from now on."""


@dataclass(frozen=True)
class Phase:
    """One update: the sum of ``terms`` is minimised over the parameters of ``groups``, ``repeat`` times a step.

    Without groups ``terms`` is called for what it does, such as moving a teacher or filling a bank, and minimises
    nothing.
    """

    terms: Callable[[Batch, float], Terms]
    groups: tuple[str, ...] = ("all",)
    repeat: int = 1


@dataclass(frozen=True)
class Spec:
    """What is known of the data when a method builds its modules.

    Args:
        shape: shape of one source input.
        target_shape: shape of one target input.
        n_classes: number of classes (of clusters to find, where there are no labels).
        network: makes a network from a shape and a number of classes.
    """

    shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    n_classes: int
    network: Callable[[tuple[int, ...], int], Network]


@dataclass(frozen=True)
class Optimization:
    """How parameters are updated: the optimiser, the factor of its learning rate over progress, and clipping."""

    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    schedule: Schedule = constant
    clip: float | None = None

    def set_rates(self, optimizers: Iterable[torch.optim.Optimizer], progress: float) -> None:
        """Set the learning rates of all groups of parameters to what the schedule makes of the initial ones."""
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = group.setdefault("base_lr", group["lr"]) * self.schedule(progress)
