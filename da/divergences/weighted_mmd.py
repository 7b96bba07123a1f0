"""Maximum mean discrepancy of a weighted source."""

from __future__ import annotations

import torch
from torch import Tensor

from da.divergences.mmd import pooled_distances, unbiased
from da.divergences.precision import full_precision


@full_precision
def weighted_mmd(z_s: Tensor, z_t: Tensor, weight_s: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    r"""Squared MMD of the weighted source and the target, unbiased (Gretton et al., JMLR 2012, eq. 3, with weights).

    It is :func:`~da.divergences.mmd.unbiased` of the kernel :math:`k(a, b) = e^{-\|a - b\|^2 / \sigma}`. The pairs of a
    sample with itself would favour equal weights, and for a narrow kernel are all there is.

    Args:
        z_s: ``(n_s, d)`` source samples, ``n_s >= 2``.
        z_t: ``(n_t, d)`` target samples, ``n_t >= 2``.
        weight_s: ``(n_s,)`` importance of each source sample, at least 0, of any sum.
        scale: :math:`\sigma` in units of the mean squared distance between different samples.

    Returns:
        A scalar, near 0 (also below) where the weighted source is distributed as the target.

    Raises:
        ValueError: a domain has a single sample.
    """
    distance, mean = pooled_distances(z_s, z_t)
    return unbiased(torch.exp(-distance / (mean * scale)), weight_s.to(distance.dtype))
