"""Which samples a criterion looks at, so that its cost is bounded and the order of samples does not matter."""

from __future__ import annotations

import numpy as np

LIMIT = 2000


def rows(z: np.ndarray) -> np.ndarray:
    """Features as ``(n, d)`` float64, whatever their shape and precision."""
    return np.asarray(z, dtype=np.float64).reshape(len(z), -1)


def spaced(z: np.ndarray, limit: int = LIMIT) -> np.ndarray:
    """Indices of at most ``limit`` samples, evenly spaced along a fixed random direction, in the order along it.

    A function of the set of samples: whatever is computed from these samples in this order, a split or a seeded draw
    of pairs included, stays the same when the samples are shuffled. Equal rows keep their order.

    Args:
        z: ``(n, ...)`` features.
        limit: largest number of indices.
    """
    z = rows(z)
    with np.errstate(all="ignore"):  # infinite features have some order; whether they have a score is not said here
        order = np.argsort(z @ np.random.default_rng(0).standard_normal(z.shape[1]), kind="stable")
    return order if len(order) <= limit else order[np.arange(limit) * len(order) // limit]
