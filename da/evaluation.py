"""Predict after every evaluated epoch, score all selection rules, and keep the history of both."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from pytorch_lightning import Callback, Trainer

from da import selection
from da.data.module import PairedData
from da.domain import Domain
from da.inference import Prediction, predict
from da.methods.base import Method
from da.metrics import METRICS


class Evaluator(Callback):
    """After every ``every``-th epoch and the last: predictions, metrics and the score of every selection rule.

    Attributes:
        history: one dict an evaluated epoch: ``epoch``, ``step``, ``terms`` (their means over the epoch),
            ``diagnostics`` of the method, ``target_test`` and ``source_test`` metrics, ``scores`` by rule,
            ``seconds`` of training so far.
        predictions: features and logits of the latest evaluation by the name of the domain.
    """

    def __init__(self, data: PairedData, every: int = 1):
        self.data, self.every = data, every
        self.history: list[dict[str, Any]] = []
        self.predictions: dict[str, Prediction] = {}
        self.seconds = {"train": 0.0, "evaluate": 0.0}
        self._clock = 0.0

    def on_train_start(self, trainer: Trainer, method: Any) -> None:
        self._clock = time.perf_counter()  # a run resumed within an epoch does not start that epoch again

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
            self.history[-1] |= {"diagnostics": dict(method.diagnostics)}
            self.seconds["evaluate"] += time.perf_counter() - start
            flat = {f"{part}/{k}": v for part, m in self._metrics(self.history[-1]).items() for k, v in m.items()}
            for logger in trainer.loggers:
                logger.log_metrics(
                    flat | {f"terms/{k}": v for k, v in terms.items()} | {"epoch": epoch}, method.steps_done
                )

    @staticmethod
    def _metrics(entry: dict[str, Any]) -> dict[str, dict[str, float]]:
        scores = {k: v for k, v in entry["scores"].items() if v is not None}
        return {"target_test": entry["target_test"], "source_test": entry["source_test"], "selection": scores}

    def evaluate(self, method: Method, epoch: int) -> dict[str, Any]:
        """Predict every evaluated domain and score it."""
        method.before_evaluation()
        found: dict[str, dict[str, float]] = {"source_test": {}, "target_test": {}}
        for name, domain in self.data.evaluated.items():
            forward = method.forward_source if name.startswith("source") else None
            if self.data.task.transductive and name == "target_test":
                self.predictions[name] = self.predictions["target_train"]
            else:
                self.predictions[name] = predict(method, domain, forward)
            if domain.y is not None:
                found[name] = self.score(method, np.asarray(domain.y), self.predictions[name][1])
        source = self.data.evaluated.get("source_test")
        evidence = selection.Evidence(
            epoch=epoch,
            source_z=self.predictions["source_test"][0] if source else None,
            source_logits=self.predictions["source_test"][1] if source else None,
            source_y=np.asarray(source.y) if source else None,
            target_x=self.data.evaluated["target_train"].x,
            target_z=self.predictions["target_train"][0],
            target_logits=self.predictions["target_train"][1],
            answer=lambda x: predict(method, Domain(x))[1],
            test_accuracy=next(iter(found["target_test"].values()), None),
        )
        scores = {rule: selection.score(rule, evidence) for rule in selection.names()}
        return {"epoch": epoch, "step": method.steps_done, **found, "scores": scores}

    def score(self, method: Method, y: np.ndarray, logits: np.ndarray) -> dict[str, float]:
        """The method's metrics; where the data's tables report another than accuracy, that one comes first."""
        metric = self.data.task.metric
        own = {} if metric == "accuracy" else {metric: METRICS[metric](y, logits.argmax(1))}
        return own | method.score(y, logits)

    def chosen(self) -> dict[str, dict[str, Any]]:
        """For every rule with scores: the first epoch of its highest score, and the target test metrics there."""
        result: dict[str, dict[str, Any]] = {}
        for rule in selection.names():
            scored = [h for h in self.history if h["scores"].get(rule) is not None]
            if scored:
                best = max(scored, key=lambda h: h["scores"][rule])
                result[rule] = {
                    "epoch": best["epoch"],
                    "score": best["scores"][rule],
                    "target_test": best["target_test"],
                }
        return result

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history, self.seconds = state_dict["history"], state_dict["seconds"]
