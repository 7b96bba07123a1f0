"""Discriminative density ratio."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from da.bounds import Positive, PositiveOrInf, ProperFraction
from da.domain import Domain
from da.estimators.arrays import as_numpy
from da.estimators.base import Weighting, matched
from da.search_space import log_uniform
from da.setting import ALL, Access


class LogisticRatio(Weighting):
    r"""Estimate the density ratio by a logistic regression that discriminates target from source.

    .. math:: w(x) = \frac{p_t(x)}{p_s(x)} = \frac{n_s}{n_t} \frac{P(\text{target} \mid x)}{P(\text{source} \mid x)}

    Costs :math:`O((n_s + n_t) d)` an iteration, on the CPU.

    Args:
        C: inverse strength of the regression's l2 penalty, on standardised inputs.
        limit: largest weight before normalisation; None for no limit.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).

    Reference: Bickel, Brückner & Scheffer, Discriminative learning under covariate shift, JMLR 2009, eq. 12.

    Deviates: the ratio is fitted first and the task second; the paper also solves both jointly.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"C": log_uniform(1e-3, 1e2)}

    def __init__(
        self,
        *,
        C: PositiveOrInf = 1.0,
        limit: Positive | None = None,
        min_effective: ProperFraction | Literal["auto"] = "auto",
    ):  # scikit-learn's name
        self.C, self.limit = C, limit
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``model_`` and ``weights_``."""
        x_s, x_t = (as_numpy(x) for x in matched(source, target))
        is_target = np.r_[np.zeros(len(x_s)), np.ones(len(x_t))]
        self.model_ = make_pipeline(StandardScaler(), LogisticRegression(C=self.C, max_iter=1000))
        self.model_.fit(np.vstack([x_s, x_t]), is_target)
        log_ratio = self.model_.decision_function(x_s) + np.log(len(x_s) / len(x_t))
        ratio = np.exp(np.clip(log_ratio, -500.0, 500.0))
        self._set_weights(ratio if self.limit is None else np.minimum(ratio, self.limit), x_s)
        return self
