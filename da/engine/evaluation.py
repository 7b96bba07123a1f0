"""Evaluation: predicts after every evaluated epoch, scores all selection rules, and keeps the history of both.

It alone holds the labels and the test inputs that a method was not granted. Neither the method nor its data lead to it;
only the runner does. Nothing here imports PyTorch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from da import selection
from da.data.grant import Exam
from da.domain import Domain
from da.metrics import Prediction, scores


class Evaluated(Protocol):
    """What is asked of a trained method: a deep one, or a closed-form one."""

    metrics: Mapping[str, str]
    diagnostics: dict[str, float]
    steps_done: int

    def before_evaluation(self) -> None:
        """Learn from whole domains what predictions need."""

    def predict(self, domain: Domain, *, source: bool = False) -> Prediction:
        """Features and logits of a domain's samples, in order."""


class Evaluator:
    """After every ``every``-th epoch and the last: predictions, metrics and the score of every selection rule.

    Args:
        exam: what the run is judged on.
        every: epochs between evaluations.

    Attributes:
        history: one dict an evaluated epoch: ``epoch``, ``step``, ``terms`` (their means over the epoch),
            ``diagnostics`` of the method, ``target_test`` and ``source_test`` metrics, ``scores`` by rule,
            ``seconds`` of training so far.
        predictions: features and logits of the latest evaluation by the name of the domain.
        seconds: of training and of evaluation.
    """

    def __init__(self, exam: Exam, every: int = 1):
        self.exam, self.every = exam, every
        self.history: list[dict[str, Any]] = []
        self.predictions: dict[str, Prediction] = {}
        self.seconds = {"train": 0.0, "evaluate": 0.0}
        self._clock = 0.0

    def start_epoch(self) -> None:
        """Training begins, or goes on."""
        self._clock = time.perf_counter()

    def end_epoch(
        self, method: Evaluated, epoch: int, *, last: bool, terms: Mapping[str, float] | None = None
    ) -> dict[str, Any] | None:
        """Training of an epoch is over: evaluate where it is due, and return what is added to the history.

        Args:
            method: as trained so far.
            epoch: number of the epoch, from 1.
            last: no other follows.
            terms: means of the terms of the loss over the epoch.
        """
        self.seconds["train"] += time.perf_counter() - self._clock
        if epoch % self.every and not last:
            return None
        start = time.perf_counter()
        entry = self.evaluate(method, epoch) | {"terms": dict(terms or {}), "seconds": self.seconds["train"]}
        entry |= {"diagnostics": dict(method.diagnostics)}
        self.history.append(entry)
        self.seconds["evaluate"] += time.perf_counter() - start
        return entry

    def evaluate(self, method: Evaluated, epoch: int) -> dict[str, Any]:
        """Predict every evaluated domain and score it."""
        method.before_evaluation()
        metrics: dict[str, dict[str, float]] = {"source_test": {}, "target_test": {}}
        for name, domain in self.exam.domains.items():
            if self.exam.transductive and name == "target_test":
                self.predictions[name] = self.predictions["target_train"]
            else:
                self.predictions[name] = method.predict(domain.without_labels(), source=name.startswith("source"))
            if domain.y is not None:
                metrics[name] = scores(
                    np.asarray(domain.y), self.predictions[name][1], method.metrics, self.exam.metric
                )
        source = self.exam.domains.get("source_test")
        evidence = selection.Evidence(
            epoch=epoch,
            source_z=self.predictions["source_test"][0] if source else None,
            source_logits=self.predictions["source_test"][1] if source else None,
            source_y=np.asarray(source.y) if source else None,
            target_x=self.exam.domains["target_train"].x,
            target_z=self.predictions["target_train"][0],
            target_logits=self.predictions["target_train"][1],
            answer=lambda x: method.predict(Domain(x))[1],
            test_accuracy=next(iter(metrics["target_test"].values()), None),
        )
        rules = {rule: selection.score(rule, evidence) for rule in selection.names()}
        return {"epoch": epoch, "step": method.steps_done, **metrics, "scores": rules}

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


def logged(entry: Mapping[str, Any]) -> dict[str, float]:
    """An evaluated epoch as loggers take it: ``target_test/METRIC``, ``selection/RULE``, ``terms/NAME``, ``epoch``."""
    rules = {rule: score for rule, score in entry["scores"].items() if score is not None}
    parts = {"target_test": entry["target_test"], "source_test": entry["source_test"], "selection": rules}
    flat = {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}
    return flat | {f"terms/{name}": value for name, value in entry["terms"].items()} | {"epoch": entry["epoch"]}
