"""The small digit sets of the classical subspace tables."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from da.domain import Domain, Split, Task
from da.errors import ConfigError, nearest
from da.estimators.linalg import unit_rows
from da.files import require
from da.setting import ALL, Access

FILE = "digits/mnist2000_usps1800.npz"
SHA256 = "9ac14812d3d6e7046f65c9aae02fafd315b0a7c93cd29302af2043bb36b720aa"
SETS = {"mnist": "mnist2000", "usps": "usps1800"}


class Mnist2000Usps1800:
    """2000 MNIST and 1800 USPS digits of 16x16 pixels, as in the tables of JDA and its successors.

    ``x`` is ``(n, 256)`` ``float64`` with rows of unit length. The protocol is full and transductive: all of the source
    is labelled, and all of the target is used for both adaptation and testing. The metric is accuracy on the target.
    These results must not share a column with those of the whole sets (``data=mnist_usps``).

    Args:
        source: ``mnist`` or ``usps``.
        target: the other one.
        normalize: scale rows to unit length, as in the published tables.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    held_out: ClassVar[bool] = False  # no part of the source is left to validate on
    licence: ClassVar[str] = "none stated, for research"
    citation: ClassVar[str] = "Long et al., ICCV 2013; LeCun et al., Proc. IEEE 1998; Hull, IEEE TPAMI 1994"

    def __init__(
        self,
        *,
        source: Literal["mnist", "usps"] = "mnist",
        target: Literal["mnist", "usps"] = "usps",
        normalize: bool = True,
    ):
        self.source, self.target, self.normalize = source, target, normalize

    @staticmethod
    def domains() -> tuple[str, ...]:
        """Names of all domains."""
        return tuple(SETS)

    def load(self) -> Task:
        """Read both sets.

        Raises:
            ConfigError: a name is unknown, or both are equal.
            DataError: the file is missing or differs from the known one.
        """
        for key, name in (("source", self.source), ("target", self.target)):
            if name not in SETS:
                raise ConfigError(f"data.{key}='{name}' is unknown; {nearest(name, SETS)}")
        if self.source == self.target:
            raise ConfigError(f"data.source and data.target are both '{self.source}'; name two different ones.")
        source, target = self._read(self.source), self._read(self.target)
        return Task(
            name=f"{SETS[self.source]}->{SETS[self.target]}",
            sources=(Split(source),),
            target=Split(target, target),
            classes=tuple(map(str, range(10))),
            transductive=True,
        )

    def _read(self, name: str) -> Domain:
        with np.load(require(FILE, SHA256), allow_pickle=False) as file:
            x = np.asarray(file[f"X_{name}"], dtype=np.float64) / (256.0 if name == "mnist" else 1.0)
            y = np.asarray(file[f"y_{name}"], dtype=np.int64)
        return Domain(unit_rows(x) if self.normalize else x, y, name=name)
