"""Validating, testing and predicting with Lightning's trainer and a plain ``DataLoader``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor
from torch.utils.data import DistributedSampler

from da.domain import Domain
from da.errors import DataError
from da.methods.parts import Spec
from da.metrics import scores


class EvaluationLoops(LightningModule):
    """A module that ``trainer.validate``, ``trainer.test`` and ``trainer.predict`` work with.

    Loaders give target samples: ``(x, y)``, or ``x`` alone to predict. Metrics are of all samples of a loader, not
    means over batches, in percent: ``accuracy`` and the other metrics of the method, each with
    ``/dataloader_idx_K`` behind its name where there are several loaders. Predictions are ``(n, k)`` probabilities.
    """

    metrics: ClassVar[Mapping[str, str]]
    spec: Spec | None
    steps_done: int
    evaluated_at = -1
    """Steps that were done when the method last made ready to predict."""

    def before_evaluation(self) -> None:
        """Called before predictions are evaluated; for what is learnt from whole domains."""

    def make_ready(self) -> None:
        """Call :meth:`before_evaluation`, unless it was since the last step of training."""
        if self.evaluated_at != self.steps_done:
            self.before_evaluation()
            self.evaluated_at = self.steps_done

    def on_train_end(self) -> None:
        self.make_ready()

    def on_validation_epoch_start(self) -> None:
        if self.trainer.state.fn == TrainerFn.FITTING and not self.trainer.sanity_checking:
            self.make_ready()
        self.seen: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}

    def on_test_epoch_start(self) -> None:
        self.seen = {}

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Predict a batch and keep the logits, see :meth:`on_validation_epoch_end`.

        Raises:
            DataError: the batch is not of samples of the target with labels of its classes.
        """
        x, y = self._samples(batch, labels=True)
        logits = self(x)[1].detach().float().cpu().numpy()
        if len(y) and (int(y.min()) < 0 or int(y.max()) >= logits.shape[1]):
            raise DataError(
                f"Labels must be whole numbers from 0 to {logits.shape[1] - 1}, got {y.min()} to {y.max()}."
            )
        self.seen.setdefault(dataloader_idx, []).append((logits, y))

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """As :meth:`validation_step`."""
        self.validation_step(batch, batch_idx, dataloader_idx)

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """``(n, k)`` probabilities of a batch of ``x`` or ``(x, y)``, whose labels are not looked at."""
        probabilities: Tensor = self(self._samples(batch, labels=False)[0])[1].float().softmax(1)
        return probabilities

    def on_validation_epoch_end(self) -> None:
        self._log_scores(self.trainer.val_dataloaders)

    def on_test_epoch_end(self) -> None:
        self._log_scores(self.trainer.test_dataloaders)

    def log_scores(self, named: Mapping[str, float], *, prog_bar: bool = False) -> None:
        """Log numbers of whole domains, in double precision, for callbacks and loggers, and for bars if asked for."""
        exact = torch.float32 if self.device.type == "mps" else torch.float64
        values = {name: torch.tensor(value, dtype=exact, device=self.device) for name, value in named.items()}
        self.log_dict(values, prog_bar=prog_bar, sync_dist=True, add_dataloader_idx=False)

    def _samples(self, batch: Any, *, labels: bool) -> tuple[Tensor, np.ndarray]:
        """Inputs of a batch as the network takes them, and ``(n,)`` labels.

        Raises:
            DataError: the batch is no such thing, or of other inputs than the method was built for.
        """
        parts = list(batch) if isinstance(batch, list | tuple) else [batch]
        if not all(isinstance(part, Tensor) for part in parts) or len(parts) not in ((2,) if labels else (1, 2)):
            raise DataError(f"Batches must be {'(x, y)' if labels else 'x or (x, y)'}, of tensors.")
        x = Domain(parts[0]).tensors(self.device).x
        if self.spec is not None and tuple(x.shape[1:]) != tuple(self.spec.target_shape):
            raise DataError(
                f"Inputs have shape {tuple(x.shape[1:])}; the method was built for {tuple(self.spec.target_shape)}."
            )
        if not labels:
            return x, np.zeros(0)
        y = parts[1].cpu()
        if y.shape != (len(x),) or y.is_floating_point():
            raise DataError(f"Labels must be {len(x)} whole numbers, got {y.dtype} of shape {tuple(y.shape)}.")
        return x, y.numpy()

    def _log_scores(self, given: Any) -> None:
        loaders = list(given) if isinstance(given, list | tuple) else [given]
        for k in sorted(self.seen):
            logits, y = (np.concatenate(part) for part in zip(*self.seen[k], strict=True))
            if self.trainer.world_size > 1:
                logits, y = _pooled(logits, y, loaders[k] if k < len(loaders) else None)
            suffix = f"/dataloader_idx_{k}" if len(loaders) > 1 else ""
            self.log_scores(
                {f"{name}{suffix}": v for name, v in scores(y, logits, self.metrics).items()}, prog_bar=True
            )
        self.seen = {}


def _pooled(logits: np.ndarray, y: np.ndarray, loader: Any) -> tuple[np.ndarray, np.ndarray]:
    """The rows of all processes, without those that a distributed sampler repeats to give all processes as many."""
    shares: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(shares, (logits, y))
    if not isinstance(getattr(loader, "sampler", None), DistributedSampler):
        return np.concatenate([share[0] for share in shares]), np.concatenate([share[1] for share in shares])
    total = len(loader.dataset)
    return tuple(  # type: ignore[return-value]  # two of them
        np.stack([share[part] for share in shares], axis=1).reshape(-1, *shares[0][part].shape[1:])[:total]
        for part in (0, 1)
    )
