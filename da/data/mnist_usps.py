"""Handwritten digits from two sources, MNIST and USPS, whole sets."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch.nn.functional import interpolate, pad

from da.bounds import Count
from da.domain import Domain, Split, Task
from da.errors import ConfigError, nearest
from da.files import require
from da.setting import ALL, Access

MNIST_FILES = {
    ("train", "images-idx3"): "71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64",
    ("train", "labels-idx1"): "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ("t10k", "images-idx3"): "a099c5cbed9005941904202c3dc1fea19ea68d1bbbdfb713a7a390d877d62432",
    ("t10k", "labels-idx1"): "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
NAMES = ("mnist", "usps")
SIDE = 28
USPS_SHA256 = "ca6291096c2f9dcc6a9facd67cb78398a1ebdbd9ea665bdd8bad29dc56312254"


class MnistUsps:
    """MNIST and USPS digits, whole sets, 28x28 greyscale, in either direction.

    MNIST has 60000 training and 10000 test images, USPS 7291 and 2007; both are ``(n, 1, 28, 28)`` ``uint8`` with
    the digits as labels 0..9. The target's training set is used for adaptation, its test set for testing, and the
    source's test set for validation. The metric is accuracy on the target's test set.

    How USPS's 16x16 digits, which fill their frame, are brought to 28x28 determines most of the shift, and published
    tables differ in it: padded with zeros to MNIST's margins a source-only network has an accuracy of 94 %, enlarged
    to the full frame 80 %. Results of different sizes must not share a column.

    Args:
        source: ``mnist`` or ``usps``.
        target: the other one.
        usps_size: side to which USPS digits are enlarged (bilinearly) before they are padded with zeros to 28: 16 does
            not enlarge them (skada-bench's deep protocol), 20 is MNIST's own box, 28 fills the frame (as in MCD's
            tables).
        limit: number of training samples of each domain, drawn with a fixed seed; None keeps all.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "MNIST: CC BY-SA 3.0; USPS: none stated, for research"
    citation: ClassVar[str] = "LeCun et al., Proc. IEEE 1998 (MNIST); Hull, IEEE TPAMI 1994 (USPS)"

    def __init__(
        self,
        *,
        source: Literal["mnist", "usps"] = "mnist",
        target: Literal["mnist", "usps"] = "usps",
        usps_size: Literal[16, 18, 20, 22, 24, 26, 28] = 16,
        limit: Count | None = None,
    ):
        self.source, self.target, self.usps_size, self.limit = source, target, usps_size, limit

    @staticmethod
    def domains() -> tuple[str, ...]:
        """Names of all domains."""
        return NAMES

    def load(self) -> Task:
        """Read both sets as images of the same shape.

        Raises:
            ConfigError: a name is unknown, both are equal, or ``limit`` or ``usps_size`` is out of range.
            DataError: a file is missing or differs from the known one.
        """
        for key, name in (("source", self.source), ("target", self.target)):
            if name not in NAMES:
                raise ConfigError(f"data.{key}='{name}' is unknown; {nearest(name, NAMES)}")
        if self.source == self.target:
            raise ConfigError(f"data.source and data.target are both '{self.source}'; name two different ones.")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"data.limit={self.limit} keeps nothing; give a positive number, or null to keep all.")
        if self.usps_size % 2 or not 16 <= self.usps_size <= SIDE:
            raise ConfigError(f"data.usps_size={self.usps_size} must be an even number from 16 to {SIDE}.")
        return Task(
            name=f"{self.source}->{self.target}, usps {self.usps_size}",
            sources=(self._split(self.source),),
            target=self._split(self.target),
            classes=tuple(map(str, range(10))),
        )

    def _split(self, name: str) -> Split:
        train, test = read_mnist() if name == "mnist" else read_usps(self.usps_size)
        if self.limit is not None:
            train = train.take(np.random.default_rng(0).permutation(len(train))[: self.limit])
        return Split(train, test)


def read_mnist() -> tuple[Domain, Domain]:
    """The training and test sets of MNIST, ``(n, 1, 28, 28)`` ``uint8``.

    Raises:
        DataError: a file is missing or differs (see :func:`da.files.require`).
    """
    arrays = {
        (part, kind): read_idx(require(f"digits/{part}-{kind}-ubyte.gz", sha256))
        for (part, kind), sha256 in MNIST_FILES.items()
    }
    train, test = (
        Domain(arrays[part, "images-idx3"][:, None], arrays[part, "labels-idx1"].astype(np.int64), name="mnist")
        for part in ("train", "t10k")
    )
    return train, test


def read_usps(size: int) -> tuple[Domain, Domain]:
    """The training and test sets of USPS as ``(n, 1, 28, 28)`` ``uint8``, with digits enlarged to ``size``.

    Raises:
        DataError: the file is missing or differs (see :func:`da.files.require`).
    """
    with np.load(require("digits/usps.npz", USPS_SHA256), allow_pickle=False) as file:
        train, test = (
            Domain(framed(file[f"X_{part}"], size), file[f"y_{part}"].astype(np.int64), name="usps")
            for part in ("train", "test")
        )
    return train, test


def framed(images: np.ndarray, size: int) -> np.ndarray:
    """``(n, 16, 16)`` grey values 0..2000 as ``(n, 1, 28, 28)`` ``uint8``: enlarged to ``size``, padded with zeros."""
    scaled = torch.from_numpy(images.astype(np.float32))[:, None] / 2000.0
    large = interpolate(scaled, size=(size, size), mode="bilinear", align_corners=False)
    margin = (SIDE - size) // 2
    return pad(large, (margin, margin, margin, margin)).mul(255.0).round().to(torch.uint8).numpy()


def read_idx(path: Path) -> np.ndarray:
    """The array of a gzipped IDX file of bytes, such as those of MNIST."""
    with gzip.open(path, "rb") as file:
        content = file.read()
    shape = np.frombuffer(content, dtype=">i4", count=content[3], offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * len(shape)).reshape(shape).copy()
