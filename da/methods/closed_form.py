"""The one Lightning module that runs every closed-form estimator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.random_projection import SparseRandomProjection
from torch import Tensor

from da.domain import Batch, Domain, Withheld
from da.estimators.base import Estimator, matrix
from da.estimators.transfer import Transfer
from da.methods.base import Method, Spec
from da.nn.networks import Output

WIDTH = 512  # columns of sparse features that go into the record


class ClosedForm(Method):
    """Fit an estimator and a classifier on whole domains, in the first and only step of ``trainer.fit``.

    On an accelerator the estimator computes there, in double precision; the classifier stays on the CPU.

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
        self.model = Transfer(self.estimator, self.classifier)
        self.model.fit(*(self.placed(part) for part in (data.sources, data.target, data.labelled)))
        self.diagnostics = self.model.diagnostics()
        self.steps_done += 1

    def placed(self, part: Any) -> Any:
        """Domains with their inputs on the accelerator, in double precision, if there is one."""
        if isinstance(part, tuple):
            return tuple(map(self.placed, part))
        if isinstance(part, Withheld) or self.device.type == "cpu":
            return part
        return replace(part, x=torch.as_tensor(matrix(part.x), device=self.device))

    def forward(self, x: Tensor) -> Output:
        return self.predict_rows(x, "target")

    def forward_source(self, x: Tensor) -> Output:
        return self.predict_rows(x, "source")

    def predict_rows(self, x: Any, domain: str) -> Output:
        """Adapted features, and log-probabilities where there are any."""
        answer = self.model.answer(self.placed(Domain(x)).x, domain)
        scores = np.full((len(answer.labels), self.n_classes), -np.inf)
        if answer.proba is not None:
            with np.errstate(divide="ignore"):
                scores[:, self.model.classes_] = np.log(answer.proba)
        else:  # margins are not probabilities: only the predicted class is known
            scores[np.arange(len(scores)), answer.labels] = 0.0
        return Output(torch.as_tensor(narrow(answer.features)), torch.as_tensor(np.maximum(scores, -50.0)))


def narrow(z: Any) -> Any:
    """Features for the record: of wide sparse rows a random projection, which keeps distances about as they are."""
    if not sparse.issparse(z):
        return z
    if z.shape[1] <= WIDTH:
        return z.toarray()
    projection = SparseRandomProjection(WIDTH, dense_output=True, random_state=0)
    return projection.fit(sparse.csr_matrix((1, z.shape[1]))).transform(z)
