"""Domain-adversarial training."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from da.bounds import Count, NonNegative
from da.divergences.adversarial import domain_confusion
from da.domain import Batch
from da.methods.base import Method, Spec, Terms
from da.nn.grl import reverse_gradient
from da.nn.heads import Discriminator
from da.schedules import sigmoid_ramp
from da.search_space import log_uniform
from da.setting import ALL, Access


class DANN(Method):
    r"""Learn domain-invariant features against a domain discriminator, by gradient reversal.

    .. math:: \min_{F, G} \max_D \; \ell_{\text{task}} - \lambda_p \, \ell_{\text{domain}}, \quad
       \ell_{\text{domain}} = -\mathbb{E}_s [\log D(z)] - \mathbb{E}_t [\log (1 - D(z))],
       \quad \lambda_p = \lambda \left( \frac{2}{1 + e^{-10 p}} - 1 \right)

    Args:
        weight: :math:`\lambda`, final strength of the reversed gradient, which is ramped up over progress p; 1 is the
            paper's, and corresponds to 2 in implementations that halve the domain loss.
        hidden: width of the discriminator's two hidden layers.

    Reference: Ganin et al., Domain-adversarial training of neural networks, JMLR 2016, eq. 9 to 18.

    Deviates: the discriminator has two hidden layers, and all parameters have the same learning rate.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"weight": log_uniform(1e-2, 1e1)}

    def __init__(self, *, weight: NonNegative = 1.0, hidden: Count = 256):
        super().__init__()
        self.weight, self.hidden = weight, hidden

    def build(self, spec: Spec) -> None:
        super().build(spec)
        self.discriminator = Discriminator(self.network.features, self.hidden)

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        z = reverse_gradient(torch.cat([source.z, target.z]), self.weight * sigmoid_ramp(progress))
        d_s, d_t = self.discriminator(z).split([len(source.z), len(target.z)])
        return {"task": cross_entropy(source.logits, source.y), "domain": domain_confusion(d_s, d_t)}
