"""Loss of a domain discriminator, and conditioning of its input on class probabilities."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from da.divergences.precision import full_precision


@full_precision
def domain_confusion(
    d_s: Tensor, d_t: Tensor, weight_s: Tensor | None = None, weight_t: Tensor | None = None
) -> Tensor:
    r"""Binary cross-entropy of a discriminator of source (1) and target (0): the sum of the two domains' means.

    .. math:: -\mathbb{E}_s [\log D] - \mathbb{E}_t [\log (1 - D)]

    Args:
        d_s: ``(n_s,)`` or ``(n_s, 1)`` logits of "is source" on source samples.
        d_t: the same on target samples.
        weight_s: optional ``(n_s,)`` importance of each source sample, normalised inside.
        weight_t: the same for target samples.

    Returns:
        A scalar; :math:`2 \log 2` when the discriminator is at chance (many implementations halve it).

    >>> chance = domain_confusion(torch.zeros(4), torch.zeros(3))
    >>> round(float(chance), 4)
    1.3863
    """

    def side(logits: Tensor, label: float, weight: Tensor | None) -> Tensor:
        logits = logits.flatten()
        loss = binary_cross_entropy_with_logits(logits, torch.full_like(logits, label), reduction="none")
        return loss.mean() if weight is None else (weight * loss).sum() / weight.sum()

    return side(d_s, 1.0, weight_s) + side(d_t, 0.0, weight_t)


def multilinear_map(z: Tensor, probabilities: Tensor) -> Tensor:
    r"""Flattened :math:`z \otimes p` of ``(n, d)`` and ``(n, k)``: ``(n, d k)`` (Long et al., NeurIPS 2018, eq. 4).

    >>> multilinear_map(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.25, 0.75]])).tolist()
    [[0.25, 0.75, 0.5, 1.5]]
    """
    return torch.bmm(z.unsqueeze(2), probabilities.unsqueeze(1)).flatten(1)
