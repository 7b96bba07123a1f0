"""Boosting for transfer learning."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.svm import LinearSVC

from da.bounds import Count
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.arrays import rows
from da.estimators.base import Predictor
from da.estimators.boosting.pooling import check_learner, normalized, pooled
from da.estimators.classifiers.choice import settled
from da.estimators.sample_size import effective_sample_size
from da.search_space import choice
from da.setting import ALL, FEW, Access

LEAST_ERROR = 1e-10


class TrAdaBoost(Predictor):
    r"""Boost on source and few target samples, lowering weights of misclassified source samples (TrAdaBoost).

    .. math:: \epsilon_t = \frac{\sum_{i \in T} w_i |h_t(x_i) - y_i|}{\sum_{i \in T} w_i}, \quad
       \beta_t = \frac{\epsilon_t}{1 - \epsilon_t}, \quad \beta = \frac{1}{1 + \sqrt{2 \ln n_s / N}}, \qquad
       w_i \leftarrow w_i \begin{cases} \beta^{|h_t(x_i) - y_i|} & i \in S \\ \beta_t^{-|h_t(x_i) - y_i|} & i \in T
       \end{cases}

    after which the learners of the second half, t = ⌈N/2⌉ to N, vote with weights :math:`\ln 1 / \beta_t`. The first
    learners must be better than chance on the target: a source that contradicts it altogether is not down-weighted.
    Costs N trainings of the classifier. Sparse inputs stay sparse.

    Args:
        classifier: learner that takes sample weights, passed with mean 1; None is the run's classifier, or, outside a
            run, a linear SVM (squared hinge loss) with C = 1 / mean :math:`\|x\|^2`.
        n_estimators: N.
        confidence: use :math:`h_t(x)` in [0, 1], the learner's probability of the class, or its margin f as
            (1 + f) / 2, clipped; false uses 0 or 1. With false, a learner that fits the few target samples without
            error ends boosting: in high dimensions that is every linear learner, in the first round.

    Reference: Dai, Yang, Xue & Yu, Boosting for transfer learning, ICML 2007.

    Deviates: the paper is for two classes; with K, as in SAMME (Zhu et al., Multi-class AdaBoost, 2009),
    :math:`\beta_t = \epsilon_t / ((1 - \epsilon_t)(K - 1))`, which is the paper's for K = 2. It requires
    :math:`\epsilon_t < 1/2`: a round no better than chance (1 - 1/K) has no vote here and keeps the target's weights.
    An error of 0 counts as 1e-10. The paper trains on weights that sum to 1.
    """

    needs = Access(source_y=ALL, target_y=FEW)
    search_space = {"n_estimators": choice(20, 50, 100)}
    corrects = ("rotation",)
    trains_weighted = True

    def __init__(self, *, classifier: BaseEstimator | None = None, n_estimators: Count = 100, confidence: bool = True):
        self.classifier, self.n_estimators, self.confidence = classifier, n_estimators, confidence

    def fit(self, source: Domain, target: Any, labelled: Any = None) -> Self:
        """Learn ``learners_``, their ``votes_`` and ``errors_`` (N,), and ``weights_`` (n_s + m,), source first.

        ``effective_sample_size_`` is that of the source's final weights, ``C_`` the learners', if they have one.

        Raises:
            UsageError: ``n_estimators`` is below 1, or the learner takes no sample weights.
            DataError: all samples are of one class.
        """
        if self.n_estimators < 1:
            raise UsageError(f"TrAdaBoost needs at least 1 estimator, got {self.n_estimators}.")
        x, y, n = pooled(source, labelled)
        self.classes_, index = np.unique(y, return_inverse=True)
        size = len(self.classes_)
        if size < 2:
            raise DataError(f"All samples are of class {self.classes_[0]}; TrAdaBoost needs at least two classes.")
        learner = linear_svm(x) if self.classifier is None else self.classifier
        check_learner(learner, "TrAdaBoost")
        learner = settled(learner, x, index)
        beta = 1.0 / (1.0 + np.sqrt(2.0 * np.log(n) / self.n_estimators))
        weights = np.ones(len(y))
        self.learners_: list[Any] = []
        self.votes_, self.errors_ = np.zeros(self.n_estimators), np.zeros(self.n_estimators)
        for t in range(self.n_estimators):
            fitted = clone(learner).fit(x, index, sample_weight=weights)
            wrong = 1.0 - self._share(fitted, x)[np.arange(len(y)), index]
            self.learners_.append(fitted)
            self.errors_[t] = np.average(wrong[n:], weights=weights[n:])
            error = np.clip(self.errors_[t], LEAST_ERROR, 1.0 - 1.0 / size)
            self.votes_[t] = max(np.log((1.0 - error) / error * (size - 1)), 0.0)
            weights = normalized(weights * np.r_[beta ** wrong[:n], np.exp(self.votes_[t] * wrong[n:])])
        self.weights_, self.effective_sample_size_ = weights, effective_sample_size(weights[:n])
        if isinstance(C := learner.get_params().get("C"), int | float):
            self.C_ = float(C)
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        """``(n, K)`` shares of the weighted vote of the second half of the learners."""
        first = -(-self.n_estimators // 2) - 1
        votes = self.votes_[first:] if self.votes_[first:].any() else np.ones(self.n_estimators - first)
        x = rows(x)
        shares = [vote * self._share(h, x) for vote, h in zip(votes, self.learners_[first:], strict=True)]
        total: np.ndarray = np.sum(shares, axis=0) / votes.sum()
        return total

    def _share(self, learner: Any, x: Any) -> np.ndarray:
        """``(n, K)`` vote of a learner for each class, in rows that sum to 1."""
        if self.confidence and hasattr(learner, "predict_proba"):
            proba: np.ndarray = learner.predict_proba(x)
            return proba
        hot: np.ndarray = np.eye(len(self.classes_))[learner.predict(x)]
        if not self.confidence or not hasattr(learner, "decision_function"):
            return hot
        margin = learner.decision_function(x)
        if margin.ndim == 1:
            margin = np.c_[-margin, margin]
        share = np.clip((1.0 + margin) / 2.0, 0.0, 1.0)
        total = share.sum(1, keepdims=True)
        return np.where(total > 0.0, share / np.where(total > 0.0, total, 1.0), hot)


def linear_svm(x: Any) -> LinearSVC:
    """A linear support vector machine with C in units of the mean squared length of ``(n, d)`` inputs."""
    values = x.data if sparse.issparse(x) else x
    size = float(np.square(values).sum() / x.shape[0]) or 1.0
    return LinearSVC(C=1.0 / size, intercept_scaling=np.sqrt(size), dual="auto", max_iter=10000, random_state=0)
