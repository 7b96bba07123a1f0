"""Density ratio of two kernel density estimates."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from da.bounds import Positive, ProperFraction, Seed
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import namespace
from da.estimators.base import Weighting, matched
from da.estimators.kernels import median_bandwidth, squared_distances
from da.estimators.weighting.basis import MULTIPLES, SELECTION, rows, shuffle
from da.setting import ALL, Access


class KDERatio(Weighting):
    r"""Weight by the ratio of kernel density estimates of the domains.

    .. math:: w(x) = \hat p_t(x) / \hat p_s(x), \qquad
       \hat p(x) = \frac{1}{n} \sum_i \frac{1}{(2 \pi h^2)^{d/2}} e^{-\|x - x_i\|^2 / 2 h^2}

    computed in logarithms, so that nothing under- or overflows, in blocks of rows. Costs
    :math:`O(n_s (n_s + n_t) d)`.

    Args:
        bandwidth: h of both densities, in units of the inputs (scikit-learn's ``gamma`` is :math:`1 / 2 h^2`); None
            chooses one for each domain, among multiples of the median distance of its samples (1/8 to 4), by the
            leave-one-out likelihood of at most 2000 samples.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).
        random_state: of the random choice of these samples.

    Reference: Sugiyama & Müller, Input-dependent estimation of generalization error under covariate shift, Statistics
    & Decisions 23(4), 2005; the standard baseline of direct estimates of the ratio.
    """

    needs = Access(source_y=ALL, target_x=True)

    def __init__(
        self,
        *,
        bandwidth: Positive | None = None,
        min_effective: ProperFraction | Literal["auto"] = "auto",
        random_state: Seed = 0,
    ):
        self.bandwidth, self.random_state = bandwidth, random_state
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``weights_``, and ``bandwidths_`` of source and target.

        Raises:
            UsageError: ``bandwidth`` is not above 0; None chooses one.
        """
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        if self.bandwidth is None:
            self.bandwidths_ = _bandwidth(x_s, self.random_state), _bandwidth(x_t, self.random_state)
        else:
            self.bandwidths_ = float(self.bandwidth), float(self.bandwidth)
        if min(self.bandwidths_) <= 0:
            raise UsageError(f"KDERatio needs a bandwidth above 0, got {self.bandwidth}; None chooses one.")
        log_ratio = _log_density(x_t, x_s, self.bandwidths_[1]) - _log_density(x_s, x_s, self.bandwidths_[0])
        self._set_weights(xp.exp(log_ratio - xp.max(log_ratio)), x_s)
        return self


def _log_density(x: Any, queries: Any, h: float) -> Any:
    """``(m,)`` log-density of queries by kernels on the rows of x, up to a constant."""
    return rows(lambda block: _log_sum(squared_distances(block, x) / (-2.0 * h**2)), queries, x.shape[0])


def _bandwidth(x: Any, random_state: int) -> float:
    xp = namespace(x)
    median = median_bandwidth(x)
    x = x[shuffle(x, random_state)[:SELECTION]]
    n, d = x.shape
    if n < 2:
        return median
    squared = squared_distances(x, x)
    itself = xp.eye(n, dtype=x.dtype, device=x.device) > 0.0

    def left_out(h: float) -> float:
        log_kernel = xp.where(itself, -xp.inf, squared / (-2.0 * h**2))
        return float(xp.mean(_log_sum(log_kernel))) - d * math.log(h)

    return max((multiple * median for multiple in MULTIPLES), key=left_out)


def _log_sum(logarithms: Any) -> Any:
    """The logarithm of the sum of each row's exponentials."""
    xp = namespace(logarithms)
    peak = xp.max(logarithms, axis=1, keepdims=True)
    return xp.log(xp.sum(xp.exp(logarithms - peak), axis=1)) + peak[:, 0]
