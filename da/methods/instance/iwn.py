"""Importance weighting network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from da.bounds import Count
from da.divergences.weighted_mmd import weighted_mmd
from da.domain import Batch
from da.estimators.sample_size import effective_sample_size
from da.methods.base import Method, Phase, Spec, Terms
from da.methods.inference import predict
from da.nn.grl import reverse_gradient
from da.nn.heads import Discriminator
from da.nn.networks import Output
from da.search_space import choice
from da.setting import ALL, Access

ONE = 0.5413248546129181  # its softplus is 1


class IWN(Method):
    r"""Learn source weights with a network that matches the target's kernel mean.

    .. math:: \min_W \max_\sigma \Big\| \frac{\sum_i W(x^s_i) \, \phi_\sigma(x^s_i)}{\sum_i W(x^s_i)} -
       \frac{1}{n_t} \sum_j \phi_\sigma(x^t_j) \Big\|^2, \qquad
       \min_\theta \frac{\sum_i W(x^s_i) \, \ell(x^s_i, y_i; \theta)}{\sum_i W(x^s_i)}

    over batches: kernel mean matching at a cost that grows linearly with the number of samples (:math:`O(B^2 d)` a
    step for batches of B). The effective sample size of all source samples is recorded.

    Args:
        hidden: width of the two hidden layers of W, whose input is the flattened x.
        weigher_steps: updates of W a step.
        sharpen: maximise the distance over the kernel's bandwidth; false keeps the bandwidth at the mean squared
            distance in a batch.

    Reference: de Mathelin, Deheeger, Mougeot & Vayatis, Fast and accurate importance weighting for correcting sample
    bias, ECML-PKDD 2022.

    Deviates: the MMD is unbiased (the authors' code uses the biased one, under which a bandwidth fitted for long
    shrinks, and weights become equal); W ends in a softplus initialised to 1 (there: the absolute value, pretrained
    to 1); the task is learnt together with the weights, not after them.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"weigher_steps": choice(1, 2, 4), "sharpen": choice(False, True)}
    corrects = ("covariate",)

    def __init__(self, *, hidden: Count = 64, weigher_steps: Count = 4, sharpen: bool = True):
        super().__init__()
        self.hidden, self.weigher_steps, self.sharpen = hidden, weigher_steps, sharpen

    def build(self, spec: Spec) -> None:
        super().build(spec)
        self.weigher = Discriminator(int(np.prod(spec.shape)), self.hidden)
        last: Any = self.weigher[-1]
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, ONE)
        self.log_scale = nn.Parameter(torch.zeros(()))

    def groups(self) -> Mapping[str, Iterable[nn.Parameter]]:
        return {"weigher": [*self.weigher.parameters(), self.log_scale], "network": self.network.parameters()}

    def phases(self, progress: float) -> list[Phase]:
        return [
            Phase(self.match, groups=("weigher",), repeat=self.weigher_steps),
            Phase(self.fit_source, groups=("network",)),
        ]

    def weights(self, x: Tensor) -> Tensor:
        """``(n,)`` positive weights of source inputs, not normalised."""
        return softplus(self.weigher(x.flatten(1)).float())

    def match(self, batch: Batch, progress: float) -> Terms:
        """The MMD that the weights minimise and the bandwidth maximises."""
        x_s, x_t = self.gather(batch.source.x), self.gather(batch.target.x)
        scale = reverse_gradient(self.log_scale).exp() if self.sharpen else 1.0
        return {"match": weighted_mmd(x_s.flatten(1), x_t.flatten(1), self.weights(x_s), scale)}

    def fit_source(self, batch: Batch, progress: float) -> Terms:
        """The task loss on weighted source samples."""
        source = self.embed(batch.source)
        weight = self.weights(self.gather(batch.source.x)).detach()
        loss = cross_entropy(source.logits, source.y, reduction="none")
        return {"task": (weight * loss).sum() / weight.sum()}

    def before_evaluation(self) -> None:
        weights, _ = predict(
            self, self.data.granted.source, lambda x: Output(self.weights(x)[:, None], x.flatten(1)[:, :1])
        )
        self.diagnostics = {"effective_sample_size": effective_sample_size(weights[:, 0])}
