"""Supervised training on the target."""

from __future__ import annotations

from torch.nn.functional import cross_entropy

from da.domain import Batch
from da.methods.base import Method, Terms
from da.setting import ALL, Access


class TargetOnly(Method):
    """Train on all target labels and no source: the upper reference of the domain gap.

    Reference: the "train on target" rows of the field's tables, as in Ganin et al., JMLR 2016.
    """

    needs = Access(source_x=False, target_x=True, target_y=ALL)

    def __init__(self) -> None:
        super().__init__()

    def terms(self, batch: Batch, progress: float) -> Terms:
        target = self.embed(batch.target)
        return {"task": cross_entropy(target.logits, target.y)}
