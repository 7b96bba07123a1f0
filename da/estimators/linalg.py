"""Symmetric linear algebra for estimators, on NumPy arrays and tensors alike; never a general eigenproblem."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from torch import Tensor

from da.estimators.arrays import namespace

EPS = float(np.finfo(np.float64).eps)


def covariance(x: Any) -> Any:
    """``(d, d)`` sample covariance of ``(n, d)`` rows; zero for a single row."""
    xp = namespace(x)
    centred = x - xp.mean(x, axis=0)
    return centred.T @ centred / max(x.shape[0] - 1, 1)


def power(symmetric: Any, exponent: float, ridge: float = 0.0) -> Any:
    r""":math:`(A + r I)^p` of a positive semi-definite A; directions that are zero to rounding stay zero if p < 0."""
    xp = namespace(symmetric)
    values, vectors = xp.linalg.eigh(symmetric)
    lifted = xp.clip(values, 0.0) + ridge
    floor = EPS * max(float(xp.max(lifted)), float(np.finfo(np.float64).tiny)) * values.shape[0]
    kept = lifted > floor
    scaled = xp.where(kept, xp.where(kept, lifted, xp.ones_like(lifted)) ** exponent, xp.zeros_like(lifted))
    return (vectors * scaled) @ vectors.T


def leading(symmetric: Any, k: int) -> tuple[Any, Any]:
    """The ``k`` largest eigenvalues, descending, and their eigenvectors ``(n, k)``, with :func:`signed` columns."""
    n = symmetric.shape[0]
    k = min(k, n)
    if isinstance(symmetric, Tensor):
        values, vectors = namespace(symmetric).linalg.eigh(symmetric)
        values, vectors = values[n - k :], vectors[:, n - k :]
    else:
        try:
            values, vectors = scipy.linalg.eigh(symmetric, subset_by_index=[n - k, n - 1], check_finite=False)
        except np.linalg.LinAlgError:  # LAPACK's solver for a few pairs gives up on some matrices that all pairs suit
            values, vectors = (part[..., -k:] for part in scipy.linalg.eigh(symmetric, driver="ev", check_finite=False))
    xp = namespace(symmetric)
    return xp.flip(values), signed(xp.flip(vectors, axis=1))


def principal(centred: Any, k: int) -> Any:
    """``(d, k)`` leading right singular vectors of centred rows, exactly; by the smaller of the two Gram matrices.

    At most as many as there are directions with variance (at least one).
    """
    xp = namespace(centred)
    n, d = centred.shape
    if n >= d:
        values, vectors = leading(centred.T @ centred, k)
        kept = values > EPS * d * max(float(xp.max(values)), float(np.finfo(np.float64).tiny))
    else:
        _, values, rows = xp.linalg.svd(centred, full_matrices=False)
        values, vectors = values[:k], signed(rows[:k].T)
        kept = values > EPS * d * max(float(xp.max(values)), float(np.finfo(np.float64).tiny))
    size = max(int(xp.sum(xp.astype(kept, xp.int64))), 1)
    return vectors[:, :size]


def signed(vectors: Any) -> Any:
    """The same columns, each with the sign that makes its entry of largest size positive: a unique answer."""
    xp = namespace(vectors)
    if vectors.shape[0] == 0 or vectors.shape[1] == 0:
        return vectors
    peak = xp.argmax(xp.abs(vectors), axis=0)
    signs = xp.sign(vectors[peak, xp.arange(vectors.shape[1])])
    return vectors * xp.where(signs == 0, xp.ones_like(signs), signs)


def unit_rows(x: Any) -> Any:
    """Rows divided by their Euclidean norm; rows of zeros stay zero."""
    xp = namespace(x)
    norm = xp.sqrt(xp.sum(x * x, axis=1, keepdims=True))
    return x / xp.where(norm > 0, norm, xp.ones_like(norm))
