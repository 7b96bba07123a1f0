"""The one Lightning data module: pairs source and target, and gives a method exactly what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from pytorch_lightning import LightningDataModule

from da.data.grant import steps_of
from da.data.sampler import EndlessOrder
from da.domain import Batch, Domain, Granted
from da.errors import ConfigError


class PairedData(LightningDataModule):
    """Batches of source and target; it holds what a method was granted, and nothing else of the task.

    Args:
        granted: the training domains, see :func:`da.data.grant.grant`.
        batch_size: samples per domain and step, summed over all devices.
        steps_per_epoch: number of steps of an epoch; None is one pass over the largest domain.
        seed: seed of the order of samples.
    """

    def __init__(self, granted: Granted, *, batch_size: int = 64, steps_per_epoch: int | None = None, seed: int = 0):
        super().__init__()
        self.granted, self.batch_size, self.seed = granted, batch_size, seed
        self.steps_per_epoch = steps_per_epoch or steps_of(granted, batch_size)

    def reweight(self, weights: np.ndarray) -> None:
        """Give every sample of the pooled source a weight, seen in the batches from now on.

        Args:
            weights: ``(n_s,)``.

        Raises:
            PermissionError: the source is withheld.
            ValueError: there is not one weight for each source sample.
        """
        source = self.granted.sources[0]
        if len(weights) != len(source):
            raise ValueError(f"reweight needs one weight for each source sample, got {len(weights)}.")
        weighted = replace(source, weight=np.asarray(weights, dtype=np.float32))
        self.granted = self.granted.each(lambda name, domain: weighted if name == "source0" else domain)

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
        self.orders = {name: EndlessOrder(len(d), data.seed, name) for name, d in data.granted.parts().items()}

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
        size = self.data.batch_size

        def draw(name: str, domain: Domain) -> Domain:
            count = size
            if name == "labelled":  # a batch has all of the few labelled samples if they fit
                count = max(self.world, min(size, len(domain)) // self.world * self.world)
            index = self.orders[name].take(step * count, (step + 1) * count)
            return domain.take(index[self.rank :: self.world])

        return Batch.of(self.data.granted.each(draw))

    # Lightning requires these methods of a loader to resume training within an epoch.
    def state_dict(self) -> dict[str, int]:
        """The position, which the method's own checkpoint contains as well."""
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Nothing to do: the position is read from the method's count of steps."""
