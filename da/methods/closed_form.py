"""The one Lightning module that runs every closed-form estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from da.domain import Batch, pool
from da.estimators.base import Estimator, adapted, fit_classifier, matrix
from da.methods.base import Method, Spec
from da.nn.networks import Output


class ClosedForm(Method):
    """Fit an estimator and a classifier on whole domains, in the first and only step of ``trainer.fit``.

    What the estimator learnt decides how: a mapping gives the classifier mapped features, a weighting sample weights.

    Args:
        estimator: what adapts.
        classifier: a scikit-learn classifier, trained on the adapted source.
    """

    raw_inputs = True

    def __init__(self, estimator: Estimator, classifier: BaseEstimator):
        super().__init__()
        self.estimator, self.classifier = estimator, classifier
        self.needs = estimator.needs

    def build(self, spec: Spec) -> None:
        self.n_classes = spec.n_classes

    def configure_optimizers(self) -> Any:
        return []

    def training_step(self, batch: Batch, index: int) -> None:
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]  # set by Lightning
        source = pool(data.sources)
        self.estimator.fit(source, data.target)
        fit_classifier(self.classifier, self.estimator, matrix(source.x), source.y)
        self.steps_done += 1

    def forward(self, x: Tensor) -> Output:
        return self.predict_rows(x, "target")

    def forward_source(self, x: Tensor) -> Output:
        return self.predict_rows(x, "source")

    def predict_rows(self, x: Any, domain: str) -> Output:
        """Adapted features, and log-probabilities where the classifier has them."""
        z = adapted(self.estimator, matrix(x), domain)
        scores = np.full((len(z), self.n_classes), -np.inf)
        known = np.asarray(self.classifier.classes_)
        if hasattr(self.classifier, "predict_proba"):
            with np.errstate(divide="ignore"):
                scores[:, known] = np.log(self.classifier.predict_proba(z))
        else:  # margins are not probabilities: only the predicted class is known
            scores[np.arange(len(z)), self.classifier.predict(z)] = 0.0
        return Output(torch.as_tensor(z), torch.as_tensor(np.maximum(scores, -50.0)))
