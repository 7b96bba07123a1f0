"""Conditional domain-adversarial training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from da.bounds import Count, NonNegative
from da.divergences.adversarial import domain_confusion, multilinear_map
from da.divergences.prediction import entropy
from da.domain import Batch
from da.methods.base import Embedded, Method, Spec, Terms
from da.nn.grl import reverse_gradient
from da.nn.heads import Discriminator, RandomMap
from da.schedules import sigmoid_ramp
from da.search_space import log_uniform
from da.setting import ALL, Access


class CDAN(Method):
    r"""Condition the domain discriminator on the classifier's predictions by a multilinear map.

    .. math:: \min_{F, G} \max_D \; \ell_{\text{task}} - \lambda_p \, \ell_{\text{domain}}, \quad
       \ell_{\text{domain}} = -\frac{\sum_s w \log D(z \otimes p)}{\sum_s w}
       - \frac{\sum_t w \log (1 - D(z \otimes p))}{\sum_t w}, \quad w = 1 + e^{-H(p)} \text{ (CDAN+E)}

    Args:
        weight: :math:`\lambda`, final strength of the reversed gradient, which is ramped up over progress; 1 is the
            paper's, and corresponds to 2 in implementations that halve the domain loss.
        hidden: width of the discriminator's two hidden layers.
        entropy_conditioning: weigh samples by the certainty of their prediction (CDAN+E).
        map_limit: width of :math:`z \otimes p` above which a random map of this width replaces it.

    Reference: Long et al., Conditional adversarial domain adaptation, NeurIPS 2018, eq. 2 to 8.

    Deviates: predictions and entropy weights are detached from the gradient, as in the common implementations, so that
    it reaches the encoder through the features alone.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"weight": log_uniform(1e-2, 1e1)}

    def __init__(
        self,
        *,
        weight: NonNegative = 1.0,
        hidden: Count = 256,
        entropy_conditioning: bool = True,
        map_limit: Count = 4096,
    ):
        super().__init__()
        self.weight, self.hidden = weight, hidden
        self.entropy_conditioning, self.map_limit = entropy_conditioning, map_limit

    def build(self, spec: Spec) -> None:
        super().build(spec)
        size = self.network.features * spec.n_classes
        if size > self.map_limit:
            size = self.map_limit
            self.random_map = RandomMap(self.network.features, spec.n_classes, size)
        self.discriminator = Discriminator(size, self.hidden)

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        strength = self.weight * sigmoid_ramp(progress)
        inputs = torch.cat([self.condition(source), self.condition(target)])
        d_s, d_t = self.discriminator(reverse_gradient(inputs, strength)).split([len(source.z), len(target.z)])
        weights = (self.certainty(source), self.certainty(target)) if self.entropy_conditioning else (None, None)
        return {"task": cross_entropy(source.logits, source.y), "domain": domain_confusion(d_s, d_t, *weights)}

    def condition(self, embedded: Embedded) -> Tensor:
        """Input of the discriminator: outer product of features and detached predictions."""
        p = embedded.logits.detach().softmax(1)
        return self.random_map(embedded.z, p) if hasattr(self, "random_map") else multilinear_map(embedded.z, p)

    def certainty(self, embedded: Embedded) -> Tensor:
        """``(n,)`` weights :math:`1 + e^{-H}`, detached from the gradient."""
        return 1.0 + torch.exp(-entropy(embedded.logits.detach()))
