"""Importance-weighted adversarial nets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from da.bounds import Count, NonNegative
from da.divergences.adversarial import domain_confusion
from da.divergences.prediction import entropy
from da.domain import Batch
from da.estimators.sample_size import effective_sample_size
from da.methods.base import Method, Phase, Spec, Terms
from da.methods.inference import predict
from da.nn.grl import reverse_gradient
from da.nn.heads import Discriminator
from da.nn.networks import Output
from da.nn.statistics import frozen_statistics
from da.schedules import sigmoid_ramp
from da.search_space import log_uniform, uniform
from da.setting import ALL, Access


class IWAN(Method):
    r"""Align the target with the relevant part of the source by weighted adversarial training (partial adaptation).

    A first discriminator D, trained without effect on the features, weighs source samples; a second, :math:`D_0`,
    discriminates weighted source from target, and the features are trained against it by gradient reversal:

    .. math:: w(z) = \frac{1 - D(z)}{\mathbb{E}_s [1 - D(z)]}, \qquad
       \min_{F, C} \max_{D_0} \; \ell_{\text{task}} + \gamma \, \mathbb{E}_t [H(C(z))] + \lambda_p
       \big( \mathbb{E}_s [w(z) \log D_0(z)] + \mathbb{E}_t [\log (1 - D_0(z))] \big)

    Args:
        weight: :math:`\lambda`, the final strength of the reversed gradient, which is ramped up over progress; 1 is
            the paper's, and corresponds to 2 in implementations that halve the domain loss.
        entropy_weight: :math:`\gamma`, factor of the entropy of predictions on the target; 0 leaves it out.
        hidden: width of the two hidden layers of both discriminators.

    Reference: Zhang, Ding, Li & Ogunbona, Importance weighted adversarial nets for partial domain adaptation,
    CVPR 2018.

    Deviates: both domains share one encoder, trained with the classifier throughout; the paper trains it on the source
    first, then a copy for the target. The weights have mean 1 over the batch. The first discriminator is given features
    in training mode, but running statistics of batch normalisation are updated by the second forward of a step alone.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"weight": log_uniform(1e-2, 1e1), "entropy_weight": uniform(0.0, 1.0)}

    def __init__(self, *, weight: NonNegative = 1.0, entropy_weight: NonNegative = 0.1, hidden: Count = 256):
        super().__init__()
        self.weight, self.entropy_weight, self.hidden = weight, entropy_weight, hidden

    def build(self, spec: Spec) -> None:
        super().build(spec)
        self.weigher = Discriminator(self.network.features, self.hidden)
        self.discriminator = Discriminator(self.network.features, self.hidden)

    def groups(self) -> Mapping[str, Iterable[nn.Parameter]]:
        fought = [*self.network.parameters(), *self.discriminator.parameters()]
        return {"weigher": self.weigher.parameters(), "all": fought}

    def phases(self, progress: float) -> list[Phase]:
        return [Phase(self.weigh, groups=("weigher",)), Phase(self.align, groups=("all",))]

    def weights(self, z: Tensor) -> Tensor:
        """``(n,)`` weights of source features, with mean 1 and no gradient."""
        raw = self.likeness(z)
        return raw / raw.mean().clamp_min(1e-12)

    @torch.no_grad()
    def likeness(self, z: Tensor) -> Tensor:
        """``(n,)`` 1 - D: the first discriminator's probability that features are of the target."""
        return torch.sigmoid(-self.weigher(z).float())

    def weigh(self, batch: Batch, progress: float) -> Terms:
        """Terms of the first discriminator, on detached features."""
        with torch.no_grad(), frozen_statistics(self.network):
            source, target = self.embed_pair(batch)
        d_s, d_t = self.weigher(torch.cat([source.z, target.z])).split([len(source.z), len(target.z)])
        return {"weigher": domain_confusion(d_s, d_t)}

    def align(self, batch: Batch, progress: float) -> Terms:
        """Terms of the task, the target's entropy, and the second discriminator against the features."""
        source, target = self.embed_pair(batch)
        z = reverse_gradient(torch.cat([source.z, target.z]), self.weight * sigmoid_ramp(progress))
        d_s, d_t = self.discriminator(z).split([len(source.z), len(target.z)])
        terms = {
            "task": cross_entropy(source.logits, source.y),
            "domain": domain_confusion(d_s, d_t, self.weights(source.z)),
        }
        if self.entropy_weight:
            terms["entropy"] = self.entropy_weight * entropy(target.logits).mean()
        return terms

    def before_evaluation(self) -> None:
        raw, _ = predict(self, self.data.granted.source, self._liken)
        self.diagnostics = {"effective_sample_size": effective_sample_size(raw[:, 0])}

    def _liken(self, x: Tensor) -> Output:
        return Output(self.likeness(self.network.encoder(x))[:, None], x.flatten(1)[:, :1])
