"""Minimum class confusion."""

from __future__ import annotations

import torch
from torch import Tensor

from da.bounds import NonNegative, Positive
from da.divergences.precision import full_precision
from da.divergences.prediction import entropy
from da.search_space import log_uniform, uniform
from da.setting import Access
from da.terms.base import Embedded, Term


class MCC(Term):
    r"""Lower the confusion between classes in the predictions on the target.

    .. math:: \frac{1}{K} \sum_j \sum_{j' \ne j} \frac{C_{jj'}}{\sum_{j''} C_{jj''}}, \quad
       C_{jj'} = \sum_i w_i \, p_{ij} \, p_{ij'}, \quad p_i = \mathrm{softmax}(\mathrm{logits}_i / T), \quad
       w_i = 1 + e^{-H(p_i)}

    so that certain predictions count more. (The paper divides the weights by their mean, which cancels.)

    Args:
        weight: factor of the term.
        temperature: :math:`T`; larger ones count the less likely classes more.

    Reference: Jin, Wang, Long & Wang, Minimum class confusion for versatile domain adaptation, ECCV 2020, eq. 2 to 6.

    Deviates: the weights are detached from the gradient, as in the authors' code, of which the paper says nothing.
    """

    needs = Access(source_x=False, target_x=True)
    search_space = {"weight": log_uniform(1e-2, 1e1), "temperature": uniform(1.0, 4.0)}

    def __init__(self, *, weight: NonNegative = 1.0, temperature: Positive = 2.5):
        super().__init__(weight=weight)
        self.temperature = temperature

    def forward(self, source: Embedded, target: Embedded, progress: float) -> Tensor:
        return class_confusion(target.logits, self.temperature)


@full_precision
def class_confusion(logits: Tensor, temperature: float) -> Tensor:
    """Mean share of a class's predictions that go to others, in [0, 1 - 1/k], of ``(n, k)`` logits.

    >>> import torch
    >>> alike, apart = torch.zeros(4, 2), 50.0 * torch.eye(2)
    >>> [round(float(class_confusion(logits, 1.0)), 4) for logits in (alike, apart)]
    [0.5, 0.0]
    """
    p = (logits / temperature).softmax(1)
    certainty = (1.0 + (-entropy(logits / temperature)).exp()).detach()
    confusion = torch.einsum("i,ij,ik->jk", certainty, p, p)  # a common factor of all weights cancels in the next line
    share = confusion / confusion.sum(1, keepdim=True).clamp_min(1e-12)  # of classes never predicted
    return (share.sum() - share.trace()) / logits.shape[1]
