"""Correlation alignment."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from da.domain import Domain
from da.estimators.base import Mapping, matched, matrix
from da.setting import ALL, Access
from da.space import log_uniform


class CORAL(Mapping):
    r"""Whiten the source and recolour it with the target's covariance.

    .. math:: A = (C_s + r I)^{-1/2} (C_t + r I)^{1/2}, \qquad X_s \mapsto X_s A

    Costs :math:`O((n_s + n_t) d^2 + d^3)`.

    Args:
        regularization: r, added to the diagonal of both covariances.

    Reference: Sun, Feng & Saenko, Return of frustratingly easy domain adaptation, AAAI 2016, algorithm 1.
    """

    needs = Access(source_y=ALL, target_x=True)
    space = {"regularization": log_uniform(1e-3, 1e2)}

    def __init__(self, *, regularization: float = 1.0):
        self.regularization = regularization

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``map_``, the ``(d, d)`` matrix A."""
        x_s, x_t = matched(source, target)
        self.map_ = _power(_covariance(x_s), self.regularization, -0.5) @ _power(
            _covariance(x_t), self.regularization, 0.5
        )
        return self

    def transform(self, x: Any, *, domain: str = "target") -> np.ndarray:
        x = matrix(x)
        return x @ self.map_ if domain == "source" else x


def _covariance(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(0)
    return centred.T @ centred / max(len(x) - 1, 1)


def _power(covariance: np.ndarray, regularization: float, exponent: float) -> np.ndarray:
    """A power of the regularised covariance; directions without variance keep the regularisation's."""
    values, vectors = np.linalg.eigh(covariance)
    lifted = np.maximum(values, 0.0) + regularization
    floor = np.finfo(float).eps * max(lifted.max(), np.finfo(float).tiny) * len(values)
    scaled = np.where(lifted > floor, np.maximum(lifted, floor) ** exponent, 0.0)
    return (vectors * scaled) @ vectors.T
