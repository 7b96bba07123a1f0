"""Deep adaptation network."""

from __future__ import annotations

from torch.nn.functional import cross_entropy

from da.bounds import Count, NonNegative
from da.divergences.mmd import mk_mmd
from da.domain import Batch
from da.methods.base import Method, Terms
from da.schedules import sigmoid_ramp
from da.search_space import log_uniform
from da.setting import ALL, Access


class DAN(Method):
    r"""Match kernel mean embeddings of source and target features with several Gaussian kernels.

    .. math:: \ell_{\text{task}} + \lambda_p \, \mathrm{MMD}_K^2(z^s, z^t), \qquad
       \lambda_p = \lambda \left( \frac{2}{1 + e^{-10 p}} - 1 \right)

    Args:
        weight: :math:`\lambda`, final factor of the alignment term, which is ramped up over progress p; the term may
            be negative.
        kernels: number of Gaussian kernels; their bandwidths double from one to the next, and their geometric mean is
            the mean squared distance in the batch.

    Reference: Long et al., Learning transferable features with deep adaptation networks, ICML 2015, eq. 4.

    Deviates: one layer (the features before the classifier) is aligned, the kernels have equal weights, the unbiased
    estimate is over all pairs of the batch, as in the common implementations (the paper's is linear in its size), and
    the weight is ramped up as in DANN.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"weight": log_uniform(0.1, 10.0)}

    def __init__(self, *, weight: NonNegative = 1.0, kernels: Count = 5):
        super().__init__()
        self.weight, self.kernels = weight, kernels

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        align = mk_mmd(source.z, target.z, kernels=self.kernels)
        weight = self.weight * sigmoid_ramp(progress)
        return {"task": cross_entropy(source.logits, source.y), "align": weight * align}
