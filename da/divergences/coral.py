"""Distance between the covariances of two domains."""

from __future__ import annotations

from math import sqrt

from torch import Tensor

from da.divergences.precision import full_precision


@full_precision
def coral(z_s: Tensor, z_t: Tensor) -> Tensor:
    r"""Squared Frobenius distance between covariances (Sun & Saenko, ECCV-W 2016, eq. 1).

    .. math:: \frac{1}{4 d^2} \| C_s - C_t \|_F^2

    Costs :math:`O(n d^2)`, or :math:`O(n^2 d)` through Gram matrices when there are fewer samples than features.

    Args:
        z_s: ``(n_s, d)`` source features, ``n_s >= 2``.
        z_t: ``(n_t, d)`` target features, ``n_t >= 2``.

    Returns:
        A scalar, at least 0, and 0 for equal samples.

    Raises:
        ValueError: a domain has a single sample, so that its covariance is undefined; take larger batches.

    >>> import torch
    >>> z = torch.tensor([[-1.0], [1.0]])  # variance 2
    >>> round(float(coral(z, 2 * z)), 4)  # (2 - 8) ** 2 / 4
    9.0
    >>> round(float(coral(z, z + 5)), 4)  # means do not count
    0.0
    """
    n_s, n_t, d = len(z_s), len(z_t), z_s.shape[1]
    if min(n_s, n_t) < 2:
        raise ValueError(f"CORAL needs at least 2 samples of each domain, got {n_s} and {n_t}; take larger batches.")
    a = (z_s - z_s.mean(0)) / sqrt(n_s - 1)
    b = (z_t - z_t.mean(0)) / sqrt(n_t - 1)
    if n_s + n_t < d:  # |A'A - B'B|^2 = |AA'|^2 - 2 |AB'|^2 + |BB'|^2, never forming a d x d matrix
        squared = (a @ a.T).square().sum() - 2.0 * (a @ b.T).square().sum() + (b @ b.T).square().sum()
        return squared.clamp_min(0.0) / (4.0 * d * d)
    return (a.T @ a - b.T @ b).square().sum() / (4.0 * d * d)
