"""Regularised learning under label shift."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import Fraction, NonNegative, OpenFraction, ProperFraction
from da.domain import Domain
from da.errors import UsageError
from da.estimators.base import matched
from da.estimators.weighting.label_shift import LabelShift, bounded, confusion, cross_outputs
from da.search_space import log_uniform
from da.setting import ALL, Access


class RLLS(LabelShift):
    r"""Estimate the target's class priors by black box shift estimation with a regulariser for small samples.

    .. math:: \hat\theta = \arg\min_{\theta \ge -1} \|\hat C \theta - (\hat\mu - \hat C 1)\|_2 + \alpha \Delta
       \|\theta\|_2, \qquad w = 1 + \gamma \hat\theta, \qquad
       \Delta = 3 \Big( \frac{2 \log(2K / \delta)}{3 n_s} + \sqrt{\frac{2 \log(2K / \delta)}{n_s}} \Big)

    with C and :math:`\mu` as in :class:`~da.estimators.weighting.bbse.BBSE`, which is the limit for
    :math:`\alpha = 0`. Neither norm is squared, so that small shifts, which may be noise, are estimated as 0. Costs 5
    trainings of the classifier and :math:`O(K^3)` a step of a bisection.

    Args:
        classifier: None is the run's classifier, or, outside a run, logistic regression on standardised inputs.
        alpha: strength of the penalty, in units of the bound :math:`\Delta` on the error of C.
        gamma: factor of the estimated shift, in [0, 1].
        delta: probability with which :math:`\Delta` may fail.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).

    Reference: Azizzadenesheli, Liu, Yang & Anandkumar, Regularized learning for domain adaptation under label shifts,
    ICLR 2019; :math:`\Delta` and the default of ``alpha`` as in its authors' code.

    Deviates: C is estimated by five-fold cross-validation instead of on a held-out half.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"alpha": log_uniform(1e-4, 10.0)}

    def __init__(
        self,
        *,
        classifier: BaseEstimator | None = None,
        alpha: NonNegative = 0.01,
        gamma: Fraction = 1.0,
        delta: OpenFraction = 0.05,
        min_effective: ProperFraction | Literal["auto"] = "auto",
    ):
        self.classifier, self.alpha, self.gamma, self.delta = classifier, alpha, gamma, delta
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``confusion_`` ``(K, K)``, ``class_weights_``, ``target_priors_`` and ``weights_``.

        Raises:
            UsageError: ``alpha`` is below 0, ``gamma`` outside [0, 1], or ``delta`` outside (0, 1).
        """
        if self.alpha < 0 or not 0 <= self.gamma <= 1 or not 0 < self.delta < 1:
            raise UsageError(
                f"RLLS needs alpha >= 0, gamma in [0, 1] and delta in (0, 1), got {self.alpha}, {self.gamma} and "
                f"{self.delta}."
            )
        x_s, x_t = matched(source, target)
        index, priors = self._classes(source)
        self.confusion_, answers = confusion(cross_outputs(self.classifier, x_s, index, x_t, soft=False), index)
        bound = np.log(2.0 * len(priors) / self.delta) / len(index)
        rho = self.alpha * 3.0 * (2.0 * bound / 3.0 + np.sqrt(2.0 * bound))
        theta = sum_of_norms(self.confusion_, answers - self.confusion_.sum(1), rho)
        self._set_class_weights(1.0 + self.gamma * theta, index, priors, x_s, x_t)
        return self


def sum_of_norms(c: np.ndarray, b: np.ndarray, rho: float) -> np.ndarray:
    r""":math:`\arg\min_{\theta \ge -1} \|C \theta - b\|_2 + \rho \|\theta\|_2`.

    The solution is that of a ridge regression of strength :math:`\rho \|C \theta - b\| / \|\theta\|`, which is
    determined by bisection.
    """
    if not b.any() or rho * np.linalg.norm(b) >= np.linalg.norm(c.T @ b):
        return np.zeros(c.shape[1])  # 0 is optimal: no step away from it lowers the objective
    low, high = np.log(1e-14), np.log(1e8)
    for _ in range(100):
        middle = 0.5 * (low + high)
        theta = bounded(c, b, -1.0, np.inf, np.exp(middle))
        small = np.exp(middle) * np.linalg.norm(theta) < rho * np.linalg.norm(c @ theta - b)
        low, high = (middle, high) if small else (low, middle)
        if high - low < 1e-12:
            break
    return bounded(c, b, -1.0, np.inf, np.exp(0.5 * (low + high)))
