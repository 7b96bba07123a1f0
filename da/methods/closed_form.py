"""A closed-form estimator and its classifier as a method that runs train, evaluate and record as any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.random_projection import SparseRandomProjection

from da.domain import Domain, Granted
from da.estimators.arrays import as_numpy
from da.estimators.base import Estimator, Predictor, matrix
from da.estimators.transfer import Transfer
from da.metrics import ACCURACY, Prediction

WIDTH = 512  # columns of sparse features that go into the record
CHUNK = 512  # samples that are predicted at a time
FLOOR = -50.0  # of log-probabilities


class ClosedForm:
    """Fits an estimator and a classifier on whole domains, once, and predicts; nothing here imports PyTorch.

    On an accelerator the estimator computes there, in double precision; the classifier stays on the CPU.

    Args:
        estimator: what adapts.
        classifier: a scikit-learn classifier, trained on the adapted source.
        n_classes: number of classes.

    Attributes:
        device: where inputs are put; None leaves NumPy arrays.
        diagnostics: what the fitted parts say of themselves.
        steps_done: 1 once it is fitted.
    """

    metrics: Mapping[str, str] = ACCURACY
    single_step = True

    def __init__(self, estimator: Estimator, classifier: BaseEstimator, n_classes: int):
        self.estimator, self.classifier, self.n_classes = estimator, classifier, n_classes
        self.needs = estimator.needs
        self.device: str | None = None
        self.diagnostics: dict[str, float] = {}
        self.steps_done = 0

    def fit(self, granted: Granted) -> None:
        """Learn from the domains that were granted."""
        self.model = Transfer(self.estimator, self.classifier)
        self.model.fit(*granted.each(lambda _, domain: self.placed(domain)).given())
        self.diagnostics = self.model.diagnostics()
        self.steps_done += 1

    @property
    def tells_probabilities(self) -> bool:
        """Whether predictions are probabilities; a classifier that knows margins alone only says a class."""
        return isinstance(self.estimator, Predictor) or hasattr(self.model.classifier, "predict_proba")

    def placed(self, domain: Domain) -> Domain:
        """A domain with its inputs on the accelerator, in double precision, if there is one."""
        if self.device is None:
            return domain
        import torch

        return replace(domain, x=torch.as_tensor(matrix(domain.x), device=self.device))

    @property
    def device_name(self) -> str:
        """What the device is called."""
        if self.device is None:
            return "cpu"
        import torch

        return torch.cuda.get_device_name(self.device)

    def before_evaluation(self) -> None:
        """Nothing: all was learnt by :meth:`fit`."""

    def predict(self, domain: Domain, *, source: bool = False) -> Prediction:
        """Adapted features and log-probabilities of a domain's samples, in order.

        Args:
            domain: ``n`` samples, their labels unused.
            source: they are of the source, not of the target.
        """
        starts = range(0, len(domain), CHUNK)
        parts = [self._predict(domain.take(np.arange(k, min(k + CHUNK, len(domain)))), source) for k in starts]
        z, logits = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return z, logits

    def _predict(self, domain: Domain, source: bool) -> Prediction:
        answer = self.model.answer(self.placed(domain).x, "source" if source else "target")
        scores = np.full((len(answer.labels), self.n_classes), -np.inf)
        if answer.proba is not None:
            with np.errstate(divide="ignore"):
                scores[:, self.model.classes_] = np.log(answer.proba)
        else:  # margins are not probabilities: only the predicted class is known
            scores[np.arange(len(scores)), answer.labels] = 0.0
        single = np.float32
        return as_numpy(narrow(answer.features)).astype(single), np.maximum(scores, FLOOR).astype(single)


def narrow(z: Any) -> Any:
    """Features for the record: of wide sparse rows a random projection, which keeps distances about as they are."""
    if not sparse.issparse(z):
        return z
    if z.shape[1] <= WIDTH:
        return z.toarray()
    projection = SparseRandomProjection(WIDTH, dense_output=True, random_state=0)
    return projection.fit(sparse.csr_matrix((1, z.shape[1]))).transform(z)
