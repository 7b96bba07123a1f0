"""Projection onto the probability simplex."""

from __future__ import annotations

import numpy as np


def nearest_on_simplex(rows: np.ndarray, total: float = 1.0) -> np.ndarray:
    r"""Project ``(n, k)`` rows onto the nearest ones, in Euclidean distance, that are at least 0 and sum to ``total``.

    .. math:: p_i = \max(r_i - \tau, 0), \quad \tau \text{ such that } \sum_i p_i = \text{total}

    The order of entries within a row is preserved. Costs :math:`O(n k \log k)`.
    """
    falling = -np.sort(-rows, axis=1)
    excess = np.cumsum(falling, axis=1) - total
    count = np.arange(1, rows.shape[1] + 1)
    size = (falling * count > excess).sum(axis=1)
    size = np.maximum(size, 1)  # for huge entries the total is lost to rounding
    tau = excess[np.arange(len(rows)), size - 1] / size
    projected: np.ndarray = np.maximum(rows - tau[:, None], 0.0)
    return projected
