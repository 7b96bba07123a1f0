"""Maximum mean discrepancy between a weighted source and the target."""

from __future__ import annotations

import torch
from torch import Tensor

from da.divergences.mmd import pooled_distances, unbiased
from da.divergences.precision import full_precision


@full_precision
def weighted_mmd(z_s: Tensor, z_t: Tensor, weight_s: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    r"""Unbiased squared MMD of weighted source and target (Gretton et al., JMLR 2012, eq. 3, with weights).

    It is :func:`~da.divergences.mmd.unbiased` of the kernel :math:`k(a, b) = e^{-\|a - b\|^2 / \sigma}`. The pairs of a
    sample with itself would favour equal weights, and with a narrow kernel they would be the only terms left.

    Args:
        z_s: ``(n_s, d)`` source samples, ``n_s >= 2``.
        z_t: ``(n_t, d)`` target samples, ``n_t >= 2``.
        weight_s: ``(n_s,)`` importance of each source sample, at least 0, of any sum.
        scale: :math:`\sigma` in units of the mean squared distance between different samples.

    Returns:
        A scalar, near 0 (also below) where the weighted source is distributed as the target.

    Raises:
        ValueError: a domain has a single sample; take larger batches.

    >>> z_s, z_t = torch.tensor([[0.0], [0.2], [5.0], [5.2]]), torch.tensor([[0.1], [0.3]])
    >>> near_target = weighted_mmd(z_s, z_t, torch.tensor([1.0, 1.0, 0.0, 0.0]))
    >>> bool(near_target < weighted_mmd(z_s, z_t, torch.ones(4)))
    True
    """
    distance, mean = pooled_distances(z_s, z_t)
    return unbiased(torch.exp(-distance / (mean * scale)), weight_s.to(distance.dtype))
