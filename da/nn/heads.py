"""Small heads; all return logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Discriminator(nn.Sequential):
    """Domain discriminator with two hidden ReLU layers: ``(n, inputs)`` to ``(n,)`` logits of "is source".

    Args:
        inputs: width of the input.
        hidden: width of the hidden layers.
    """

    def __init__(self, inputs: int, hidden: int):
        super().__init__(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = layer(x)
        return x.squeeze(1)


class RandomMap(nn.Module):
    r"""Randomised multilinear map: :math:`(R_z z) \odot (R_p p) / \sqrt{m}` (Long et al., NeurIPS 2018, eq. 6).

    Args:
        features: width d of ``z``.
        classes: width k of ``p``.
        size: width m of the result.
    """

    r_z: Tensor
    r_p: Tensor

    def __init__(self, features: int, classes: int, size: int):
        super().__init__()
        self.register_buffer("r_z", torch.randn(size, features))
        self.register_buffer("r_p", torch.randn(size, classes))

    def forward(self, z: Tensor, p: Tensor) -> Tensor:
        return (z @ self.r_z.T) * (p @ self.r_p.T) / self.r_z.shape[0] ** 0.5
