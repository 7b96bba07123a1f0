"""Base class of predictors that label the target's training samples first, and then train on these."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from da.errors import DataError
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import Predictor, matrix
from da.estimators.kernels import squared_distances


class Propagation(Predictor):
    """Predict by a classifier trained on labels propagated to the target, or by the nearest target sample's label."""

    classifier: BaseEstimator | None

    def _learn(self, x_t: Any, mass: Any, classes: np.ndarray) -> None:
        """Set ``labels_``, the ``(n_t, C)`` shares of the classes in a target sample's mass, and the classifier.

        A sample without mass has the shares of the total mass.
        """
        mass = as_numpy(mass)
        total = mass.sum(1, keepdims=True)
        if not np.isfinite(mass).all() or mass.sum() <= 0.0:
            raise DataError(
                f"{type(self).__name__} found no finite plan; raise the entropy, or standardize the features."
            )
        empty = total <= np.finfo(np.float64).tiny
        shares = np.where(empty, mass.sum(0) / mass.sum(), mass / np.where(empty, 1.0, total))
        self.classes_, self.labels_, self.target_ = classes, shares / shares.sum(1, keepdims=True), x_t
        best = self.labels_.argmax(1)
        self.model_ = None
        if self.classifier is not None and len(np.unique(best)) > 1:
            self.model_ = clone(self.classifier).fit(as_numpy(x_t), classes[best])

    def predict_proba(self, x: Any) -> np.ndarray:
        x = matrix(x)
        if self.model_ is None:
            close = namespace(x).argmin(squared_distances(x, like(self.target_, x)), axis=1)
            return self.labels_[as_numpy(close)]
        known = np.searchsorted(self.classes_, self.model_.classes_)
        proba = np.zeros((x.shape[0], len(self.classes_)))
        if hasattr(self.model_, "predict_proba"):
            proba[:, known] = self.model_.predict_proba(as_numpy(x))
        else:
            proba[np.arange(len(proba)), np.searchsorted(self.classes_, self.model_.predict(as_numpy(x)))] = 1.0
        return proba
