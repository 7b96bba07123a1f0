"""The Lightning data module of all runs: pairs batches of source and target, restricted to what a method needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from pytorch_lightning import LightningDataModule

from da.data.division import Handed, granted, steps_of
from da.data.sampler import EndlessOrder
from da.domain import Batch, Withheld
from da.errors import ConfigError


class PairedData(LightningDataModule):
    """Batches of source and target; holds only the domains that a method was granted, and nothing else of the task.

    Args:
        handed: the training domains as granted, see :func:`da.data.division.divide`.
        batch_size: samples per domain and step, summed over all devices.
        steps_per_epoch: number of steps of an epoch; None is one pass over the largest domain.
        seed: seed of the order of samples.

    Attributes:
        sources, target, labelled: the training domains as granted.
    """

    def __init__(self, handed: Handed, *, batch_size: int = 64, steps_per_epoch: int | None = None, seed: int = 0):
        super().__init__()
        self.handed, self.batch_size, self.seed = handed, batch_size, seed
        self.steps_per_epoch = steps_per_epoch or steps_of(handed, batch_size)

    @property
    def sources(self) -> Any:
        """One domain for each source where they are kept apart, one pooled source, or :class:`~da.domain.Withheld`."""
        return self.handed.sources

    @property
    def target(self) -> Any:
        """The target's training samples, or :class:`~da.domain.Withheld`."""
        return self.handed.target

    @property
    def labelled(self) -> Any:
        """The few labelled target samples, or :class:`~da.domain.Withheld`."""
        return self.handed.labelled

    def reweight(self, weights: np.ndarray) -> None:
        """Set the weight of every sample of the pooled source in all later batches.

        Raises:
            ValueError: the number of weights is not that of source samples, or the source is withheld.
        """
        if isinstance(self.sources, Withheld) or len(weights) != len(self.sources[0]):
            raise ValueError(f"reweight needs one weight for each source sample, got {len(weights)}.")
        weighted = replace(self.sources[0], weight=np.asarray(weights, dtype=np.float32))
        self.handed = replace(self.handed, sources=(weighted,))

    def train_dataloader(self) -> PairedBatches:
        return PairedBatches(self)


class PairedBatches:
    """The batches of one epoch, starting at the method's current step; process r of w takes every w-th sample from r.

    Raises:
        ConfigError: the batch size is not a multiple of the number of processes.
    """

    def __init__(self, data: PairedData):
        self.data = data
        trainer = data.trainer
        self.rank, self.world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        if data.batch_size % self.world:
            raise ConfigError(
                f"batch_size={data.batch_size} must be a multiple of the {self.world} devices that share it."
            )
        self.orders = {name: EndlessOrder(len(d), data.seed, name) for name, d in granted(data.handed).items()}

    def __len__(self) -> int:
        return self.data.steps_per_epoch

    @property
    def step(self) -> int:
        """Number of steps done so far, which the method counts and saves in its checkpoint."""
        trainer = self.data.trainer
        return int(getattr(trainer.lightning_module, "steps_done", 0)) if trainer else 0

    def __iter__(self) -> Iterator[Batch]:
        step = self.step
        for position in range(step, (step // len(self) + 1) * len(self)):
            yield self.at(position)

    def at(self, step: int) -> Batch:
        """The batch of a step, a pure function of seed and step."""
        data = self.data

        def draw(part: Any, name: str) -> Any:
            if isinstance(part, Withheld):
                return part
            size = data.batch_size
            if name == "labelled":  # a batch has all of the few labelled samples if they fit
                size = max(self.world, min(size, len(part)) // self.world * self.world)
            index = self.orders[name].take(step * size, (step + 1) * size)
            return part.take(index[self.rank :: self.world])

        sources = data.sources
        if not isinstance(sources, Withheld):
            sources = tuple(draw(s, f"source{k}") for k, s in enumerate(sources))
        return Batch(sources=sources, target=draw(data.target, "target"), labelled=draw(data.labelled, "labelled"))

    # Lightning requires these methods of a loader to resume training within an epoch.
    def state_dict(self) -> dict[str, int]:
        """The position, which the method's own checkpoint contains as well."""
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Nothing to do: the position is read from the method's count of steps."""
