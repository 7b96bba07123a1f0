"""The one Lightning data module: pairs source and target, and hands a method exactly what it needs."""

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
    """Batches of source and target; it holds what a method was handed, and nothing else of the task.

    Args:
        handed: the training domains as granted, see :func:`da.data.division.divide`.
        batch_size: samples per domain and step, over all devices together.
        steps_per_epoch: number of steps called an epoch; None is one pass over the largest domain.
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
        """A domain each for every source kept apart, one pooled source, or :class:`~da.domain.Withheld`."""
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
        """Give every sample of the pooled source a weight, seen in the batches from now on.

        Raises:
            ValueError: there are not as many weights as source samples, or the source is withheld.
        """
        if isinstance(self.sources, Withheld) or len(weights) != len(self.sources[0]):
            raise ValueError(f"reweight needs one weight for each source sample, got {len(weights)}.")
        weighted = replace(self.sources[0], weight=np.asarray(weights, dtype=np.float32))
        self.handed = replace(self.handed, sources=(weighted,))

    def train_dataloader(self) -> PairedBatches:
        return PairedBatches(self)


class PairedBatches:
    """The batches of one epoch, from wherever the method's count of steps stands; process r of w takes stride r.

    Raises:
        ConfigError: the batch size is no multiple of the number of processes.
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
        """Steps done so far, which the method counts and its checkpoint holds."""
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
            if name == "labelled":  # the few labelled points are seen whole where they fit
                size = max(self.world, min(size, len(part)) // self.world * self.world)
            index = self.orders[name].take(step * size, (step + 1) * size)
            return part.take(index[self.rank :: self.world])

        sources = data.sources
        if not isinstance(sources, Withheld):
            sources = tuple(draw(s, f"source{k}") for k, s in enumerate(sources))
        return Batch(sources=sources, target=draw(data.target, "target"), labelled=draw(data.labelled, "labelled"))

    # Lightning asks a loader for these before it lets training resume in the middle of an epoch.
    def state_dict(self) -> dict[str, int]:
        """The position, which the method's own checkpoint holds as well."""
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Nothing to do: the position is read from the method's count of steps."""
