"""What methods that label or are labelled share: dense rows, and probabilities of any classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, clone

from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.arrays import as_numpy, matrix
from da.estimators.base import labels_of
from da.estimators.classifiers.linear import LogisticRegression


def dense(x: Any) -> np.ndarray:
    """``(n, d)`` inputs as a dense NumPy array."""
    return as_numpy(matrix(x))


def labels_to_tell_apart(source: Domain) -> np.ndarray:
    """The labels of a source.

    Raises:
        DataError: there are none, or one class only.
    """
    y = labels_of(source)
    if len(np.unique(y)) < 2:
        raise DataError(
            f"The source has samples of class {y[0]} only; a classifier needs at least 2 classes to tell apart."
        )
    return y


def trained(classifier: BaseEstimator | None, x: np.ndarray, y: np.ndarray) -> Any:
    """A fresh copy of a classifier, trained; None is logistic regression."""
    return clone(LogisticRegression() if classifier is None else classifier).fit(x, y)


def probabilities(model: Any, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """``(n, K)`` probabilities in the order of ``classes``, 0 for those that the model has not seen.

    A classifier that has margins alone gives their softmax (the logistic function of the one margin of two classes):
    the order of confidence is kept, but 0.9 does not mean nine times in ten.

    Raises:
        UsageError: the classifier gives labels only.
    """
    if hasattr(model, "predict_proba"):
        found = model.predict_proba(x)
    elif hasattr(model, "decision_function"):
        margins = model.decision_function(x)
        found = softmax(margins, axis=1) if margins.ndim > 1 else np.c_[expit(-margins), expit(margins)]
    else:
        raise UsageError(
            f"{type(model).__name__} has neither predict_proba nor decision_function, so that nothing says how sure "
            "it is; use a classifier that has one, such as logistic."
        )
    spread = np.zeros((len(x), len(classes)))
    spread[:, np.searchsorted(classes, model.classes_)] = found
    return spread
