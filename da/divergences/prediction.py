"""Functions of predicted class probabilities: entropy and disagreement."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import log_softmax


def entropy(logits: Tensor) -> Tensor:
    """``(n,)`` Shannon entropy in nats of the softmax of ``(n, k)`` logits."""
    log_p = log_softmax(logits.float(), dim=1)
    return -(log_p.exp() * log_p).sum(1)


def discrepancy(logits_a: Tensor, logits_b: Tensor) -> Tensor:
    """Mean absolute difference of two classifiers' probabilities (Saito et al., CVPR 2018, eq. 2); a scalar in [0, 2/k]."""
    return (logits_a.float().softmax(1) - logits_b.float().softmax(1)).abs().mean()
