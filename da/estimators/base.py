"""The contract of a closed-form estimator.

An estimator states ``needs``, keeps hyper-parameters as they were given (scikit-learn's ``clone`` and ``set_params``
work), and implements :meth:`Estimator.fit`. What it learns decides what it is: a :class:`Weighting` leaves
``weights_``, a :class:`Mapping` implements ``transform``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import has_fit_parameter

from da.domain import Domain
from da.errors import DataError, UsageError
from da.setting import Access
from da.space import Space

DENSE_LIMIT = 400_000_000


class Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """What all closed-form estimators share."""

    needs: ClassVar[Access]
    space: ClassVar[Space] = {}

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn from a source and a target; nothing beyond ``needs`` is touched."""
        raise NotImplementedError


class Weighting(Estimator):
    """Learns ``weights_``: ``(n_s,)``, at least 0, with mean 1; the source so weighted resembles the target."""

    weights_: np.ndarray

    def _set_weights(self, raw: np.ndarray) -> None:
        raw = np.maximum(np.asarray(raw, dtype=np.float64), 0.0)
        if not np.isfinite(raw).all() or raw.sum() <= 0.0:
            raise DataError(
                f"{type(self).__name__} found no finite positive weight: source and target do not overlap under its "
                "kernel or model; widen the bandwidth, regularise more, or standardize the features."
            )
        self.weights_ = raw * (len(raw) / raw.sum())

    @property
    def effective_sample_size_(self) -> float:
        r"""Kish's :math:`(\sum w)^2 / \sum w^2`, in samples: at most ``n_s``, and near 1 for a degenerate weighting."""
        return float(self.weights_.sum() ** 2 / np.square(self.weights_).sum())


class Mapping(Estimator):
    """Learns to bring both domains into one space."""

    def transform(self, x: Any, *, domain: str = "target") -> np.ndarray:
        """Map ``(n, d)`` inputs of the ``source`` or the ``target`` to ``(n, d')``."""
        raise NotImplementedError


def adapted(estimator: Estimator | None, x: np.ndarray, domain: str) -> np.ndarray:
    """Inputs as an estimator leaves them: mapped, or as they are."""
    return estimator.transform(x, domain=domain) if isinstance(estimator, Mapping) else x


def fit_classifier(classifier: Any, estimator: Estimator | None, x: np.ndarray, y: Any) -> None:
    """Train a scikit-learn classifier on a source as an estimator adapted it: mapped, weighted, or as it is.

    Raises:
        UsageError: the estimator weighs samples, and the classifier takes no weights.
    """
    weights = {}
    if isinstance(estimator, Weighting):
        if not has_fit_parameter(classifier, "sample_weight"):
            raise UsageError(
                f"{type(estimator).__name__} weighs samples, and {type(classifier).__name__} takes no weights; "
                "use a classifier that does, such as logistic."
            )
        weights = {"sample_weight": estimator.weights_}
    classifier.fit(adapted(estimator, x, "source"), y, **weights)


def matrix(x: Any) -> np.ndarray:
    """Inputs as a dense ``(n, d)`` float64 array of their own; images are flattened, ``uint8`` is scaled to [0, 1].

    Raises:
        DataError: a sparse input would not fit in memory when dense.
    """
    if sparse.issparse(x):
        if np.prod(x.shape, dtype=np.int64) > DENSE_LIMIT:
            raise DataError(f"A sparse input of shape {x.shape} is too large to be made dense; select features first.")
        x = x.toarray()
    x = np.asarray(x)
    scale = 255.0 if x.dtype == np.uint8 else 1.0
    return np.array(x.reshape(len(x), -1), dtype=np.float64) / scale


def matched(source: Domain, target: Domain) -> tuple[np.ndarray, np.ndarray]:
    """Both inputs as matrices with the same number of columns.

    Raises:
        DataError: the numbers differ.
    """
    x_s, x_t = matrix(source.x), matrix(target.x)
    if x_s.shape[1] != x_t.shape[1]:
        raise DataError(
            f"Source inputs have {x_s.shape[1]} features and target inputs {x_t.shape[1]}; "
            "bring them to one space, or use a heterogeneous method."
        )
    return x_s, x_t
