"""The Kullback-Leibler importance estimation procedure."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from da.bounds import Count, Positive, ProperFraction, Seed, Several
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import like, namespace
from da.estimators.base import Weighting, matched
from da.estimators.kernels import squared_distances
from da.estimators.weighting.basis import SELECTION, bandwidths, shuffle
from da.estimators.weighting.mixture import proportions
from da.search_space import choice
from da.setting import ALL, Access


class KLIEP(Weighting):
    r"""Weight the source so that the target is likely under its weighted density (KLIEP).

    .. math:: \max_\alpha \frac{1}{n_t} \sum_j \log w(x^t_j) \quad \text{s.t. } \frac{1}{n_s} \sum_i w(x^s_i) = 1, \;
       \alpha \ge 0, \qquad w(x) = \sum_l \alpha_l \, e^{-\|x - c_l\|^2 / 2 \sigma^2}

    with the centres :math:`c_l` among the target samples. With each kernel divided by its mean over the source this is
    the likelihood of a mixture, which is maximised over its proportions in logarithms, so that nothing under- or
    overflows. Costs :math:`O((n_s + n_t) b (d + b))` a bandwidth for b centres.

    Args:
        bandwidth: :math:`\sigma`, in units of the inputs (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None
            chooses among multiples (1/8 to 4) of the median distance of pooled samples by the likelihood of held-out
            target samples, of which at most 2000 are used.
        centres: b; all target samples if there are fewer.
        folds: number of folds of the target for cross-validation.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).
        random_state: of the random centres and folds.

    Reference: Sugiyama, Suzuki, Nakajima, Kashima, von Bünau & Kawanabe, Direct importance estimation for covariate
    shift adaptation, Annals of the Institute of Statistical Mathematics, 2008.

    Deviates: the paper uses gradient ascent; Newton steps reach the same optimum to 1e-6 in log-likelihood (``gap_``
    bounds the error). Held-out samples are not centres in their fold; otherwise too small a bandwidth is chosen. This
    is still possible where target samples lie outside of the source's support, as their likelihood is unbounded.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"centres": choice(50, 100, 200)}

    def __init__(
        self,
        *,
        bandwidth: Positive | None = None,
        centres: Count = 100,
        folds: Several = 5,
        min_effective: ProperFraction | Literal["auto"] = "auto",
        random_state: Seed = 0,
    ):
        self.bandwidth, self.centres, self.folds, self.random_state = bandwidth, centres, folds, random_state
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``weights_``, ``bandwidth_`` and ``gap_``, a bound on the suboptimality of the log-likelihood.

        Raises:
            UsageError: ``bandwidth`` is not above 0; None chooses one.
        """
        x_s, x_t = matched(source, target)
        if self.bandwidth is not None and self.bandwidth <= 0:
            raise UsageError(f"KLIEP needs a bandwidth above 0, got {self.bandwidth}; None chooses one.")
        x_t = x_t[shuffle(x_t, self.random_state)]
        centres = x_t[: self.centres]
        to_source, to_target = squared_distances(x_s, centres), squared_distances(x_t, centres)
        few = to_target[:SELECTION]
        if self.bandwidth is not None:
            self.bandwidth_ = float(self.bandwidth)
        elif few.shape[0] < 2:
            self.bandwidth_ = bandwidths(x_s, x_t)[-1]
        else:
            self.bandwidth_ = max(bandwidths(x_s, x_t), key=lambda sigma: self._held_out(to_source, few, sigma))
        ratios, log_ratios = _components(to_source, to_target, self.bandwidth_)
        beta, self.gap_ = proportions(_by_rows(log_ratios)[0])
        self._set_weights(ratios @ like(beta, ratios), x_s)
        return self

    def _held_out(self, to_source: Any, to_target: Any, sigma: float) -> float:
        """Mean logarithm of the weights of held-out target samples."""
        xp = namespace(to_target)
        _, log_ratios = _components(to_source, to_target, sigma)
        n, b = log_ratios.shape
        part = np.arange(n) % min(self.folds, n)
        total = 0.0
        for fold in range(part.max() + 1):
            others = np.flatnonzero(part[:b] != fold)  # the first b samples are the centres
            ratios, peak = _by_rows(log_ratios[:, others] if len(others) else log_ratios)
            outside = np.flatnonzero(part == fold)
            beta, _ = proportions(ratios[np.flatnonzero(part != fold)], accuracy=1e-4)
            mixed = ratios[outside] @ like(beta, ratios)
            if float(xp.min(mixed)) <= 0.0:
                return -np.inf
            total += float(xp.sum(xp.log(mixed) + peak[outside]))
        return total / n


def _components(to_source: Any, to_target: Any, sigma: float) -> tuple[Any, Any]:
    """The kernels around the centres, normalised to density ratios by their means over the source.

    Returns:
        ``(n_s, b)`` values at the source, and ``(n_t, b)`` logarithms of those at the target.
    """
    xp = namespace(to_source)
    log_source = to_source / (-2.0 * sigma**2)
    peak = xp.max(log_source, axis=0)
    at_source = xp.exp(log_source - peak)
    mean = xp.mean(at_source, axis=0)
    return at_source / mean, to_target / (-2.0 * sigma**2) - peak - xp.log(mean)


def _by_rows(logarithms: Any) -> tuple[Any, Any]:
    """Exponentials divided by the largest of each row, and the logarithm of that largest one."""
    xp = namespace(logarithms)
    peak = xp.max(logarithms, axis=1)
    return xp.exp(logarithms - peak[:, None]), peak
