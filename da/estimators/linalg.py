"""Symmetric linear algebra for estimators, on NumPy arrays and tensors alike; never a general eigenproblem."""

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
    kept = lifted > floor
    scaled = xp.where(kept, xp.where(kept, lifted, xp.ones_like(lifted)) ** exponent, xp.zeros_like(lifted))
    return (vectors * scaled) @ vectors.T


class LowRank(NamedTuple):
    r"""The symmetric matrix :math:`c I + B M B^\top`, of which no ``(d, d)`` array is made.

    Args:
        scale: c.
        basis: ``(d, m)`` B, orthonormal.
        change: ``(m, m)`` M, or the ``(m,)`` diagonal of it.
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
    """``(n, d)`` rows times a ``(d, d)`` matrix, of low rank or not."""
    return matrix.right_of(x) if isinstance(matrix, LowRank) else x @ like(matrix, x)


def covariance_power(x: Any, exponent: float, ridge: float) -> LowRank:
    r""":math:`(C + r I)^p` of the sample covariance of fewer rows than features, by their products with one another.

    .. math:: (C + r I)^p = r^p I + \sum_i \big( (s_i + r)^p - r^p \big) u_i u_i^\top

    Costs :math:`O(n^2 d + n^3)`. As :func:`power`, it leaves directions at 0 that are 0 to rounding if p < 0.
    """
    xp = namespace(x)
    n, d = x.shape
    centred = (x - xp.mean(x, axis=0)) / max(n - 1, 1) ** 0.5
    _, roots, rows = xp.linalg.svd(centred, full_matrices=False)
    values = roots * roots
    floor = EPS * d * max(float(xp.max(values)) + ridge, float(np.finfo(np.float64).tiny))
    rest = ridge**exponent if ridge > floor or (exponent > 0.0 and ridge > 0.0) else 0.0
    kept = values + ridge > floor
    lifted = xp.where(kept, values + ridge, xp.ones_like(values)) ** exponent
    return LowRank(rest, rows.T, xp.where(kept, lifted, xp.zeros_like(values)) - rest)


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
        except np.linalg.LinAlgError:  # LAPACK's solver for a few pairs gives up on some matrices that all pairs suit
            values, vectors = (part[..., -k:] for part in scipy.linalg.eigh(symmetric, driver="ev", check_finite=False))
    xp = namespace(symmetric)
    return xp.flip(values), signed(xp.flip(vectors, axis=1))


def leading_few(symmetric: Any, k: int) -> tuple[Any, Any]:
    """What :func:`leading` finds, by Lanczos where k is small: products with the matrix take the place of reducing it.

    One start finds a value that stands there twice only by rounding, and nothing of a null space: where a value that it
    left out may be above the least one found, or that one is rounding, all is decomposed after all.
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
    """``(d, k)`` leading right singular vectors of centred rows, exactly; by the smaller of the two Gram matrices.

    At most as many as there are directions with variance (at least one).
    """
    xp = namespace(centred)
    n, d = centred.shape
    if n >= d:
        values, vectors = leading_few(centred.T @ centred, k)
        kept = values > EPS * d * max(float(xp.max(values)), float(np.finfo(np.float64).tiny))
    elif (few := _principal_of_few(centred, k)) is not None:
        return few
    else:
        _, values, rows = xp.linalg.svd(centred, full_matrices=False)
        values, vectors = values[:k], signed(rows[:k].T)
        kept = values > EPS * d * max(float(xp.max(values)), float(np.finfo(np.float64).tiny))
    size = max(int(xp.sum(xp.astype(kept, xp.int64))), 1)
    return vectors[:, :size]


def _principal_of_few(centred: Any, k: int) -> Any:
    """The same of few rows with many features by their products, for directions of which squares keep enough digits.

    None where one of them has less than 1e-3 of the largest deviation: its squares are rounded too much.
    """
    xp = namespace(centred)
    if 2 * k > centred.shape[0]:
        return None
    values, left = leading_few(centred @ centred.T, k)
    if float(values[-1]) <= 1e-6 * float(values[0]):
        return None
    orthonormal, _ = xp.linalg.qr(centred.T @ left)  # columns are orthogonal but for rounding, which this mends
    inner = centred @ orthonormal
    return signed(orthonormal @ leading(inner.T @ inner, k)[1])


def definite_solution(a: Any, b: Any) -> Any:
    """``(n,)`` x with A x = b for a positive definite A, by Cholesky; None where rounding leaves A without a factor."""
    if is_tensor(a):
        import torch

        factor, failed = torch.linalg.cholesky_ex(a)
        return None if int(failed) else torch.cholesky_solve(b[:, None], factor)[:, 0]
    try:
        return scipy.linalg.cho_solve(scipy.linalg.cho_factor(a, check_finite=False), b, check_finite=False)
    except np.linalg.LinAlgError:
        return None


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
