"""Functions shared by weightings with kernels around target samples: random order, bandwidths, blocks of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from da.estimators.arrays import as_numpy, namespace
from da.estimators.kernels import median_bandwidth

BLOCK = 4_000_000  # entries computed at a time
SELECTION = 2000  # samples of a domain on which hyper-parameters are chosen
MULTIPLES = tuple(2.0 ** (k / 2.0) for k in range(-6, 5))


def shuffle(x: Any, random_state: int) -> np.ndarray:
    """A random permutation of rows that depends on their values, not on their order."""
    x = as_numpy(x)
    rng = np.random.default_rng(random_state)
    key = (x - x.mean(axis=0)) @ rng.normal(size=x.shape[1])
    order: np.ndarray = np.argsort(key, kind="stable")[rng.permutation(len(x))]
    return order


def bandwidths(x_s: Any, x_t: Any) -> list[float]:
    """Candidates from 1/8 to 4 times the median distance of pooled samples, by factors of the square root of 2."""
    median = median_bandwidth(namespace(x_s).concat([x_s, x_t]))
    return [multiple * median for multiple in MULTIPLES]


def rows(function: Callable[[Any], Any], x: Any, width: int) -> Any:
    """Apply a function with ``width`` outputs per row to blocks of the rows of x, to bound the memory."""
    size = max(1, BLOCK // width)
    n = x.shape[0]
    if n <= size:
        return function(x)
    return namespace(x).concat([function(x[start : start + size]) for start in range(0, n, size)])
