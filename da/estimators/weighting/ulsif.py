"""Unconstrained least-squares importance fitting."""

from __future__ import annotations

from typing import Literal, Self

from da.bounds import Count, Positive, ProperFraction, Seed
from da.domain import Domain
from da.estimators.arrays import namespace
from da.estimators.base import Weighting, matched
from da.estimators.kernels import gaussian
from da.estimators.weighting.basis import SELECTION
from da.estimators.weighting.lsif import Design, candidates, design, moments, shuffled, solve
from da.search_space import choice
from da.setting import ALL, Access


class ULSIF(Weighting):
    r"""Estimate the density ratio by least squares, in closed form.

    .. math:: \tilde\alpha = (\hat H + \lambda I)^{-1} \hat h, \quad w(x) = \sum_l \max(0, \tilde\alpha_l) \, k(x, c_l),
       \quad \hat H_{lm} = \frac{1}{n_s} \sum_i k(x^s_i, c_l) \, k(x^s_i, c_m), \;
       \hat h_l = \frac{1}{n_t} \sum_j k(x^t_j, c_l)

    with Gaussian kernels k of width :math:`\sigma` around b target samples :math:`c_l`. Costs
    :math:`O((n_s + n_t) b (d + b) + b^3)`, and as much for each candidate on the samples of the selection.

    Args:
        bandwidth: :math:`\sigma` of :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs (scikit-learn's
            ``gamma`` is :math:`1 / 2 \sigma^2`); None chooses among multiples (1/8 to 4) of the median distance of
            pooled samples.
        ridge: :math:`\lambda`; None chooses from 0.001 to 10. Bandwidth and ridge are chosen by the leave-one-out
            score, which has a closed form, on at most 2000 pairs of samples.
        centres: b; all target samples if there are fewer.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).
        random_state: of the random centres and pairs.

    Reference: Kanamori, Hido & Sugiyama, A least-squares approach to direct importance estimation, JMLR 10, 2009.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"centres": choice(50, 100, 200)}

    def __init__(
        self,
        *,
        bandwidth: Positive | None = None,
        ridge: Positive | None = None,
        centres: Count = 100,
        min_effective: ProperFraction | Literal["auto"] = "auto",
        random_state: Seed = 0,
    ):
        self.bandwidth, self.ridge, self.centres, self.random_state = bandwidth, ridge, centres, random_state
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``weights_``, ``bandwidth_``, ``ridge_``, and ``coefficients_`` of the ``centres_``."""
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        mixed_s, mixed_t = shuffled(x_s, x_t, self.random_state)
        self.centres_ = mixed_t[: self.centres]
        grid = candidates(x_s, x_t, self.bandwidth, self.ridge)
        few = mixed_s[:SELECTION], mixed_t[:SELECTION]
        best = float("inf")
        self.bandwidth_, self.ridge_ = grid[-1][0], grid[-1][1][-1]
        if len(few[0]) > 1 and len(few[1]) > 1 and (self.bandwidth is None or self.ridge is None):
            for sigma, ridges in grid:
                values = design(*few, self.centres_, sigma)
                for ridge in ridges:
                    score = leave_one_out(values, ridge)
                    if score < best:
                        best, self.bandwidth_, self.ridge_ = score, sigma, ridge
        second, first = moments(design(x_s, x_t, self.centres_, self.bandwidth_))
        self.coefficients_ = xp.clip(solve(second, first, self.ridge_), 0.0)
        self._set_weights(gaussian(x_s, self.centres_, self.bandwidth_) @ self.coefficients_, x_s)
        return self


def leave_one_out(values: Design, ridge: float) -> float:
    r"""The score :math:`\frac{1}{n} \sum_i \tfrac12 \hat w_i(x^s_i)^2 - \hat w_i(x^t_i)`, to be minimised.

    :math:`\hat w_i` is fitted, and its coefficients clipped at 0, without the i-th sample of either domain; n is the
    size of the smaller one. All n fits use one factorisation (Sherman and Morrison). Costs :math:`O(n b^2)`.
    """
    xp = namespace(values.source)
    second, first = moments(values)
    n_s, n_t = values.source.shape[0], values.target.shape[0]
    n = min(n_s, n_t)
    left_s, left_t = values.source[:n].T, values.target[:n].T  # (b, n): samples left out, a column per fit
    # without sample i: H_i + ridge = n_s / (n_s - 1) (B - s s' / n_s), with B = H + ridge (n_s - 1) / n_s
    both = xp.concat([first[:, None], left_s, left_t], axis=1)
    solved = solve(second, both, ridge * (n_s - 1) / n_s)
    of_first, of_s, of_t = solved[:, :1], solved[:, 1 : n + 1], solved[:, n + 1 :]
    without = (n_t * of_first - of_t) / (n_t - 1)
    against = (n_t * xp.sum(of_first * left_s, axis=0) - xp.sum(of_t * left_s, axis=0)) / (n_t - 1)
    inner = xp.sum(of_s * left_s, axis=0)
    alpha = (n_s - 1) / n_s * (without + of_s * (against / (n_s - inner)))
    alpha = xp.clip(alpha, 0.0)
    at_s, at_t = xp.sum(alpha * left_s, axis=0), xp.sum(alpha * left_t, axis=0)
    return float(xp.mean(0.5 * at_s * at_s - at_t))
