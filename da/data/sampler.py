"""An endless, seeded order of a domain's samples in which every pass is a new permutation."""

from __future__ import annotations

import zlib

import numpy as np


class EndlessOrder:
    """An endless sequence of the indices of ``n`` samples, whose k-th pass is the k-th seeded permutation.

    The sample at a position is a pure function of ``(seed, name, position)``: resuming needs the position only, and
    processes share one order by taking strides of it.

    Args:
        n: number of samples.
        seed: seed of the run.
        name: distinguishes the orders of several domains under one seed.
    """

    def __init__(self, n: int, seed: int, name: str):
        self.n = n
        self._entropy = [seed, zlib.crc32(name.encode())]
        self._pass = -1
        self._order = np.empty(0, dtype=np.int64)

    def _permutation(self, number: int) -> np.ndarray:
        if number != self._pass:
            self._order = np.random.default_rng([*self._entropy, number]).permutation(self.n)
            self._pass = number
        return self._order

    def take(self, start: int, stop: int) -> np.ndarray:
        """Sample indices at positions ``start`` to ``stop - 1``."""
        parts = [np.empty(0, dtype=np.int64)]
        while start < stop:
            number, offset = divmod(start, self.n)
            part = self._permutation(number)[offset : offset + stop - start]
            parts.append(part)
            start += len(part)
        return np.concatenate(parts)
