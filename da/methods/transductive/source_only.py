"""No adaptation."""

from __future__ import annotations

from torch.nn.functional import cross_entropy

from da.domain import Batch
from da.methods.base import Method, Terms
from da.setting import ALL, Access


class SourceOnly(Method):
    """Train on the labelled source alone: the baseline that every transfer method must beat.

    Reference: the "source only" rows of the field's tables, as in Ganin et al., JMLR 2016.
    """

    needs = Access(source_y=ALL)

    def __init__(self) -> None:
        super().__init__()

    def terms(self, batch: Batch, progress: float) -> Terms:
        source = self.embed(batch.source)
        return {"task": cross_entropy(source.logits, source.y)}
