"""Torchvision's classifiers as encoders; the only module that imports torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn

from da.bounds import Bound
from da.errors import ConfigError
from da.files import LATER, RANDOM
from da.nn.networks import Network
from da.nn.weights import Weights, enumeration, find_file, fit, published, read

REMEDY = "check its depth or version"


class Pixels(nn.Module):
    r"""Normalise RGB in [0, 1] like an encoder's training data, :math:`(x - \mu) / \sigma`, as RGB or BGR.

    Args:
        mean: :math:`\mu` of red, green and blue.
        deviation: :math:`\sigma` of red, green and blue.
        bgr: return the channels as blue, green, red.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Sequence[float], deviation: Sequence[float], *, bgr: bool = False):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("deviation", torch.tensor(deviation)[:, None, None])
        self.bgr = bgr

    def forward(self, x: Tensor) -> Tensor:
        x = (x - self.mean) / self.deviation
        return x.flip(1) if self.bgr else x

    def extra_repr(self) -> str:
        return f"bgr={self.bgr}"


def caffe_pixels() -> Pixels:
    """Pixels of Caffe's models: 0..255 minus the means 123, 117, 104 of red, green and blue, blue first."""
    return Pixels([123 / 255, 117 / 255, 104 / 255], [1 / 255] * 3, bgr=True)


def torch_pixels() -> Pixels:
    """Pixels of torchvision's own weights: normalised by ImageNet's means and standard deviations."""
    return Pixels([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


class ResNet(Network):
    """A residual network without its classifier, for images (He et al., CVPR 2016).

    Args:
        depth: 18, 34, 50, 101 or 152 layers.
        weights: file of a state dict with torchvision's names, from the working folder, else from ``DA_DATA_DIR``; or
            torchvision's name of its own weights, such as ``IMAGENET1K_V1``, whose file lies in ``pretrained`` there
            (nothing is downloaded); or ``random``, the default when constructed in Python.
        normalize: normalise pixels in [0, 1] by ImageNet's means and deviations, as torchvision's own weights need;
            None does so where weights are given.

    Raises:
        ConfigError: the depth is unknown, the inputs are not images, or not RGB where weights or normalisation are
            given; the file of weights is missing or does not fit; torchvision is missing.
    """

    names: ClassVar[str] = "torchvision.models.resnet.ResNet{depth}_Weights"

    def __init__(
        self,
        shape: tuple[int, ...],
        n_classes: int,
        *,
        depth: Literal[18, 34, 50, 101, 152] = 18,
        weights: Weights | None = None,
        normalize: bool | None = None,
    ):
        models = _models("resnet", shape)
        make = getattr(models, f"resnet{depth}", None)
        if make is None:
            raise ConfigError(f"network.depth={depth} is unknown; take 18, 34, 50, 101 or 152.")
        body = make(weights=None)
        given = weights not in (None, RANDOM)
        if shape[0] != 3 and (given or normalize):
            what, instead = (f"weights={weights}", "random ones") if given else ("normalize=true", "false")
            raise ConfigError(f"{what} is for RGB, got inputs of shape {shape}; set {instead}, or give RGB images.")
        if shape[0] != 3:
            body.conv1 = nn.Conv2d(shape[0], 64, 7, stride=2, padding=3, bias=False)
        if weights is not None and given and weights != LATER:
            file = find_file(weights, enumeration(self.names, depth=depth))
            fit(body, read(file), file, head="fc.", remedy=REMEDY)
        stem = nn.Sequential(body.conv1, body.bn1, body.relu, body.maxpool)
        if given if normalize is None else normalize:
            stem = nn.Sequential(torch_pixels(), *stem)
        last = nn.Sequential(body.layer4, body.avgpool, nn.Flatten())
        super().__init__([stem, body.layer1, body.layer2, body.layer3, last], body.fc.in_features, n_classes)


class SqueezeNet(Network):
    """SqueezeNet without its classifier, averaged over the image: 512 features (Iandola et al., arXiv:1602.07360).

    Args:
        version: 1.0 or 1.1, which needs 2.4 times less computation.
        caffe: pixels as Caffe's models take them (blue first, 0..255 minus ImageNet's means); false: as torchvision's
            own weights do.
        weights: as for :class:`ResNet`.

    Raises:
        ConfigError: the version is unknown, the inputs are not RGB images of at least 32x32, torchvision's own weights
            are given with ``caffe``; the file of weights is missing or does not fit; torchvision is missing.
    """

    names: ClassVar[str] = "torchvision.models.squeezenet.SqueezeNet{version}_Weights"

    def __init__(
        self,
        shape: tuple[int, ...],
        n_classes: int,
        *,
        version: Annotated[float, Bound(among=(1.0, 1.1))] = 1.1,
        caffe: bool = False,
        weights: Weights | None = None,
    ):
        models = _models("squeezenet", shape)
        if shape[0] != 3 or min(shape[1:]) < 32:
            raise ConfigError(f"network=squeezenet needs RGB images of at least 32x32, got inputs of shape {shape}.")
        make = getattr(models, f"squeezenet{version}".replace(".", "_"), None)
        if make is None:
            raise ConfigError(f"network.version={version} is unknown; take 1.0 or 1.1.")
        body = make(weights=None)
        if weights is not None and weights not in (RANDOM, LATER):
            names = enumeration(self.names, version=version)
            file = find_file(weights, names)
            if caffe and file.name in {url.rpartition("/")[2] for url in published(names).values()}:
                raise ConfigError(f"'{file}' holds torchvision's own weights, which want caffe=false.")
            fit(body, read(file), file, head="classifier.", remedy=REMEDY)
        layers = list(body.features)
        cuts = [k for k, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]  # each block begins with a pool
        blocks = [nn.Sequential(*layers[a:b]) for a, b in zip([0, *cuts], [*cuts, len(layers)], strict=True)]
        blocks[0] = nn.Sequential(caffe_pixels() if caffe else torch_pixels(), *blocks[0])
        blocks[-1] = nn.Sequential(*blocks[-1], nn.AdaptiveAvgPool2d(1), nn.Flatten())
        super().__init__([*blocks], 512, n_classes)


def _models(name: str, shape: tuple[int, ...]) -> ModuleType:
    """Import torchvision's models, and refuse inputs that are not images."""
    try:
        from torchvision import models
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision was built for another version of torch
        raise ConfigError(f'network={name} needs torchvision: pip install "da[vision]".') from error
    if len(shape) != 3:
        raise ConfigError(f"network={name} needs images, got inputs of shape {shape}; use network=mlp.")
    module: ModuleType = models
    return module
