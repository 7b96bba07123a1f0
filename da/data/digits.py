"""Real handwritten digits bundled with scikit-learn, and the same classes under a shift."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from scipy import ndimage

from da.bounds import Seed
from da.data.shifts import SHIFTS
from da.domain import Domain, Split, Task
from da.errors import ConfigError, nearest
from da.setting import ALL, Access


class Digits:
    """UCI digits from scikit-learn, 28x28; the target is other digits under a sensor, rotation or background shift.

    1797 originals of 8x8, enlarged bilinearly: 899 are the source (719 train, 180 test), the other 898 the target
    (628 train, 270 test), so that no original is in both domains. The metric is accuracy on the target's test split.

    Args:
        shift: ``sensor`` (5x5 blur, raised black level, half the contrast, noise of 0.2), ``rotation`` (40 degrees) or
            ``background`` (photographs).
        split_seed: seed of the split and of the shift's noise.

    Raises:
        ConfigError: the shift is unknown.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "CC BY 4.0"
    citation: ClassVar[str] = "Alpaydin & Kaynak, Optical recognition of handwritten digits, UCI 1998"

    def __init__(self, *, shift: Literal["sensor", "rotation", "background"] = "sensor", split_seed: Seed = 0):
        if shift not in SHIFTS:
            raise ConfigError(f"data.shift='{shift}' is unknown; {nearest(shift, SHIFTS)}")
        self.shift, self.split_seed = shift, split_seed

    def load(self) -> Task:
        """Read, split and shift the digits."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = ndimage.zoom(digits.images.astype(np.float32) / 16.0, (1, 3.5, 3.5), order=1)[:, None]
        rng = np.random.default_rng(self.split_seed)
        order = rng.permutation(len(images))
        index = dict(zip(("s_train", "s_test", "t_train", "t_test"), np.split(order, [719, 899, 1527]), strict=True))

        def quantised(x: np.ndarray) -> np.ndarray:
            return np.round(np.clip(x, 0.0, 1.0) * 255.0).astype(np.uint8)

        def domain(part: str) -> Domain:
            x = images[index[part]]
            if part.startswith("t"):
                x = SHIFTS[self.shift](x, rng)
            name = "digits" if part.startswith("s") else f"digits under {self.shift}"
            return Domain(quantised(x), digits.target[index[part]].astype(np.int64), name=name)

        return Task(
            name=f"digits->{self.shift}",
            sources=(Split(domain("s_train"), domain("s_test")),),
            target=Split(domain("t_train"), domain("t_test")),
            classes=tuple(map(str, range(10))),
        )
