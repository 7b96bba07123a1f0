"""Relative unconstrained least-squares importance fitting."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np

from da.bounds import Count, Positive, ProperFraction, Seed, Several
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import namespace
from da.estimators.base import Weighting, matched
from da.estimators.kernels import gaussian
from da.estimators.weighting.basis import SELECTION
from da.estimators.weighting.lsif import Design, candidates, design, moments, shuffled, solve
from da.search_space import uniform
from da.setting import ALL, Access


class RULSIF(Weighting):
    r"""Estimate the bounded ratio of the target's density to a mixture of both densities by least squares.

    .. math:: r_\alpha(x) = \frac{p_t(x)}{\alpha p_t(x) + (1 - \alpha) p_s(x)} \approx \sum_l \theta_l k(x, c_l), \quad
       \theta = (\hat H + \lambda I)^{-1} \hat h, \quad
       \hat H_{lm} = \frac{\alpha}{n_t} \sum_j k(x^t_j, c_l) k(x^t_j, c_m)
       + \frac{1 - \alpha}{n_s} \sum_i k(x^s_i, c_l) k(x^s_i, c_m)

    with :math:`\hat h` and k as in uLSIF, which is the case :math:`\alpha = 0` except for its clipping. Costs
    :math:`O((n_s + n_t) b (d + b) + b^3)`, and as much for each candidate bandwidth on the samples of the selection.

    Args:
        relative: :math:`\alpha`, in [0, 1): no ratio exceeds :math:`1 / \alpha`; at 1 all would be equal.
        bandwidth: :math:`\sigma` of :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs (scikit-learn's
            ``gamma`` is :math:`1 / 2 \sigma^2`); None chooses among multiples (1/8 to 4) of the median distance of
            pooled samples.
        ridge: :math:`\lambda`; None chooses from 0.001 to 10. Bandwidth and ridge are chosen by the squared error on
            held-out samples, at most 2000 of each domain.
        centres: b; all target samples if there are fewer.
        folds: number of folds of either domain for cross-validation.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).
        random_state: of the random centres and folds.

    Reference: Yamada, Suzuki, Kanamori, Hachiya & Sugiyama, Relative density-ratio estimation for robust distribution
    comparison, Neural Computation 25(5), 2013.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"relative": uniform(0.0, 0.95)}

    def __init__(
        self,
        *,
        relative: ProperFraction = 0.5,
        bandwidth: Positive | None = None,
        ridge: Positive | None = None,
        centres: Count = 100,
        folds: Several = 5,
        min_effective: ProperFraction | Literal["auto"] = "auto",
        random_state: Seed = 0,
    ):
        self.relative, self.bandwidth, self.ridge = relative, bandwidth, ridge
        self.centres, self.folds, self.random_state = centres, folds, random_state
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``weights_``, ``bandwidth_``, ``ridge_``, and ``coefficients_`` of the ``centres_``.

        Raises:
            UsageError: ``relative`` is outside [0, 1).
        """
        if not 0.0 <= self.relative < 1.0:
            raise UsageError(f"`relative` must be at least 0 and below 1, got {self.relative}.")
        x_s, x_t = matched(source, target)
        mixed_s, mixed_t = shuffled(x_s, x_t, self.random_state)
        self.centres_ = mixed_t[: self.centres]
        grid = candidates(x_s, x_t, self.bandwidth, self.ridge)
        few = mixed_s[:SELECTION], mixed_t[:SELECTION]
        folds = min(self.folds, len(few[0]), len(few[1]))
        best = float("inf")
        self.bandwidth_, self.ridge_ = grid[-1][0], grid[-1][1][-1]
        if folds > 1 and (self.bandwidth is None or self.ridge is None):
            for sigma, ridges in grid:
                scores = held_out(design(*few, self.centres_, sigma), self.relative, ridges, folds)
                for ridge, score in zip(ridges, scores, strict=True):
                    if score < best:
                        best, self.bandwidth_, self.ridge_ = score, sigma, ridge
        second, first = moments(design(x_s, x_t, self.centres_, self.bandwidth_), self.relative)
        self.coefficients_ = solve(second, first, self.ridge_)
        self._set_weights(gaussian(x_s, self.centres_, self.bandwidth_) @ self.coefficients_, x_s)
        return self


def held_out(values: Design, mix: float, ridges: tuple[float, ...], folds: int) -> list[float]:
    r"""For each ridge the mean of :math:`\tfrac12 \theta^\top \hat H' \theta - \hat h'^\top \theta` over folds.

    The primed moments are those of the fold, and :math:`\theta` is fitted to the others.
    """
    xp = namespace(values.source)
    parts = [np.arange(part.shape[0]) % folds for part in values]
    totals = np.zeros(len(ridges))
    for fold in range(folds):
        held = Design(*(v[np.flatnonzero(p == fold)] for v, p in zip(values, parts, strict=True)))
        rest = Design(*(v[np.flatnonzero(p != fold)] for v, p in zip(values, parts, strict=True)))
        second, first = moments(rest, mix)
        held_second, held_first = moments(held, mix)
        scale, rotation = xp.linalg.eigh(second)
        rotated = rotation.T @ first
        for k, ridge in enumerate(ridges):
            theta = rotation @ (rotated / (xp.clip(scale, 0.0) + ridge))
            totals[k] += 0.5 * float(theta @ held_second @ theta) - float(held_first @ theta)
    return [float(total) for total in totals / folds]
