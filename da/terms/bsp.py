"""Batch spectral penalisation."""

from __future__ import annotations

import torch
from torch import Tensor

from da.bounds import Count, NonNegative
from da.divergences.precision import full_precision
from da.search_space import choice, log_uniform
from da.setting import Access
from da.terms.base import Embedded, Term


class BSP(Term):
    r"""Penalise the largest singular values of the features, so that adversarial training keeps what tells classes.

    .. math:: \sum_{i=1}^{k} \left( \sigma_i^2(Z^s) + \sigma_i^2(Z^t) \right)

    of the ``(n, d)`` features of a batch, one domain at a time.

    Args:
        weight: factor of the term; squared singular values grow with the batch and the width of the features.
        k: number of singular values that are penalised, from the largest.

    Reference: Chen, Wang, Long & Wang, Transferability vs. discriminability: batch spectral penalization for
    adversarial domain adaptation, ICML 2019, eq. 6.
    """

    needs = Access(target_x=True)
    search_space = {"weight": log_uniform(1e-6, 1e-2), "k": choice(1, 2, 4)}

    def __init__(self, *, weight: NonNegative = 1e-4, k: Count = 1):
        super().__init__(weight=weight)
        self.k = k

    def forward(self, source: Embedded, target: Embedded, progress: float) -> Tensor:
        return spectral_penalty(source.z, self.k) + spectral_penalty(target.z, self.k)


@full_precision
def spectral_penalty(z: Tensor, k: int) -> Tensor:
    """Sum of the squares of the ``k`` largest singular values of ``(n, d)`` features; of all, where there are fewer.

    >>> import torch
    >>> z = torch.diag(torch.tensor([3.0, 1.0, 2.0]))
    >>> [round(float(spectral_penalty(z, k)), 4) for k in (1, 2, 9)]
    [9.0, 13.0, 14.0]
    """
    return torch.linalg.svdvals(z)[:k].square().sum()
