"""Soft transfer network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize, one_hot

from da.bounds import NonNegative
from da.divergences.soft_mmd import soft_mmd
from da.domain import Batch
from da.errors import ConfigError
from da.methods.base import Method, Spec, Terms
from da.nn.networks import Output
from da.search_space import log_uniform
from da.setting import ALL, DIFFERENT, FEW, Access


class SoftTransfer(Method):
    r"""Map inputs of different kinds into one space by two encoders, aligned by class with soft target labels.

    .. math:: \frac{1}{n_s + n_l} \Big( \sum_s \ell + \sum_l \ell \Big) + \beta \Big( \| \bar z^s - \bar z^t \|^2
       + \sum_c \Big\| \bar z^s_c - \frac{\sum_{l : y_l = c} z^l + p \sum_u p_{uc} z^u}{n_{lc} + p \sum_u p_{uc}}
       \Big\|^2 \Big), \qquad \|z\| = 1

    for source s, labelled target l and unlabelled target u, whose predicted probabilities :math:`p_{uc}` are weighted
    by the progress p of training. The gradient passes through the predictions.

    Args:
        weight: :math:`\beta`, factor of the alignment term.

    Raises:
        ConfigError: (``build``) the two encoders end in different numbers of features; set ``network.features``.

    Reference: Yao et al., Heterogeneous domain adaptation via soft transfer network, ACM MM 2019, eq. 1 to 8.

    Deviates: mini-batches instead of full batches, so that classes absent from one of them do not count; a linear
    classifier and the encoders of ``network``, where the authors' code has leaky ReLUs, also after the classifier;
    weight decay is the optimiser's (theirs is 0.001). The equation numbers are quoted from memory.
    """

    needs = Access(source_y=ALL, target_x=True, target_y=FEW, spaces=DIFFERENT)
    search_space = {"weight": log_uniform(1e-4, 1.0)}

    def __init__(self, *, weight: NonNegative = 0.001):
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

    def embed_source(self, x: Tensor) -> Tensor:
        """Source features of unit length."""
        return normalize(self.source_encoder(x))

    def embed_target(self, x: Tensor) -> Tensor:
        """Target features of unit length."""
        return normalize(self.network.encoder(x))

    def terms(self, batch: Batch, progress: float) -> Terms:
        source = self.embed(batch.source, encoder=self.embed_source)
        labelled = self.embed(batch.labelled, encoder=self.embed_target)
        target = self.embed(batch.target, encoder=self.embed_target)
        guess = progress * target.logits.softmax(1)
        align = soft_mmd(
            source.z,
            one_hot(source.y, self.n_classes).to(source.z.dtype),
            torch.cat([labelled.z, target.z]),
            torch.cat([one_hot(labelled.y, self.n_classes).to(guess.dtype), guess]),
        )
        task = cross_entropy(torch.cat([source.logits, labelled.logits]), torch.cat([source.y, labelled.y]))
        return {"task": task, "align": self.weight * align}

    def forward(self, x: Tensor) -> Output:
        z = self.embed_target(x)
        return Output(z, self.network.head(z))

    def forward_source(self, x: Tensor) -> Output:
        z = self.embed_source(x)
        return Output(z, self.network.head(z))
