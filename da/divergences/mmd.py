"""Maximum mean discrepancy with a sum of Gaussian kernels."""

from __future__ import annotations

import torch
from torch import Tensor

from da.divergences.precision import full_precision


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """``(n, m)`` squared Euclidean distances between the rows of ``(n, d)`` and ``(m, d)``."""
    return (a.square().sum(1)[:, None] + b.square().sum(1)[None, :] - 2.0 * (a @ b.T)).clamp_min(0.0)


@full_precision
def mk_mmd(z_s: Tensor, z_t: Tensor, *, kernels: int = 5, bandwidth: float | None = None) -> Tensor:
    r"""Squared MMD of several kernels, biased (Gretton et al., JMLR 2012, eq. 5; Long et al., ICML 2015, eq. 1).

    .. math:: \frac1M \sum_m \Big\| \frac{1}{n_s} \sum_i \phi_m(z^s_i) - \frac{1}{n_t} \sum_j \phi_m(z^t_j) \Big\|^2,
       \qquad k_m(a, b) = \exp(-\|a - b\|^2 / \sigma_m)

    with bandwidths :math:`\sigma_m` doubling around the mean squared distance of the pooled sample.

    Args:
        z_s: ``(n_s, d)`` source features.
        z_t: ``(n_t, d)`` target features; ``n_t`` may differ from ``n_s``.
        kernels: number M of kernels.
        bandwidth: the middle bandwidth, in squared units of ``z``; None takes the mean squared distance between
            different samples, held constant in the gradient.

    Returns:
        A scalar, at least 0, and 0 for equal samples.

    Deviates: the kernels have equal weights; the paper learns them by a quadratic program.
    """
    z = torch.cat([z_s, z_t])
    n = len(z)
    z = z - z.detach().mean(0)  # an offset shared by all samples would cost digits in the distances
    distance = squared_distances(z, z)
    if bandwidth is None:
        sigma = (distance.detach().sum() / max(n * (n - 1), 1)).clamp_min(torch.finfo(z.dtype).tiny)
    else:
        sigma = torch.as_tensor(bandwidth, dtype=z.dtype, device=z.device)
    sign = torch.cat([z.new_full((len(z_s),), 1.0 / len(z_s)), z.new_full((len(z_t),), -1.0 / len(z_t))])
    # The widest kernel costs one exp; squaring it halves the bandwidth, so the others cost a product each.
    kernel = torch.exp(-distance / (sigma * 2.0 ** (kernels // 2)))
    total = kernel
    for _ in range(kernels - 1):
        kernel = kernel * kernel
        total = total + kernel
    return (sign @ total @ sign).clamp_min(0.0) / kernels
