"""For a term's own tests: shares of a batch as terms see them, of unequal sizes."""

from __future__ import annotations

import torch
from torch import Tensor

from da.methods.parts import Embedded


def shares(
    *, sizes: tuple[int, int] = (6, 9), features: int = 5, classes: int = 4, scale: float = 2.0
) -> tuple[Embedded, Embedded]:
    """Source and target in double precision, with labels, from leaves that gradients arrive at.

    Args:
        sizes: rows of the source and of the target.
        features: width of ``z``.
        classes: width of ``logits``.
        scale: standard deviation of the logits.
    """
    generator = torch.Generator().manual_seed(11)

    def share(n: int) -> Embedded:
        z = torch.randn(n, features, generator=generator, dtype=torch.float64).requires_grad_()
        logits = (scale * torch.randn(n, classes, generator=generator, dtype=torch.float64)).requires_grad_()
        return Embedded(z, logits, torch.arange(n) % classes, None)

    return share(sizes[0]), share(sizes[1])


def leaves(*embedded: Embedded) -> list[Tensor]:
    """The features and logits of shares, for gradients."""
    return [leaf for one in embedded for leaf in (one.z, one.logits)]
