"""The contract of a term that can be added to a method's loss."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from da.bounds import NonNegative
from da.methods.parts import Embedded
from da.search_space import Space
from da.setting import Access

__all__ = ["Embedded", "Term"]


class Term(nn.Module):
    """A summand of a loss on embedded batches: says what it needs, and computes a scalar.

    A subclass states ``needs`` and ``search_space``, has a keyword-only constructor of hyper-parameters, among them
    ``weight``, and implements :meth:`forward`; it may extend :meth:`build` (modules that depend on data).

    Args:
        weight: factor of the term in the loss, with which the method multiplies what :meth:`forward` returns; with 0
            the term is left out.
    """

    needs: Access
    search_space: ClassVar[Space] = {}

    def __init__(self, *, weight: NonNegative = 1.0):
        super().__init__()
        self.weight = weight

    def build(self, features: int, n_classes: int) -> None:
        """Make the modules that depend on the data.

        Args:
            features: width of the features ``z``.
            n_classes: number of classes, the width of ``logits``.
        """

    def forward(self, source: Embedded, target: Embedded, progress: float) -> Tensor:
        """The value of the term, a scalar without its weight.

        Args:
            source: the source's share of the batch; withheld unless ``needs`` has it, its labels likewise.
            target: the target's share of the batch; withheld unless ``needs`` has it, its labels likewise.
            progress: fraction of training done, in [0, 1].
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `forward`.")
