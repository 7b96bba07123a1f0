"""PACS as precomputed features."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from da.bounds import ProperFraction, Seed
from da.data.named import check_names, transductive_task
from da.data.normalize import NORMALIZATIONS, check_normalization
from da.data.readers import read_table
from da.domain import Domain, Task
from da.files import require
from da.setting import ALL, Access

CLASSES = ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")
SHA256 = {
    "art_painting": "1875973769eddd6a48c2668559f627a25a312374ed729efd04c62bf162daab5c",
    "cartoon": "80a231d4d5bf3900f4b5f0da55c47377c9749a9fe6be99bc8c969b7ab77e8acf",
    "photo": "3ffc1832ac68b0cf6427996293a0bc3a420ba7dc56d29e8d5a70f59b6e6461a3",
    "sketch": "0c7766837f4e7239da79db698cd65fbb253cc0587351730fd146b5078c22fcf6",
}


class Pacs:
    """PACS as SqueezeNet features: 7 object classes as paintings, cartoons, photographs and sketches.

    art_painting has 2048 samples, cartoon 2344, photo 1670, sketch 3929; ``x`` is ``(n, 512)`` ``float64``, the average
    of the last fire module of a SqueezeNet 1.1 trained on ImageNet. One source gives the 12 single-source tasks, a list
    of three the 4 leave-one-domain-out tasks. The protocol is transductive: all of the target is used for both
    adaptation and testing. The metric is accuracy on the target. No published table has these features.

    The images themselves are read by ``data=image_folder`` (``root/domain/class/*.jpg``, or a zip of it).

    Args:
        source: ``art_painting``, ``cartoon``, ``photo`` or ``sketch``, or a list of some.
        target: another of these.
        normalize: ``l2`` (rows of unit length), ``zscore``, ``zscore_l2`` or ``none``.
        validation_fraction: fraction of each source that is held out, stratified; 0 is none.
        split_seed: seed of that split.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "none stated, for research"
    citation: ClassVar[str] = "Li et al., Deeper, broader and artier domain generalization, ICCV 2017"

    def __init__(
        self,
        *,
        source: str | list[str] = "photo",
        target: str = "art_painting",
        normalize: Literal["zscore", "zscore_l2", "l2", "none"] = "l2",
        validation_fraction: ProperFraction = 0.1,
        split_seed: Seed = 0,
    ):
        self.source, self.target, self.normalize = source, target, normalize
        self.validation_fraction, self.split_seed = validation_fraction, split_seed

    @staticmethod
    def domains() -> tuple[str, ...]:
        """Names of all domains."""
        return tuple(SHA256)

    def load(self) -> Task:
        """Read and normalise the domains.

        Raises:
            ConfigError: a name is unknown, the target is a source, or the fraction is outside [0, 1).
            DataError: a file is missing or differs from the known one.
        """
        sources = check_names(self.source, self.target, SHA256)
        check_normalization(self.normalize)
        domains = [self._read(name) for name in (*sources, self.target)]
        return transductive_task(
            domains[:-1],
            domains[-1],
            CLASSES,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
        )

    def _read(self, name: str) -> Domain:
        x, y, *_ = read_table(require(f"pacs/squeezenet512/{name}_squeezenet512.npz", SHA256[name]))
        return Domain(NORMALIZATIONS[self.normalize](np.asarray(x, dtype=np.float64)), y, name=name)
