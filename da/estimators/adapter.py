"""Closed-form transfer as one scikit-learn classifier, for pipelines and grid searches."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from da.domain import Domain
from da.estimators.base import Estimator, adapted, fit_classifier
from da.estimators.subspace.unadapted import Unadapted


class TransferClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """An estimator and a classifier behind ``fit(X, y, domain=...)`` and ``predict(X)``.

    Args:
        estimator: a closed-form mapping or weighting; None adapts nothing.
        classifier: a scikit-learn classifier; None is logistic regression.
    """

    def __init__(self, estimator: Estimator | None = None, classifier: BaseEstimator | None = None):
        self.estimator, self.classifier = estimator, classifier

    def fit(self, X: Any, y: Any, domain: Any = None) -> Self:
        """Adapt and train.

        Args:
            X: ``(n, d)`` samples of both domains.
            y: ``(n,)`` labels; those of target samples are not looked at.
            domain: ``(n,)`` with 0 for source and 1 for target samples; None takes all as source, and nothing is
                adapted.
        """
        if domain is not None:
            y = _covered(y, np.asarray(domain).astype(bool))
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        is_target = np.zeros(len(X), dtype=bool) if domain is None else np.asarray(domain).astype(bool)
        if is_target.shape != (len(X),) or is_target.all():
            raise ValueError(
                "`domain` needs one entry a sample, 0 for source and 1 for target, and at least one source sample."
            )
        self.classes_, labels = np.unique(y[~is_target], return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"The source has 1 class ({self.classes_[0]}); a classifier needs at least 2.")
        source = Domain(X[~is_target], labels)
        self.estimator_ = None
        if is_target.any():
            self.estimator_ = clone(self.estimator or Unadapted()).fit(source, Domain(X[is_target]))
        self.classifier_ = clone(self.classifier or LogisticRegression(max_iter=1000))
        fit_classifier(self.classifier_, self.estimator_, source.x, labels)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """``(n,)`` labels of target samples."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        predicted: np.ndarray = self.classes_[self.classifier_.predict(adapted(self.estimator_, X, "target"))]
        return predicted


def _covered(y: Any, is_target: np.ndarray) -> np.ndarray:
    """The labels with any source label in place of the target's, which may be anything, missing values included."""
    y = np.asarray(y)
    if is_target.shape != y.shape or is_target.all():
        return y  # refused where the inputs are known as well
    known = np.array(y[~is_target].tolist())  # without what was missing, objects may turn out to be numbers
    covered = np.full(y.shape, known[0], dtype=known.dtype)
    covered[~is_target] = known
    return covered
