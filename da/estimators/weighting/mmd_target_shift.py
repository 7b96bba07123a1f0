"""Target shift by matching kernel means."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np

from da.bounds import Bound, NonNegative, Positive, ProperFraction
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import matched
from da.estimators.kernels import gaussian, median_bandwidth
from da.estimators.weighting.label_shift import LabelShift, bounded
from da.search_space import log_uniform
from da.setting import ALL, Access

ROWS = 512


class MMDTargetShift(LabelShift):
    r"""Estimate the target's class priors by matching kernel means; no classifier is needed.

    .. math:: \min_w \Big\| \sum_c p_c w_c \hat\mu_c - \hat\mu_t \Big\|^2 \quad
       \text{s.t. } 0 \le w_c \le B, \; \Big| \sum_c p_c w_c - 1 \Big| \le \epsilon, \qquad
       \hat\mu_c = \frac{1}{n_c + \lambda} \sum_{y_i = c} k(x^s_i, \cdot)

    with a Gaussian kernel k; a quadratic programme in K weights. Costs :math:`O(n_s (n_s + n_t) d)` time, and memory
    for 512 rows of a kernel matrix.

    Args:
        bandwidth: :math:`\sigma` of :math:`k(a, b) = e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance of pooled samples.
        regularization: :math:`\lambda` of the conditional mean, in samples.
        limit: B, the largest ratio of priors.
        slack: :math:`\epsilon`; None is :math:`B / (4 \sqrt{n_s})`, as the paper proposes.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).

    Reference: Zhang, Schölkopf, Muandet & Wang, Domain adaptation under target and conditional shift, ICML 2013,
    section 3, for a discrete label with the Kronecker delta kernel.

    Deviates: solved for the K weights of the classes, to which the paper's :math:`n_s` weights reduce. Where class
    means are equal up to rounding, weights stay near 1.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"regularization": log_uniform(1e-3, 1e2)}

    def __init__(
        self,
        *,
        bandwidth: Positive | None = None,
        regularization: NonNegative = 0.1,
        limit: Annotated[float, Bound(least=1)] = 10.0,
        slack: NonNegative | None = None,
        min_effective: ProperFraction | Literal["auto"] = "auto",
    ):
        self.bandwidth, self.regularization, self.limit, self.slack = bandwidth, regularization, limit, slack
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``class_weights_``, ``target_priors_`` and ``weights_``.

        Raises:
            UsageError: ``bandwidth`` is not above 0, ``regularization`` below 0, or ``limit`` below 1.
        """
        x_s, x_t = matched(source, target)
        index, priors = self._classes(source)
        sigma = median_bandwidth(namespace(x_s).concat([x_s, x_t])) if self.bandwidth is None else self.bandwidth
        if sigma <= 0 or self.regularization < 0 or self.limit < 1:
            raise UsageError(
                f"MMDTargetShift needs bandwidth > 0, regularization >= 0 and limit >= 1, got {sigma}, "
                f"{self.regularization} and {self.limit}."
            )
        counts = priors * len(index)
        mixing = like(np.eye(len(priors))[index] * (priors / (counts + self.regularization)), x_s)
        gram, cross = _means(x_s, mixing, x_t, sigma)
        slack = self.limit / (4.0 * np.sqrt(len(index))) if self.slack is None else self.slack
        self._set_class_weights(_programme(gram, cross, priors, self.limit, slack), index, priors, x_s, x_t)
        return self


def _means(x_s: Any, mixing: Any, x_t: Any, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """``(K, K)`` products of kernel means, weighted by columns of ``mixing``, and ``(K,)`` with the target's mean."""
    gram, cross = 0.0, 0.0
    for start in range(0, x_s.shape[0], ROWS):
        rows, part = x_s[start : start + ROWS], mixing[start : start + ROWS].T
        gram = gram + part @ (gaussian(rows, x_s, sigma) @ mixing)
        cross = cross + part @ namespace(x_t).mean(gaussian(rows, x_t, sigma), axis=1)
    return as_numpy(gram), as_numpy(cross)


def _programme(gram: np.ndarray, cross: np.ndarray, priors: np.ndarray, limit: float, slack: float) -> np.ndarray:
    r""":math:`\arg\min_w \tfrac12 w^\top G w - c^\top w`, with w in [0, limit] and its mean within slack of 1."""
    values, vectors = np.linalg.eigh(gram)
    nonzero = values > 1e-13 * values.max()
    root = np.sqrt(values[nonzero])[:, None] * vectors[:, nonzero].T
    goal = vectors[:, nonzero].T @ cross / np.sqrt(values[nonzero]) - root.sum(1)  # in terms of w - 1
    ridge = 1e-12 * np.trace(gram)
    change = bounded(root, goal, -1.0, limit - 1.0, ridge)
    excess = priors @ change
    if abs(excess) > slack:  # the nearer bound is active: enforce it by a row of large weight
        weight = 1e5 * np.sqrt(np.trace(gram)) / np.linalg.norm(priors)
        rows = np.vstack([root, weight * priors])
        change = bounded(rows, np.r_[goal, weight * np.sign(excess) * slack], -1.0, limit - 1.0, ridge)
    return 1.0 + change
