"""Functions shared by the methods of this folder: dense rows, and probabilities of any classifier."""

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
    """Labels of a source, checked to have at least two classes.

    Raises:
        DataError: there are no labels, or only one class.
    """
    y = labels_of(source)
    if len(np.unique(y)) < 2:
        raise DataError(
            f"The source has samples of class {y[0]} only; a classifier needs at least 2 classes to tell apart."
        )
    return y


def trained(classifier: BaseEstimator | None, x: np.ndarray, y: np.ndarray) -> Any:
    """Train a new copy of a classifier; None is logistic regression."""
    return clone(LogisticRegression() if classifier is None else classifier).fit(x, y)


def probabilities(model: Any, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """``(n, K)`` probabilities in the order of ``classes``, 0 for classes that the model was not trained on.

    For a classifier with margins only, they are the softmax of these (the logistic function of the single margin of two
    classes), which preserves the order of confidence but is not calibrated.

    Raises:
        UsageError: the classifier predicts labels only.
    """
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(x)
    elif hasattr(model, "decision_function"):
        margins = model.decision_function(x)
        proba = softmax(margins, axis=1) if margins.ndim > 1 else np.c_[expit(-margins), expit(margins)]
    else:
        raise UsageError(
            f"{type(model).__name__} has neither predict_proba nor decision_function, so that nothing says how sure "
            "it is; use a classifier that has one, such as logistic."
        )
    spread = np.zeros((len(x), len(classes)))
    spread[:, np.searchsorted(classes, model.classes_)] = proba
    return spread
