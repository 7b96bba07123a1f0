"""Two-stage boosting for regression transfer."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Self

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


class Boosted(NamedTuple):
    """An ensemble of regressors that predicts the median of their values, weighted by votes."""

    learners: list[Any]
    votes: np.ndarray

    def predict(self, x: Any) -> np.ndarray:
        """``(n,)`` predicted values."""
        return weighted_median(np.stack([h.predict(x) for h in self.learners]), self.votes)


class TwoStageTrAdaBoostR2(Predictor):
    r"""Shift weight from source to target in steps, and select the step with the least error on the target.

    In step t of S the source's weights are lowered to :math:`w_i \beta_t^{e_i}`, with :math:`e_i` the error relative
    to the largest and :math:`\beta_t` such that the target's share of the weight rises evenly:

    .. math:: \frac{\sum_{i \in T} w_i}{\sum_i w_i} = \frac{m}{n + m} + \frac{t}{S - 1} \Big( 1 - \frac{m}{n + m} \Big)

    At every step AdaBoost.R2 is run from there, with the source's weights frozen, and scored by cross-validation over
    the m target samples. Costs about S F N trainings of the regressor.

    Args:
        classifier: a *regressor*, which without ``resample`` must take sample weights, passed with mean 1; None is the
            regressor of :class:`~da.estimators.adapter.TransferRegressor`, or, outside of it, a regression tree of
            depth 6.
        n_estimators: N, of each AdaBoost.R2.
        steps: S, at least 2.
        folds: F of the cross-validation; at most m.
        resample: train on samples drawn by their weights, as AdaBoost.R2 does (which makes the learners more diverse
            and improves their median), not on weighted samples.
        random_state: of the draws.

    Reference: Pardoe & Stone, Boosting for regression transfer, ICML 2010.

    Deviates: the largest error is taken over samples of non-negligible weight. Where :math:`\beta_t = 0` does not
    suffice, because all remaining source samples have no error, their weights are lowered by a common factor. Folds are
    taken in turn from the target samples sorted by value; the score is the mean squared error. Rounds of AdaBoost.R2
    end where the weighted error of all samples is at least 1/2, but at least one learner is kept; raised weights of
    target samples are normalised by the target's sum, not by that of all.
    """

    needs = Access(source_y=ALL, target_y=FEW)
    search_space = {"steps": choice(5, 10, 20)}
    regression: ClassVar[bool] = True

    def __init__(
        self,
        *,
        classifier: BaseEstimator | None = None,
        n_estimators: int = 20,
        steps: int = 10,
        folds: int = 5,
        resample: bool = True,
        random_state: int = 0,
    ):
        self.classifier, self.n_estimators, self.steps, self.folds = classifier, n_estimators, steps, folds
        self.resample, self.random_state = resample, random_state

    def fit(self, source: Domain, target: Any, labelled: Any = None) -> Self:
        """Learn ``scores_`` (S,), ``step_`` of the least, its ``booster_`` and initial ``weights_`` (n_s + m,).

        Raises:
            UsageError: ``n_estimators`` is below 1, or ``steps`` or ``folds`` below 2, or the learner takes no sample
                weights.
        """
        if self.n_estimators < 1 or self.steps < 2 or self.folds < 2:
            raise UsageError(
                f"TwoStageTrAdaBoostR2 needs n_estimators >= 1, steps >= 2 and folds >= 2, got "
                f"{self.n_estimators}, {self.steps} and {self.folds}."
            )
        x, y, n = pooled(source, labelled)
        y = y.astype(np.float64)
        m = len(y) - n
        learner = DecisionTreeRegressor(max_depth=6, random_state=0) if self.classifier is None else self.classifier
        rng = np.random.default_rng(self.random_state) if self.resample else None
        if rng is None:
            check_learner(learner, "TwoStageTrAdaBoostR2")
        fold = np.full(len(y), -1)
        fold[n + np.argsort(y[n:], kind="stable")] = np.arange(m) % self.folds
        weights = np.full(len(y), 1.0 / len(y))
        self.scores_ = np.full(self.steps, np.inf)
        self.step_, self.weights_ = 0, normalized(weights)
        for t in range(self.steps):
            squared = np.zeros(len(y))
            for k in np.unique(fold[n:]):
                held = fold == k
                booster = boost(learner, x[~held], y[~held], weights[~held], n, self.n_estimators, rng)
                squared[held] = np.square(booster.predict(x[held]) - y[held])
            self.scores_[t] = squared[n:].mean()
            if self.scores_[t] < self.scores_[self.step_]:
                self.step_, self.weights_ = t, normalized(weights)
            if t + 1 < self.steps:
                fitted = trained(learner, x, y, normalized(weights), rng)
                share = m / (n + m) + (t + 1) / (self.steps - 1) * n / (n + m)
                weights = lower_source(weights, adjusted(y, fitted.predict(x), weights), n, share)
        self.booster_ = boost(learner, x, y, self.weights_, n, self.n_estimators, rng)
        return self

    def predict(self, x: Any) -> np.ndarray:
        """``(n,)`` values of target inputs."""
        return self.booster_.predict(rows(x))


def boost(
    learner: Any, x: Any, y: np.ndarray, weights: np.ndarray, n: int, n_estimators: int, rng: np.random.Generator | None
) -> Boosted:
    """AdaBoost.R2 with the first ``n`` weights fixed; the others are updated and keep their sum."""
    learners: list[Any] = []
    votes: list[float] = []
    weights = weights / weights.sum() if weights.any() else np.full(len(weights), 1.0 / len(weights))
    share = weights[n:].sum()
    for _ in range(n_estimators):
        fitted = trained(learner, x, y, normalized(weights), rng)
        wrong = adjusted(y, fitted.predict(x), weights)
        error = max(float(weights @ wrong), LEAST_ERROR)
        if error >= 0.5:
            break
        learners.append(fitted)
        votes.append(np.log((1.0 - error) / error))
        raised = weights[n:] * np.exp(-votes[-1] * (1.0 - wrong[n:]))
        if not raised.any():  # no target sample, or all of them fitted without error
            break
        weights = np.r_[weights[:n], raised * (share / raised.sum())]
    return Boosted(learners, np.array(votes)) if learners else Boosted([fitted], np.ones(1))


def lower_source(weights: np.ndarray, wrong: np.ndarray, n: int, share: float) -> np.ndarray:
    r"""Lower the source's weights by :math:`\beta^{e}` to a target share ``share`` of a sum of 1, by bisection."""
    source, target = weights[:n], weights[n:].sum()
    goal = target * (1.0 / share - 1.0)  # sum of the source's weights for this share at fixed target weights
    low, high = 0.0, 1.0
    for _ in range(200):
        beta = 0.5 * (low + high)
        low, high = (beta, high) if source @ beta ** wrong[:n] < goal else (low, beta)
    lowered = source * high ** wrong[:n]
    if lowered.sum() > 0.0:
        lowered = lowered * (goal / lowered.sum())  # bisection's remainder, or samples that beta = 0 does not lower
    new: np.ndarray = np.r_[lowered, weights[n:]]
    return new / new.sum()
