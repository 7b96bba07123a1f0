"""Parts of label shift corrections: cross-validated outputs of a classifier, and weights by class."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import lsq_linear
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.arrays import as_numpy
from da.estimators.base import Weighting, labels_of
from da.estimators.classifiers.choice import settled
from da.estimators.folds import folds_of
from da.estimators.sample_size import effective_sample_size

FOLDS = 5
FLOOR = 1e-6
EXPLAINED = 0.5
NOISE = 5.0  # times the expected squared distance of the means of two samples of one distribution


class LabelShift(Weighting):
    r"""Base class of weightings by class: :math:`w(y) = q(y) / p(y)`, the ratio of target and source priors.

    Samples of a class that is estimated to be absent from the target keep a weight of 1e-6, so that the classifier
    trained on them still has the class.

    Where only class priors differ between domains, the weighted source has the target's means. A warning that the
    assumption is wrong is given where more than half of the distance of the means is left, and more than sampling noise
    explains.

    Attributes:
        explained_: share of the squared distance between the domains' means, in standard deviations of each feature,
            that the class weights remove; 1 under label shift, and below 0 where they increase the distance.
            Absent where these means do not differ by more than sampling noise.
        misleads_: whether class priors explain less than half of it, and a warning was given.
        classes_: ``(K,)`` classes of the source.
        class_weights_: ``(K,)`` ratios w, in the order of ``classes_``.
        target_priors_: ``(K,)`` estimate of q, which sums to 1.
    """

    corrects = ("target",)
    classes_: np.ndarray
    class_weights_: np.ndarray
    target_priors_: np.ndarray
    explained_: float
    misleads_: bool

    def _classes(self, source: Domain) -> tuple[np.ndarray, np.ndarray]:
        """``(n,)`` indices of the source's labels in ``classes_``, and ``(K,)`` shares of the classes."""
        self.classes_, index, counts = np.unique(labels_of(source), return_inverse=True, return_counts=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"The source has one class only, and {type(self).__name__} compares priors of classes; "
                "give samples of at least two."
            )
        return index, counts / len(index)

    def _set_class_weights(self, raw: Any, index: np.ndarray, priors: np.ndarray, x_s: Any, x_t: Any) -> None:
        raw = np.maximum(np.asarray(raw, dtype=np.float64), 0.0)
        total = priors @ raw
        if not np.isfinite(total) or total <= 0.0:
            raise DataError(
                f"{type(self).__name__} finds no class of the source in the target; give a classifier that tells the "
                "classes apart, or more samples."
            )
        self.class_weights_ = raw / total
        weights = np.maximum(self.class_weights_, FLOOR)[index]
        self._set_weights(weights, x_s)
        self.target_priors_ = priors * self.class_weights_
        self._check_assumption(weights, as_numpy(x_s), as_numpy(x_t))

    def _check_assumption(self, weights: np.ndarray, x_s: np.ndarray, x_t: np.ndarray) -> None:
        deviation = np.std(x_s, axis=0) + np.std(x_t, axis=0)
        used = deviation > 1e-9 * (np.abs(x_s).max(axis=0) + np.abs(x_t).max(axis=0))
        means = (x_s.mean(axis=0), weights @ x_s / weights.sum())
        apart, left = (float(np.square((mean - x_t.mean(axis=0))[used] / deviation[used]).sum()) for mean in means)
        explained = 1.0 - left / apart if apart > 0.0 else 1.0
        even, noise = (
            0.25 * used.sum() * (1.0 / size + 1.0 / len(x_t)) for size in (len(x_s), effective_sample_size(weights))
        )
        self.__dict__.pop("explained_", None)  # of an earlier fit
        if apart > NOISE * even:
            self.explained_ = explained
        self.misleads_ = explained < EXPLAINED and left > NOISE * noise
        if self.misleads_:
            warnings.warn(
                f"Class priors explain {100.0 * max(explained, 0.0):.0f} % of the distance between the means of "
                f"source and target, and {type(self).__name__} corrects nothing else: its weights may mislead. Compare "
                "with method=unadapted, or take a method for other shifts.",
                stacklevel=4,
            )


