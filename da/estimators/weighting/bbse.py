"""Black-box shift estimation."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import ProperFraction
from da.domain import Domain
from da.estimators.base import matched
from da.estimators.weighting.label_shift import LabelShift, confusion, cross_outputs
from da.search_space import choice
from da.setting import ALL, Access


class BBSE(LabelShift):
    r"""Estimate the target's class priors from a classifier's confusion matrix (black box shift estimation).

    .. math:: \hat C_{ij} = \frac{1}{n_s} \#\{f(x^s) = i, y = j\}, \qquad
       \hat\mu_i = \frac{1}{n_t} \#\{f(x^t) = i\}, \qquad \hat w = \hat C^{-1} \hat\mu

    Costs 5 trainings of the classifier and :math:`O(K^3)`.

    Args:
        classifier: f, which need not be accurate, but whose predictions must differ between classes; None is the run's
            classifier, or, outside a run, logistic regression on standardised inputs.
        soft: average f's probabilities instead of its labels.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).

    Reference: Lipton, Wang & Smola, Detecting and correcting for label shift with black box predictors, ICML 2018.

    Deviates: the paper trains f on one half of the source and estimates C on the other. Here C is from five-fold
    cross-validation, so that all samples count, and :math:`\mu` is the mean of the five classifiers. Directions in
    which C is singular up to rounding keep :math:`w = 1`; weights below 0 become 0.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"soft": choice(False, True)}

    def __init__(
        self,
        *,
        classifier: BaseEstimator | None = None,
        soft: bool = False,
        min_effective: ProperFraction | Literal["auto"] = "auto",
    ):
        self.classifier, self.soft = classifier, soft
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``confusion_`` ``(K, K)``, ``class_weights_``, ``target_priors_`` and ``weights_``."""
        x_s, x_t = matched(source, target)
        index, priors = self._classes(source)
        self.confusion_, answers = confusion(cross_outputs(self.classifier, x_s, index, x_t, soft=self.soft), index)
        change = np.linalg.pinv(self.confusion_, rcond=1e-10) @ (answers - self.confusion_.sum(1))
        self._set_class_weights(1.0 + change, index, priors, x_s, x_t)
        return self
