"""Torchvision's classifiers as encoders; the only place that knows torchvision."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from da.errors import ConfigError
from da.nn.networks import Network


class ResNet(Network):
    """A residual network without its classifier, for images (He et al., CVPR 2016).

    Args:
        depth: 18, 34, 50, 101 or 152 layers.
        weights: file of a state dict with torchvision's names, such as an ImageNet checkpoint; None starts from
            random weights. Nothing is downloaded.
    """

    def __init__(self, shape: tuple[int, ...], n_classes: int, *, depth: int = 18, weights: str | None = None):
        try:
            from torchvision import models
        except (ImportError, RuntimeError) as error:  # RuntimeError: built for another torch
            raise ConfigError('network=resnet needs torchvision: pip install "da[vision]".') from error
        if len(shape) != 3:
            raise ConfigError(f"network=resnet needs images, got inputs of shape {shape}; use network=mlp.")
        make = getattr(models, f"resnet{depth}", None)
        if make is None:
            raise ConfigError(f"network.depth={depth} is unknown; take 18, 34, 50, 101 or 152.")
        body = make(weights=None)
        if shape[0] != 3:
            body.conv1 = nn.Conv2d(shape[0], 64, 7, stride=2, padding=3, bias=False)
        if weights is not None:
            load(body, Path(weights))
        stem = nn.Sequential(body.conv1, body.bn1, body.relu, body.maxpool)
        last = nn.Sequential(body.layer4, body.avgpool, nn.Flatten())
        super().__init__([stem, body.layer1, body.layer2, body.layer3, last], body.fc.in_features, n_classes)


def load(body: nn.Module, file: Path) -> None:
    """Read torchvision weights into a body, but for its classifier.

    Raises:
        ConfigError: the file is missing, or its shapes are of another network.
    """
    if not file.is_file():
        raise ConfigError(f"network.weights={file} is no file; give a state dict with torchvision's names.")
    saved = torch.load(file, map_location="cpu", weights_only=True)
    kept = {name: value for name, value in saved.items() if not name.startswith("fc.")}
    own = body.state_dict()
    body_names = [name for name in own if not name.startswith("fc.")]
    wrong = [name for name in body_names if name not in kept or kept[name].shape != own[name].shape]
    if wrong:
        raise ConfigError(f"network.weights={file} does not fit this network (at {wrong[0]}); check network.depth.")
    body.load_state_dict(kept, strict=False)
