"""Subsample what a criterion reads, so that its cost is bounded and the order of samples does not matter."""

from __future__ import annotations

import numpy as np

LIMIT = 2000


def rows(z: np.ndarray) -> np.ndarray:
    """Features as ``(n, d)`` float64, whatever their shape and precision."""
    return np.asarray(z, dtype=np.float64).reshape(len(z), -1)


def spaced(z: np.ndarray, limit: int = LIMIT) -> np.ndarray:
    """Indices of at most ``limit`` samples, evenly spaced along a fixed random direction, in the order along it.

    The choice depends on the set of samples only: any result computed from these samples in this order, including a
    split or a seeded draw of pairs, is the same when the samples are shuffled. Equal rows keep their order.

    Args:
        z: ``(n, ...)`` features.
        limit: largest number of indices.
    """
    z = rows(z)
    with np.errstate(all="ignore"):  # infinite features get some order; criteria decide whether they have a score
        order = np.argsort(z @ np.random.default_rng(0).standard_normal(z.shape[1]), kind="stable")
    return order if len(order) <= limit else order[np.arange(limit) * len(order) // limit]
