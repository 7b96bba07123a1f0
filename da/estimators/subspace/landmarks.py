"""Landmark selection."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from da.bounds import Count, NonNegative, ProperFraction, Whole
from da.domain import Domain
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import Weighting, labels_of, matched
from da.estimators.kernels import median_bandwidth, squared_distances
from da.estimators.simplex import nearest_on_simplex
from da.estimators.subspace.gfk import GFK
from da.search_space import choice
from da.setting import ALL, Access

CHECKED = 10
CLOSE = 1e-3


class Landmarks(Weighting):
    r"""Select source samples similar to the target at several kernel scales, keeping the proportions of classes.

    .. math:: \min_\beta \Big\| \sum_m \beta_m \phi_q(x_m) - \frac{1}{n_t} \sum_n \phi_q(x_n) \Big\|^2
        \quad \text{such that} \quad \beta \ge 0, \; \sum_{m: y_m = c} \beta_m = \frac{n_s^c}{n_s}

    for every scale q with the kernel
    :math:`\phi_q(x)^\top \phi_q(x') = \exp(-(x - x')^\top G (x - x') / \sigma_q^2)`, where G is the geodesic flow
    kernel and :math:`\sigma_q = 2^q \sigma_0` with the median distance :math:`\sigma_0`. Solved by accelerated
    projected gradients; the weights are the mean over the scales. A sample of positive :math:`\beta_m` is a landmark of
    its scale.

    Costs :math:`O(n_s^2)` memory, and :math:`O(n_s^2)` time per scale and iteration.

    Args:
        octaves: number of scales on either side of the median distance, each twice the one before.
        n_components: dimension of the subspaces of the geodesic flow kernel.
        tol: a scale is solved when its squared MMD, of a kernel that is 1 between equal samples, exceeds the
            minimum by at most this much.
        max_iter: largest number of iterations per scale.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).

    Reference: Gong, Grauman & Sha, Connecting the dots with landmarks: discriminatively learning domain-invariant
    features for unsupervised domain adaptation, ICML 2013.

    Deviates: this is the selection alone. The paper then moves the landmarks to the target, learns a geodesic flow
    kernel for each scale's auxiliary task, and learns to combine these on the landmarks' labels; here the source's
    weights are the mean of the relaxed selections of all scales. G is learnt on separately centred domains, and
    distances under it are of the original features.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"octaves": choice(0, 2, 4, 6), "n_components": choice(10, 20, 40)}

    def __init__(
        self,
        *,
        octaves: Whole = 6,
        n_components: Count = 20,
        tol: NonNegative = 1e-4,
        max_iter: Count = 1000,
        min_effective: ProperFraction | Literal["auto"] = "auto",
    ):
        self.octaves, self.n_components, self.tol, self.max_iter = octaves, n_components, tol, max_iter
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``weights_``, ``shares_`` ``(2 octaves + 1, n_s)``, and ``gaps_``.

        ``shares_`` are the solutions from the finest scale up, ``gaps_`` bounds on their suboptimality in squared MMD,
        and ``converged_`` is whether all of these are within 0.001.
        """
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        y = labels_of(source)
        root = GFK(n_components=self.n_components).fit(source, target).map_
        centre = xp.mean(x_t, axis=0)
        z_s, z_t = (x_s - centre) @ root, (x_t - centre) @ root
        middle = median_bandwidth(xp.concat([z_s, z_t], axis=0))
        near_s, near_t = squared_distances(z_s, z_s) / middle**2, squared_distances(z_s, z_t) / middle**2
        matches = [
            match(xp.exp(-near_s / 4.0**q), xp.mean(xp.exp(-near_t / 4.0**q), axis=1), y, self.tol, self.max_iter)
            for q in range(-self.octaves, self.octaves + 1)
        ]
        self.shares_, self.gaps_ = np.array([beta for beta, _ in matches]), np.array([gap for _, gap in matches])
        self.converged_ = bool((self.gaps_ <= max(self.tol, CLOSE)).all())
        if not self.converged_:
            warnings.warn(
                f"Landmarks did not converge within {self.max_iter} iterations: squared MMD may fall by "
                f"{self.gaps_.max():.2g}, and {CLOSE:g} is the limit; raise `max_iter`.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self._set_weights(self.shares_.mean(axis=0), x_s)
        return self


def match(kernel: Any, wanted: Any, y: np.ndarray, tol: float, max_iter: int) -> tuple[np.ndarray, float]:
    r"""``(n,)`` minimiser of :math:`\beta^\top K \beta - 2 \beta^\top \kappa` with the class proportions of the source.

    The second value is the duality gap, a bound on the suboptimality of the solution.
    """
    xp = namespace(kernel)
    members = [np.flatnonzero(y == c) for c in np.unique(y)]
    step = 1.0 / float(xp.max(xp.sum(kernel, axis=1)))  # no eigenvalue exceeds the largest row sum

    def slope(beta: np.ndarray) -> np.ndarray:
        return as_numpy(kernel @ like(beta, kernel) - wanted)

    def gap(beta: np.ndarray) -> float:
        g = slope(beta)
        return 2.0 * float(g @ beta - sum(g[rows].min() * len(rows) for rows in members) / len(y))

    now = ahead = np.full(len(y), 1.0 / len(y))
    momentum, left = 1.0, gap(now)
    for k in range(1, max_iter + 1):
        if left <= tol:
            break
        moved = ahead - step * slope(ahead)
        for rows in members:
            moved[rows] = nearest_on_simplex(moved[None, rows], len(rows) / len(y))[0]
        if (ahead - moved) @ (moved - now) > 0.0:  # momentum increases the objective: restart it
            momentum = 1.0
        following = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        now, before = moved, now
        ahead = now + (momentum - 1.0) / following * (now - before)
        momentum = following
        if k % CHECKED == 0 or k == max_iter:
            left = gap(now)
    return now, left
