"""Functions of predicted class probabilities: entropy and disagreement."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import log_softmax

from da.divergences.precision import full_precision


@full_precision
def entropy(logits: Tensor) -> Tensor:
    """``(n,)`` Shannon entropy in nats of the softmax of ``(n, k)`` logits.

    >>> import torch
    >>> [round(value, 4) for value in entropy(torch.tensor([[0.0, 0.0], [50.0, 0.0]])).tolist()]
    [0.6931, 0.0]
    """
    log_p = log_softmax(logits, dim=1)
    return -(log_p.exp() * log_p).sum(1)


@full_precision
def discrepancy(logits_a: Tensor, logits_b: Tensor) -> Tensor:
    """Mean absolute difference of two classifiers' probabilities, in [0, 2/k] (Saito et al., CVPR 2018, eq. 2).

    >>> import torch
    >>> certain = torch.tensor([[50.0, 0.0]])
    >>> [round(float(discrepancy(certain, other)), 4) for other in (certain, -certain)]
    [0.0, 1.0]
    """
    return (logits_a.softmax(1) - logits_b.softmax(1)).abs().mean()
