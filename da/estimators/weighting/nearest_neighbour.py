"""Nearest-neighbour weighting."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from sklearn.neighbors import NearestNeighbors

from da.bounds import NonNegative, ProperFraction
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import as_numpy
from da.estimators.base import Weighting, matched
from da.search_space import uniform
from da.setting import ALL, Access


class NearestNeighbour(Weighting):
    r"""Weight each source sample by the number of target samples whose nearest neighbour it is.

    .. math:: w(x^s_i) = \gamma + \big| \{ j : i = \arg\min_k \| x^t_j - x^s_k \| \} \big|

    the number of target samples in its Voronoi cell; equal source samples share it. There is no bandwidth. Costs
    :math:`O(n_s n_t d)`, or :math:`O((n_s + n_t) \log n_s)` in few dimensions, on the CPU.

    Args:
        smoothing: :math:`\gamma`, in target samples: added to every count (Laplace); 0 is the plain method, 1 the
            paper's smoothed variant.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).

    Reference: Loog, Nearest neighbor-based importance weighting, MLSP 2012.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"smoothing": uniform(0.0, 5.0)}

    def __init__(
        self,
        *,
        smoothing: NonNegative = 0.0,
        min_effective: ProperFraction | Literal["auto"] = "auto",
    ):
        self.smoothing = smoothing
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``weights_``.

        Raises:
            UsageError: ``smoothing`` is below 0.
        """
        if self.smoothing < 0:
            raise UsageError(f"`smoothing` must be at least 0, got {self.smoothing}.")
        x_s, x_t = (as_numpy(x) for x in matched(source, target))
        centre = x_s.mean(axis=0)  # an offset shared by all rows would cost digits
        cells, cell, size = np.unique(x_s - centre, axis=0, return_inverse=True, return_counts=True)
        nearest = NearestNeighbors(n_neighbors=1).fit(cells).kneighbors(x_t - centre, return_distance=False)
        counts = np.bincount(nearest.ravel(), minlength=len(cells)) / size
        self._set_weights(self.smoothing + counts[cell.ravel()], x_s)
        return self
