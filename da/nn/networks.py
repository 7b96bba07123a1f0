"""Networks: an encoder that computes features ``z`` and a head that computes logits.

Arguments that depend on the data (``shape``, ``n_classes``) are positional; hyper-parameters are keyword-only and
are the keys of a network's YAML.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from da.bounds import Count, ProperFraction
from da.errors import ConfigError


class Output(NamedTuple):
    """Features ``z`` of shape ``(n, d)`` and un-normalised class scores ``logits`` of shape ``(n, k)``."""

    z: Tensor
    logits: Tensor


class Network(nn.Module):
    """An encoder of named blocks followed by a linear head.

    Args:
        blocks: modules applied in order; freezing schedules unfreeze them from the last to the first.
        features: width of the encoder's output.
        n_classes: number of logits.
    """

    def __init__(self, blocks: list[nn.Module], features: int, n_classes: int):
        super().__init__()
        self.encoder = nn.Sequential(*blocks)
        self.head = nn.Linear(features, n_classes)
        self.features = features

    def forward(self, x: Tensor) -> Output:
        z = self.encoder(x)
        return Output(z, self.head(z))


NetworkFactory = Callable[[tuple[int, ...], int], Network]
"""A function from the shape of an input and a number of classes to a network; a network's YAML is built as one."""


class MLP(Network):
    """Fully connected ReLU layers on flattened inputs; ``hidden=[]`` with ``features=None`` is a linear model."""

    def __init__(
        self,
        shape: tuple[int, ...],
        n_classes: int,
        *,
        hidden: list[Count] | None = None,
        features: Count | None = 64,
        dropout: ProperFraction = 0.0,
    ):
        blocks: list[nn.Module] = [nn.Flatten()]
        size = math.prod(shape)
        widths = [64] if hidden is None else list(hidden)
        for width in [*widths, *([] if features is None else [features])]:
            blocks.append(nn.Sequential(nn.Linear(size, width), nn.ReLU(), nn.Dropout(dropout)))
            size = width
        super().__init__(blocks, size, n_classes)


class LeNet(Network):
    """Two 5x5 convolutions with pooling and one hidden layer, for small images (LeCun et al., Proc. IEEE 1998).

    The widths are those of Caffe's LeNet, as used in the digits experiments of the field (20-50 maps).

    Raises:
        ConfigError: the inputs are not images of at least 16x16; use ``network=mlp``.

    Deviates: ReLU and max pooling; channels and size of the image are free (at least 16x16).
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        n_classes: int,
        *,
        maps: tuple[Count, Count] | None = None,
        features: Count = 128,
        dropout: ProperFraction = 0.0,
    ):
        if len(shape) != 3 or min(shape[1:]) < 16:
            raise ConfigError(
                f"network=lenet needs images of at least 16x16, got inputs of shape {shape}; use network=mlp."
            )
        first, second = maps or [20, 50]
        side = [((size - 4) // 2 - 4) // 2 for size in shape[1:]]
        super().__init__(
            [
                nn.Sequential(nn.Conv2d(shape[0], first, 5), nn.ReLU(), nn.MaxPool2d(2)),
                nn.Sequential(nn.Conv2d(first, second, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
                nn.Sequential(nn.Linear(second * side[0] * side[1], features), nn.ReLU(), nn.Dropout(dropout)),
            ],
            features,
            n_classes,
        )


def auto(shape: tuple[int, ...], n_classes: int, *, features: Count = 128) -> Network:
    """LeNet for images of at least 16x16, an MLP for everything else."""
    if len(shape) == 3 and min(shape[1:]) >= 16:
        return LeNet(shape, n_classes, features=features)
    return MLP(shape, n_classes, features=features)
