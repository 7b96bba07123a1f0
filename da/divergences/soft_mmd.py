"""Discrepancy of marginal and class-conditional means with soft labels."""

from __future__ import annotations

from torch import Tensor

from da.divergences.precision import full_precision


def class_means(z: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
    """``(k, d)`` weighted class means of ``(n, d)`` features and ``(k,)`` total memberships of ``(n, k)`` weights."""
    mass = membership.sum(0)
    return (membership.T @ z) / mass.clamp_min(1e-8)[:, None], mass


@full_precision
def soft_mmd(z_s: Tensor, membership_s: Tensor, z_t: Tensor, membership_t: Tensor) -> Tensor:
    r"""Linear-kernel MMD of the marginals plus that of every class (Yao et al., ACM MM 2019, eq. 5 to 7).

    .. math:: \| \bar z^s - \bar z^t \|^2 + \sum_{c \in K} \| \bar z^s_c - \bar z^t_c \|^2

    Args:
        z_s: ``(n_s, d)`` source features.
        membership_s: ``(n_s, k)`` class memberships, one-hot for labelled samples.
        z_t: ``(n_t, d)`` target features.
        membership_t: ``(n_t, k)`` memberships, one-hot or (down-weighted) predicted probabilities.

    Returns:
        A scalar, at least 0; classes absent from either side do not count.

    >>> import torch
    >>> z, one_hot = torch.tensor([[0.0], [2.0]]), torch.eye(2)
    >>> round(float(soft_mmd(z, one_hot, z + 1, one_hot)), 4)  # 1 for the marginals and for each of 2 classes
    3.0
    """
    mean_s, mass_s = class_means(z_s, membership_s)
    mean_t, mass_t = class_means(z_t, membership_t)
    present = ((mass_s > 1e-6) & (mass_t > 1e-6)).to(z_s.dtype)
    by_class = (mean_s - mean_t).square().sum(1)
    return (z_s.mean(0) - z_t.mean(0)).square().sum() + (present * by_class).sum()
