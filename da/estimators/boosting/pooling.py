"""Functions shared by boosting methods: pool labelled samples, weight them, and train learners."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.arrays import rows
from da.estimators.base import labels_of

LEAST = 1e-12


def pooled(source: Domain, labelled: Domain) -> tuple[Any, np.ndarray, int]:
    """``(n + m, d)`` inputs, source first, sparse if both are, their labels, and the number n of source samples.

    Raises:
        DataError: a domain is empty or unlabelled, or the numbers of features differ.
    """
    parts = [rows(source.x), rows(labelled.x)]
    for part, name in zip(parts, ("source", "labelled target"), strict=True):
        if part.shape[0] == 0:
            raise DataError(f"The {name} is empty; boosting needs samples of both domains.")
    if parts[0].shape[1] != parts[1].shape[1]:
        raise DataError(
            f"Source inputs have {parts[0].shape[1]} features and labelled target inputs {parts[1].shape[1]}; "
            "bring them to one space."
        )
    y = np.concatenate([labels_of(source), labels_of(labelled, "labelled target")])
    thin = all(map(sparse.issparse, parts))
    x = (
        sparse.vstack(parts, format="csr")
        if thin
        else np.vstack([p.toarray() if sparse.issparse(p) else p for p in parts])
    )
    return x, y, parts[0].shape[0]


def check_learner(learner: Any, method: str) -> None:
    """Refuse a learner that takes no sample weights.

    Raises:
        UsageError: ``fit`` of the learner takes no ``sample_weight``; use one that does, such as ``logistic``.
    """
    if not has_fit_parameter(learner, "sample_weight"):
        raise UsageError(
            f"{method} weighs samples, and {type(learner).__name__} takes no weights; use one that does, such as "
            "logistic."
        )


def normalized(weights: np.ndarray) -> np.ndarray:
    """Scale weights to mean 1, with a minimum of 1e-12: negligible for a learner, but not zero."""
    scaled = weights / weights.max()
    return np.maximum(scaled / scaled.mean(), LEAST)


def trained(learner: Any, x: Any, y: np.ndarray, weights: np.ndarray, rng: np.random.Generator | None) -> Any:
    """Train a new copy of a regressor on samples drawn by their weights, or, without ``rng``, on weighted samples."""
    if rng is None:
        return clone(learner).fit(x, y, sample_weight=weights)
    drawn = rng.choice(len(y), size=len(y), p=weights / weights.sum())
    return clone(learner).fit(x[drawn], y[drawn])


def adjusted(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """``(n,)`` absolute errors divided by the largest among samples of non-negligible weight; at most 1."""
    error = np.abs(y - predicted)
    largest = error.max() if weights is None else error[weights > LEAST * weights.max()].max()
    return np.minimum(error / largest, 1.0) if largest > 0.0 else np.zeros_like(error)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``(n,)`` weighted medians of ``(N, n)`` values: the least with at least half the ``(N,)`` weights at or below."""
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0)
    place = (reached >= 0.5 * reached[-1]).argmax(0)
    picked = order[place, np.arange(values.shape[1])]
    median: np.ndarray = values[picked, np.arange(values.shape[1])]
    return median
