"""Symmetric linear algebra for estimators, on NumPy arrays and tensors; no general eigenproblem is ever solved."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from da.estimators.arrays import is_tensor, like, namespace

EPS = float(np.finfo(np.float64).eps)
PROBES = 10


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
    nonzero = lifted > floor
    scaled = xp.where(nonzero, xp.where(nonzero, lifted, xp.ones_like(lifted)) ** exponent, xp.zeros_like(lifted))
    return (vectors * scaled) @ vectors.T


class LowRank(NamedTuple):
    r"""The symmetric matrix :math:`c I + B M B^\top`, stored without a ``(d, d)`` array.

    Args:
        scale: c.
        basis: ``(d, m)`` B, orthonormal.
        change: ``(m, m)`` M, or its ``(m,)`` diagonal.
    """

    scale: float
    basis: Any
    change: Any

    def right_of(self, x: Any) -> Any:
        """``(n, d)`` rows times the matrix."""
        inner = x @ like(self.basis, x)
        change = like(self.change, x)
        return self.scale * x + (inner * change if change.ndim == 1 else inner @ change) @ like(self.basis, x).T


def times(x: Any, matrix: Any) -> Any:
    """``(n, d)`` rows times a ``(d, d)`` matrix, which may be a :class:`LowRank`."""
    return matrix.right_of(x) if isinstance(matrix, LowRank) else x @ like(matrix, x)


def covariance_power(x: Any, exponent: float, ridge: float) -> LowRank:
    r""":math:`(C + r I)^p` of the sample covariance of fewer rows than features, from the rows' Gram matrix.

    .. math:: (C + r I)^p = r^p I + \sum_i \big( (s_i + r)^p - r^p \big) u_i u_i^\top

    Costs :math:`O(n^2 d + n^3)`. As in :func:`power`, directions that are zero to rounding stay zero if p < 0.
    """
    xp = namespace(x)
    n, d = x.shape
    centred = (x - xp.mean(x, axis=0)) / max(n - 1, 1) ** 0.5
    _, roots, rows = xp.linalg.svd(centred, full_matrices=False)
    values = roots * roots
    floor = EPS * d * max(float(xp.max(values)) + ridge, float(np.finfo(np.float64).tiny))
    rest = ridge**exponent if ridge > floor or (exponent > 0.0 and ridge > 0.0) else 0.0
    nonzero = values + ridge > floor
    lifted = xp.where(nonzero, values + ridge, xp.ones_like(values)) ** exponent
    return LowRank(rest, rows.T, xp.where(nonzero, lifted, xp.zeros_like(values)) - rest)


def leading(symmetric: Any, k: int) -> tuple[Any, Any]:
    """The ``k`` largest eigenvalues, descending, and their eigenvectors ``(n, k)``, with :func:`signed` columns."""
    n = symmetric.shape[0]
    k = min(k, n)
    if is_tensor(symmetric):
        values, vectors = namespace(symmetric).linalg.eigh(symmetric)
        values, vectors = values[n - k :], vectors[:, n - k :]
    else:
        try:
            values, vectors = scipy.linalg.eigh(symmetric, subset_by_index=[n - k, n - 1], check_finite=False)
        except np.linalg.LinAlgError:  # LAPACK's solver for a few pairs fails on some matrices that the full one solves
            values, vectors = (part[..., -k:] for part in scipy.linalg.eigh(symmetric, driver="ev", check_finite=False))
    xp = namespace(symmetric)
    return xp.flip(values), signed(xp.flip(vectors, axis=1))


def leading_few(symmetric: Any, k: int) -> tuple[Any, Any]:
    """The result of :func:`leading`, computed by Lanczos where k is small, from products with the matrix only.

    From a single start vector, Lanczos finds a repeated eigenvalue only by rounding, and nothing of a null space: where
    an eigenvalue that it missed may exceed the least one found, or that one is rounding, all are computed.
    """
    n = symmetric.shape[0]
    if is_tensor(symmetric) or n < 200 or 10 * k > n:
        return leading(symmetric, k)
    start = np.random.default_rng(0).normal(size=n)
    try:
        values, vectors = scipy.sparse.linalg.eigsh(symmetric, k, v0=start)
    except scipy.sparse.linalg.ArpackError:
        return leading(symmetric, k)
    rest, most = np.random.default_rng(1).normal(size=n), 0.0
    for _ in range(PROBES):
        rest = rest - vectors @ (vectors.T @ rest)
        rest /= max(float(np.linalg.norm(rest)), float(np.finfo(np.float64).tiny))
        image = symmetric @ rest
        most, rest = max(most, float(rest @ image)), image
    if values[0] <= 1e-8 * values[-1] or most > values[0] * (1.0 - 1e-8):
        return leading(symmetric, k)
    return values[::-1], signed(vectors[:, ::-1])


def principal(centred: Any, k: int) -> Any:
    """``(d, k)`` leading right singular vectors of centred rows, exact, from the smaller of the two Gram matrices.

    At most as many as there are directions with variance (at least one).
    """
    xp = namespace(centred)
    n, d = centred.shape
    if n >= d:
        values, vectors = leading_few(centred.T @ centred, k)
        nonzero = values > EPS * d * max(float(xp.max(values)), float(np.finfo(np.float64).tiny))
    elif (few := _principal_of_few(centred, k)) is not None:
        return few
    else:
        _, values, rows = xp.linalg.svd(centred, full_matrices=False)
        values, vectors = values[:k], signed(rows[:k].T)
        nonzero = values > EPS * d * max(float(xp.max(values)), float(np.finfo(np.float64).tiny))
    size = max(int(xp.sum(xp.astype(nonzero, xp.int64))), 1)
    return vectors[:, :size]


def _principal_of_few(centred: Any, k: int) -> Any:
    """:func:`principal` for fewer rows than features by the rows' Gram matrix, where squares keep enough digits.

    None where a direction has less than 1e-3 of the largest standard deviation, as its square is rounded too much.
    """
    xp = namespace(centred)
    if 2 * k > centred.shape[0]:
        return None
    values, left = leading_few(centred @ centred.T, k)
    if float(values[-1]) <= 1e-6 * float(values[0]):
        return None
    orthonormal, _ = xp.linalg.qr(centred.T @ left)  # columns are orthogonal up to rounding, which this corrects
    inner = centred @ orthonormal
    return signed(orthonormal @ leading(inner.T @ inner, k)[1])


def definite_solution(a: Any, b: Any) -> Any:
    """``(n,)`` x with A x = b for a positive definite A, by Cholesky; None if A is not so because of rounding."""
    if is_tensor(a):
        import torch

        factor, failed = torch.linalg.cholesky_ex(a)
        return None if int(failed) else torch.cholesky_solve(b[:, None], factor)[:, 0]
    try:
        return scipy.linalg.cho_solve(scipy.linalg.cho_factor(a, check_finite=False), b, check_finite=False)
    except np.linalg.LinAlgError:
        return None


def signed(vectors: Any) -> Any:
    """Flip the sign of each column so that its entry of largest magnitude is positive, which makes columns unique."""
    xp = namespace(vectors)
    if vectors.shape[0] == 0 or vectors.shape[1] == 0:
        return vectors
    peak = xp.argmax(xp.abs(vectors), axis=0)
    signs = xp.sign(vectors[peak, xp.arange(vectors.shape[1])])
    return vectors * xp.where(signs == 0, xp.ones_like(signs), signs)


def unit_rows(x: Any) -> Any:
    """Divide rows by their Euclidean norm; rows of zeros stay zero."""
    xp = namespace(x)
    norm = xp.sqrt(xp.sum(x * x, axis=1, keepdims=True))
    return x / xp.where(norm > 0, norm, xp.ones_like(norm))
