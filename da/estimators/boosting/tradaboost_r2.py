"""Boosting for regression transfer."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeRegressor

from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import rows
from da.estimators.base import Predictor
from da.estimators.boosting.pooling import adjusted, check_learner, normalized, pooled, trained, weighted_median
from da.search_space import choice
from da.setting import ALL, FEW, Access

LEAST_ERROR = 1e-10


class TrAdaBoostR2(Predictor):
    r"""TrAdaBoost for regression: boost a regressor on source and few target samples together.

    .. math:: e_i = \frac{|y_i - h_t(x_i)|}{\max_j |y_j - h_t(x_j)|}, \quad
       \epsilon_t = \frac{\sum_{i \in T} w_i e_i}{\sum_{i \in T} w_i}, \quad
       \beta_t = \frac{\epsilon_t}{1 - \epsilon_t}, \qquad
       w_i \leftarrow w_i \begin{cases} \beta^{e_i} & i \in S \\ \beta_t^{-e_i} & i \in T \end{cases}

    with :math:`\beta = 1 / (1 + \sqrt{2 \ln n_s / N})`, until N rounds are done or :math:`\epsilon_t \ge 1/2`. The
    prediction is the median of the second half of the learners, weighted by :math:`\ln 1 / \beta_t`. Costs N trainings
    of the regressor.

    Args:
        classifier: a *regressor*, which without ``resample`` must take sample weights, passed with mean 1; None is the
            regressor of :class:`~da.estimators.adapter.TransferRegressor`, or, outside of it, a regression tree of
            depth 6.
        n_estimators: N.
        resample: train on samples drawn by their weights, as AdaBoost.R2 does (which makes the learners more diverse
            and improves their median), not on weighted samples.
        random_state: of the draws.

    Reference: Pardoe & Stone, Boosting for regression transfer, ICML 2010.

    Deviates: if the first round already has :math:`\epsilon_t \ge 1/2`, the prediction is that of its learner. An error
    of 0 counts as 1e-10.
    """

    needs = Access(source_y=ALL, target_y=FEW)
    search_space = {"n_estimators": choice(20, 50, 100)}
    regression: ClassVar[bool] = True

    def __init__(
        self,
        *,
        classifier: BaseEstimator | None = None,
        n_estimators: int = 50,
        resample: bool = True,
        random_state: int = 0,
    ):
        self.classifier, self.n_estimators, self.resample, self.random_state = (
            classifier,
            n_estimators,
            resample,
            random_state,
        )

    def fit(self, source: Domain, target: Any, labelled: Any = None) -> Self:
        """Learn ``learners_``, their ``votes_``, and ``weights_`` (n_s + m,), source first.

        Raises:
            UsageError: ``n_estimators`` is below 1, or the learner takes no sample weights.
        """
        if self.n_estimators < 1:
            raise UsageError(f"TrAdaBoostR2 needs at least 1 estimator, got {self.n_estimators}.")
        x, y, n = pooled(source, labelled)
        y = y.astype(np.float64)
        learner = DecisionTreeRegressor(max_depth=6, random_state=0) if self.classifier is None else self.classifier
        rng = np.random.default_rng(self.random_state) if self.resample else None
        if rng is None:
            check_learner(learner, "TrAdaBoostR2")
        beta = 1.0 / (1.0 + np.sqrt(2.0 * np.log(n) / self.n_estimators))
        weights = np.ones(len(y))
        learners: list[Any] = []
        votes: list[float] = []
        for _ in range(self.n_estimators):
            fitted = trained(learner, x, y, weights, rng)
            wrong = adjusted(y, fitted.predict(x))
            error = max(float(np.average(wrong[n:], weights=weights[n:])), LEAST_ERROR)
            if error >= 0.5:
                break
            learners.append(fitted)
            votes.append(np.log((1.0 - error) / error))
            weights = normalized(weights * np.r_[beta ** wrong[:n], np.exp(votes[-1] * wrong[n:])])
        first = max(-(-len(learners) // 2) - 1, 0)
        self.learners_ = learners[first:] or [fitted]
        self.votes_: np.ndarray = np.array(votes[first:] or [1.0])
        self.weights_ = weights
        return self

    def predict(self, x: Any) -> np.ndarray:
        """``(n,)`` values of target inputs."""
        x = rows(x)
        return weighted_median(np.stack([h.predict(x) for h in self.learners_]), self.votes_)
