"""Kernels between the rows of NumPy arrays or tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from da.errors import UsageError, nearest
from da.estimators.arrays import namespace

SAMPLE = 1000
KERNELS = ("linear", "rbf")


def squared_distances(a: Any, b: Any) -> Any:
    """``(n, m)`` squared Euclidean distances between rows."""
    xp = namespace(a, b)
    centre = xp.mean(a, axis=0)  # an offset shared by all rows would cost digits
    same = a is b
    a = a - centre
    b = a if same else b - centre  # products of rows with themselves cost half
    squared = xp.sum(a * a, axis=1)[:, None] + xp.sum(b * b, axis=1)[None, :] - 2.0 * (a @ b.T)
    return xp.clip(squared, 0.0)


def gaussian(a: Any, b: Any, bandwidth: float) -> Any:
    r"""``(n, m)`` values of :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`."""
    return namespace(a, b).exp(-squared_distances(a, b) / (2.0 * bandwidth**2))


def gram(a: Any, b: Any, kernel: str, bandwidth: float) -> Any:
    """``(n, m)`` kernel matrix by the kernel's name: ``linear``, which ignores the bandwidth, or ``rbf``, the Gaussian.

    Raises:
        UsageError: the kernel is neither.
    """
    if kernel not in KERNELS:
        raise UsageError(f"There is no kernel '{kernel}'; {nearest(kernel, KERNELS)}")
    return a @ b.T if kernel == "linear" else gaussian(a, b, bandwidth)


def median_bandwidth(x: Any) -> float:
    """Median distance between different samples (of at most 1000, evenly spaced); 1 where all are equal."""
    x = x[:: max(1, -(-x.shape[0] // SAMPLE))]
    return median_distance(squared_distances(x, x), x.shape[1])


def median_distance(squared: Any, width: int) -> float:
    """Median distance from ``(n, n)`` squared distances between samples of ``width`` features."""
    xp = namespace(squared)
    n = squared.shape[0]
    distances = squared[xp.arange(n)[:, None] < xp.arange(n)[None, :]]
    largest = float(xp.max(squared)) if n else 0.0
    positive = distances[distances > 4 * width * float(np.finfo(float).eps) * largest]  # above rounding errors
    if positive.shape[0] == 0:
        return 1.0
    low, high = (len(positive) - 1) // 2, len(positive) // 2
    ordered = np.partition(positive, (low, high)) if isinstance(positive, np.ndarray) else xp.sort(positive)
    return float(xp.mean(ordered[low : high + 1])) ** 0.5
