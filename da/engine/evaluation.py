"""The scorer: predicts after every evaluated epoch, scores all selection rules, and keeps the history of both.

It alone holds the labels and the test inputs that a method was not granted. Neither the method nor its data lead to it;
only ``trainer.callbacks`` does.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from pytorch_lightning import Callback, Trainer

from da import selection
from da.data.division import Exam
from da.domain import Domain
from da.methods.base import Method
from da.methods.inference import Prediction, predict
from da.metrics import scores


class Evaluator(Callback):
    """After every ``every``-th epoch and the last: predictions, metrics and the score of every selection rule.

    Args:
        exam: what the run is judged on.
        every: epochs between evaluations.

    Attributes:
        history: one dict an evaluated epoch: ``epoch``, ``step``, ``terms`` (their means over the epoch),
            ``diagnostics`` of the method, ``target_test`` and ``source_test`` metrics, ``scores`` by rule,
            ``seconds`` of training so far.
        predictions: features and logits of the latest evaluation by the name of the domain.
    """

    def __init__(self, exam: Exam, every: int = 1):
        self.exam, self.every = exam, every
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
        rules = {k: v for k, v in entry["scores"].items() if v is not None}
        return {"target_test": entry["target_test"], "source_test": entry["source_test"], "selection": rules}

    def evaluate(self, method: Method, epoch: int) -> dict[str, Any]:
        """Predict every evaluated domain and score it."""
        method.before_evaluation()
        found: dict[str, dict[str, float]] = {"source_test": {}, "target_test": {}}
        for name, domain in self.exam.domains.items():
            forward = method.forward_source if name.startswith("source") else None
            if self.exam.transductive and name == "target_test":
                self.predictions[name] = self.predictions["target_train"]
            else:
                self.predictions[name] = predict(method, domain.without_labels(), forward)
            if domain.y is not None:
                found[name] = scores(np.asarray(domain.y), self.predictions[name][1], method.metrics, self.exam.metric)
        source = self.exam.domains.get("source_test")
        evidence = selection.Evidence(
            epoch=epoch,
            source_z=self.predictions["source_test"][0] if source else None,
            source_logits=self.predictions["source_test"][1] if source else None,
            source_y=np.asarray(source.y) if source else None,
            target_x=self.exam.domains["target_train"].x,
            target_z=self.predictions["target_train"][0],
            target_logits=self.predictions["target_train"][1],
            answer=lambda x: predict(method, Domain(x))[1],
            test_accuracy=next(iter(found["target_test"].values()), None),
        )
        rules = {rule: selection.score(rule, evidence) for rule in selection.names()}
        return {"epoch": epoch, "step": method.steps_done, **found, "scores": rules}

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