class Outputs(NamedTuple):
    """Outputs of classifiers on both domains.

    Args:
        source: ``(n_s, K)`` probabilities, or one-hot labels, each by a classifier that was not trained on the sample.
        target: ``(n_t, K)``, the mean over these classifiers.
    """

    source: np.ndarray
    target: np.ndarray


def cross_outputs(
    classifier: BaseEstimator | None, x_s: Any, index: np.ndarray, x_t: Any, *, soft: bool, folds: int = FOLDS
) -> Outputs:
    """Outputs of cross-validated classifiers, on the held-out folds of the source and on the target.

    Folds are stratified, and depend on the samples, not on their order.

    Args:
        classifier: None is logistic regression on standardised inputs.
        x_s: ``(n_s, d)``.
        index: ``(n_s,)`` classes 0..K-1, all of which occur.
        x_t: ``(n_t, d)``.
        soft: use probabilities instead of labels.
        folds: number of folds; at most ``n_s``.
    """
    x_s, x_t = as_numpy(x_s), as_numpy(x_t)
    size = int(index.max()) + 1
    classifier = settled(classifier, x_s, index)
    fold = folds_of(x_s, index, folds)
    source, target = np.zeros((len(x_s), size)), np.zeros((len(x_t), size))
    used = np.unique(fold)
    for k in used:
        held = fold == k
        model = fitted(classifier, x_s[~held], index[~held])
        source[held] = outputs(model, x_s[held], size, soft=soft)
        target += outputs(model, x_t, size, soft=soft) / len(used)
    return Outputs(source, target)


def fitted(classifier: BaseEstimator | None, x: np.ndarray, index: np.ndarray) -> Any:
    """Train a new copy of a classifier; if there is a single class, a constant predictor of it."""
    if (index == index[0]).all():
        return index[0]
    if classifier is None:
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, index)
    return clone(classifier).fit(x, index)


def outputs(model: Any, x: np.ndarray, size: int, *, soft: bool) -> np.ndarray:
    """``(n, size)`` probabilities, or one-hot labels; 0 for classes that the model was not trained on.

    Raises:
        UsageError: the model has no probabilities.
    """
    predicted = np.zeros((len(x), size))
    if not hasattr(model, "classes_"):
        predicted[:, model] = 1.0
    elif soft:
        if not hasattr(model, "predict_proba"):
            raise UsageError(
                f"{type(model).__name__} has no `predict_proba`, and probabilities are asked for; "
                "use a classifier that has them, such as logistic."
            )
        predicted[:, model.classes_] = model.predict_proba(x)
    else:
        predicted[np.arange(len(x)), model.predict(x)] = 1.0
    return predicted


def confusion(outputs: Outputs, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""``(K, K)`` source frequencies :math:`C_{ij}` of output i with class j, and ``(K,)`` of outputs in the target."""
    hot = np.eye(outputs.source.shape[1])[index]
    joint: np.ndarray = outputs.source.T @ hot / len(index)
    return joint, outputs.target.mean(0)


def bounded(a: np.ndarray, b: np.ndarray, low: float, high: float, ridge: float) -> np.ndarray:
    r""":math:`\arg\min_\theta \|A \theta - b\|^2 + r \|\theta\|^2` with every entry in [low, high], exactly.

    Args:
        a: ``(m, K)``.
        b: ``(m,)``.
        low, high: bounds.
        ridge: r, above 0, so that the solution is unique.
    """
    k = a.shape[1]
    rows = np.vstack([a, np.sqrt(ridge) * np.eye(k)])
    solution: np.ndarray = lsq_linear(rows, np.r_[b, np.zeros(k)], (low, high), method="bvls", max_iter=100 * k).x
    return solution
