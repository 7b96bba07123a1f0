"""Kernels on NumPy arrays."""

from __future__ import annotations

import numpy as np

SAMPLE = 1000


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``(n, m)`` squared Euclidean distances between rows."""
    centre = a.mean(0)  # an offset shared by all rows would cost digits
    a, b = a - centre, b - centre
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None, :] - 2.0 * (a @ b.T)
    return np.maximum(squared, 0.0)


def gaussian(a: np.ndarray, b: np.ndarray, bandwidth: float) -> np.ndarray:
    r"""``(n, m)`` values of :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`."""
    return np.exp(-squared_distances(a, b) / (2.0 * bandwidth**2))


def median_bandwidth(x: np.ndarray) -> float:
    """Median distance between different samples (of at most 1000, evenly spaced); 1 where all are equal."""
    x = x[:: max(1, -(-len(x) // SAMPLE))]
    distances = squared_distances(x, x)[np.triu_indices(len(x), 1)]
    positive = distances[distances > 4 * x.shape[1] * np.finfo(float).eps * distances.max(initial=0.0)]  # not rounding
    return float(np.sqrt(np.median(positive))) if len(positive) else 1.0
