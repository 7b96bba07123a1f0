"""The one Lightning data module: pairs source and target, and hands a method exactly what it needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from pytorch_lightning import LightningDataModule

from da.data.sampler import EndlessOrder
from da.domain import Batch, Domain, Task, Withheld, pool
from da.errors import ConfigError, DataError
from da.setting import ALL, FEW, MANY, NONE, Access

SCORED = 10_000  # unlabelled target samples that selection rules look at: more would only cost time


class PairedData(LightningDataModule):
    """Batches of source and target under a method's ``needs``.

    Args:
        task: the data, labelled as they are.
        needs: what the method may see; all else is absent or :class:`~da.domain.Withheld`.
        batch_size: samples per domain and step, over all devices together.
        steps_per_epoch: number of steps called an epoch; None is one pass over the largest domain.
        shots: labelled target samples per class, where ``needs`` grants few.
        seed: seed of the order of samples and of the choice of the few labelled ones.

    Attributes:
        sources, target, labelled: the training domains as granted.
        evaluated: the domains to predict after an epoch: ``source_test`` (if the source is seen and has one),
            ``target_train`` (labels absent; at most 10 000, evenly spaced) and ``target_test``.
    """

    def __init__(
        self,
        task: Task,
        needs: Access,
        *,
        batch_size: int = 64,
        steps_per_epoch: int | None = None,
        shots: int = 3,
        seed: int = 0,
    ):
        super().__init__()
        self.task, self.batch_size, self.seed = task, batch_size, seed
        why = "the method does not need it"
        sources = tuple(s.train if needs.source_y > NONE else s.train.without_labels() for s in task.sources)
        if needs.source_y > NONE and any(s.y is None for s in sources):
            raise DataError(
                f"The method needs source labels, but a source of {task.name} has none; give a labelled source."
            )
        self.sources: tuple[Domain, ...] | Withheld = (
            (sources if needs.sources == MANY else (pool(sources),)) if needs.source_x else Withheld("source", why)
        )
        target, test = task.target.train, task.target.test
        self.labelled: Domain | Withheld = Withheld("labelled target", why)
        if needs.target_y > NONE and target.y is None:
            raise DataError(f"The method needs labels in the target, but the target of {task.name} has none.")
        if needs.target_y == FEW:
            chosen = choose_few(target, task.n_classes, shots, seed)
            rest = np.setdiff1d(np.arange(len(target)), chosen)
            if len(rest) == 0 and (needs.target_x or task.transductive):
                raise DataError(f"shots={shots} labels the whole target of {task.name}; lower `shots`.")
            self.labelled = target.subset(chosen)
            target = target.subset(rest) if len(rest) else target
            test = target if task.transductive else test  # labelled samples are not tested on
        self.target: Domain | Withheld = Withheld("target", why)
        if needs.target_x or needs.target_y == ALL:
            self.target = target if needs.target_y == ALL else target.without_labels()
        seen = target if test is None or task.transductive else target.subset(evenly(len(target), SCORED))
        self.evaluated: dict[str, Domain] = {"target_train": seen.without_labels()}
        held_out = [s.test for s in task.sources if s.test is not None]
        if needs.source_x and held_out and all(d.y is not None for d in held_out):
            self.evaluated["source_test"] = pool(tuple(held_out))
        self.evaluated["target_test"] = target if test is None else test
        sizes = [len(d) for d in self._granted().values()]
        self.steps_per_epoch = steps_per_epoch or math.ceil(max(sizes) / batch_size)

    def _granted(self) -> dict[str, Domain]:
        granted: dict[str, Domain] = {}
        if not isinstance(self.sources, Withheld):
            granted |= {f"source{k}": s for k, s in enumerate(self.sources)}
        if not isinstance(self.target, Withheld):
            granted["target"] = self.target
        if not isinstance(self.labelled, Withheld):
            granted["labelled"] = self.labelled
        return granted

    def reweight(self, weights: np.ndarray) -> None:
        """Give every sample of the pooled source a weight, seen in the batches from now on."""
        if isinstance(self.sources, Withheld) or len(weights) != len(self.sources[0]):
            raise ValueError(f"reweight needs one weight for each source sample, got {len(weights)}.")
        self.sources = (replace(self.sources[0], weight=np.asarray(weights, dtype=np.float32)),)

    def train_dataloader(self) -> PairedBatches:
        return PairedBatches(self)


class PairedBatches:
    """The batches of one epoch, from wherever the method's count of steps stands; process r of w takes stride r."""

    def __init__(self, data: PairedData):
        self.data = data
        trainer = data.trainer
        self.rank, self.world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        if data.batch_size % self.world:
            raise ConfigError(
                f"batch_size={data.batch_size} must be a multiple of the {self.world} devices that share it."
            )
        self.orders = {name: EndlessOrder(len(d), data.seed, name) for name, d in data._granted().items()}

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


def evenly(count: int, most: int) -> np.ndarray:
    """Indices of at most ``most`` of ``count`` samples, evenly spaced; all of them where they are not more."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(int)


def choose_few(domain: Domain, n_classes: int, shots: int, seed: int) -> np.ndarray:
    """Indices of ``shots`` samples of every class (all of a smaller class), chosen by ``seed``, in order."""
    order = np.random.default_rng([seed, 7]).permutation(len(domain))
    y = np.asarray(domain.y)[order]
    return np.sort(np.concatenate([order[y == c][:shots] for c in range(n_classes)]))
