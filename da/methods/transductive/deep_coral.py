"""Deep CORAL."""

from __future__ import annotations

from torch.nn.functional import cross_entropy

from da.bounds import NonNegative
from da.divergences.coral import coral
from da.domain import Batch
from da.methods.base import Method, Terms
from da.search_space import log_uniform
from da.setting import ALL, Access


class DeepCORAL(Method):
    r"""Align second-order statistics of source and target features.

    .. math:: \ell_{\text{task}} + \lambda \frac{1}{4 d^2} \| C_s - C_t \|_F^2

    Args:
        weight: factor of the alignment term.

    Reference: Sun & Saenko, Deep CORAL, ECCV Workshops 2016, eq. 1 and 6.

    Deviates: the features before the classifier are aligned, where the paper aligns the classifier's output.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"weight": log_uniform(1.0, 1e5)}

    def __init__(self, *, weight: NonNegative = 1000.0):
        super().__init__()
        self.weight = weight

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        return {"task": cross_entropy(source.logits, source.y), "align": self.weight * coral(source.z, target.z)}
