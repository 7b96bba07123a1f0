"""Predict after every evaluated epoch, score all selection rules, and keep the history of both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, Trainer
from torch import Tensor

from da import selection
from da.data.module import PairedData
from da.domain import Domain
from da.methods.base import Method
from da.nn.networks import Output

Prediction = tuple[np.ndarray, np.ndarray]
"""``(n, d)`` features and ``(n, k)`` logits."""


def predict(method: Method, domain: Domain, forward: Callable[[Tensor], Output], chunk: int = 512) -> Prediction:
    """Features and logits of every sample of a domain, in order; processes share the work without repeats."""
    trainer = method._trainer
    rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
    mine = np.arange(len(domain))[rank::world]
    outputs: list[Output] = []
    was_training = method.training
    method.eval()
    try:
        with torch.no_grad(), _precision(trainer):
            for start in range(0, len(mine), chunk):
                part = domain.take(mine[start : start + chunk])
                outputs.append(forward(part.x if method.raw_inputs else part.tensors(method.device).x))
    finally:
        method.train(was_training)
    parts = [torch.cat([getattr(o, f) for o in outputs]).cpu().float().numpy() if outputs else None for f in Output._fields]
    if world == 1:
        z, logits = parts
        assert z is not None and logits is not None
        return z, logits
    everyone: list[Any] = [None] * world
    torch.distributed.all_gather_object(everyone, (mine, *parts))
    order = np.argsort(np.concatenate([share[0] for share in everyone]))
    z, logits = (np.concatenate([s[k] for s in everyone if s[k] is not None])[order] for k in (1, 2))
    return z, logits


def _precision(trainer: Trainer | None) -> Any:
    return trainer.precision_plugin.forward_context() if trainer else torch.autocast("cpu", enabled=False)


class Evaluator(Callback):
    """After every ``every``-th epoch and the last: predictions, metrics and the score of every selection rule.

    Attributes:
        history: one dict an evaluated epoch: ``epoch``, ``step``, ``terms`` (their means over the epoch),
            ``target_test`` and ``source_test`` metrics, ``scores`` by rule, ``seconds`` of training so far.
        predictions: features and logits of the latest evaluation by the name of the domain.
    """

    def __init__(self, data: PairedData, every: int = 1):
        self.data, self.every = data, every
        self.history: list[dict[str, Any]] = []
        self.predictions: dict[str, Prediction] = {}
        self.seconds = {"train": 0.0, "evaluate": 0.0}
        self._clock = 0.0

    def on_train_epoch_start(self, trainer: Trainer, method: Any) -> None:
        self._clock = time.perf_counter()
        method.term_sums = {}

    def on_train_epoch_end(self, trainer: Trainer, method: Any) -> None:
        steps = int(trainer.num_training_batches)
        terms = {name: float(value) / steps for name, value in method.term_sums.items()}  # waits for the device
        self.seconds["train"] += time.perf_counter() - self._clock
        epoch = trainer.current_epoch + 1
        last = epoch == trainer.max_epochs
        if epoch % self.every == 0 or last:
            start = time.perf_counter()
            self.history.append(self.evaluate(method, epoch) | {"terms": terms, "seconds": self.seconds["train"]})
            self.seconds["evaluate"] += time.perf_counter() - start
            flat = {f"{part}/{k}": v for part, m in self._metrics(self.history[-1]).items() for k, v in m.items()}
            for logger in trainer.loggers:
                logger.log_metrics(flat | {f"terms/{k}": v for k, v in terms.items()} | {"epoch": epoch}, method.steps_done)

    @staticmethod
    def _metrics(entry: dict[str, Any]) -> dict[str, dict[str, float]]:
        scores = {k: v for k, v in entry["scores"].items() if v is not None}
        return {"target_test": entry["target_test"], "source_test": entry["source_test"], "selection": scores}

    def evaluate(self, method: Method, epoch: int) -> dict[str, Any]:
        """Predict every evaluated domain and score it."""
        found: dict[str, dict[str, float]] = {"source_test": {}, "target_test": {}}
        for name, domain in self.data.evaluated.items():
            forward = method.forward_source if name.startswith("source") else method
            if self.data.task.transductive and name == "target_test":
                self.predictions[name] = self.predictions["target_train"]
            else:
                self.predictions[name] = predict(method, domain, forward)
            if domain.y is not None:
                found[name] = method.score(np.asarray(domain.y), self.predictions[name][1])
        source = self.data.evaluated.get("source_test")
        evidence = selection.Evidence(
            epoch=epoch,
            source_logits=self.predictions["source_test"][1] if source else None,
            source_y=np.asarray(source.y) if source else None,
            target_z=self.predictions["target_train"][0],
            target_logits=self.predictions["target_train"][1],
            test_accuracy=next(iter(found["target_test"].values()), None),
        )
        scores = {rule: selection.score(rule, evidence) for rule in selection.names()}
        return {"epoch": epoch, "step": method.steps_done, **found, "scores": scores}

    def chosen(self) -> dict[str, dict[str, Any]]:
        """For every rule with scores: the first epoch of its highest score, and the target test metrics there."""
        result: dict[str, dict[str, Any]] = {}
        for rule in selection.names():
            scored = [h for h in self.history if h["scores"].get(rule) is not None]
            if scored:
                best = max(scored, key=lambda h: h["scores"][rule])
                result[rule] = {"epoch": best["epoch"], "score": best["scores"][rule], "target_test": best["target_test"]}
        return result

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history, self.seconds = state_dict["history"], state_dict["seconds"]
