"""Self-training."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import Count, Fraction
from da.domain import Domain
from da.errors import UsageError
from da.estimators.base import Predictor, matched
from da.estimators.classifiers.choice import settled
from da.estimators.labelling.parts import dense, labels_to_tell_apart, probabilities, trained
from da.search_space import choice, uniform
from da.setting import ALL, Access


class SelfTraining(Predictor):
    r"""Train on the source and on a growing share of the most confident pseudo-labelled target samples.

    Round t of T selects, of the :math:`n_c` target samples that :math:`h_{t-1}` predicts as c, the most confident t/T:

    .. math:: S_t = \bigcup_c \{x : h_{t-1}(x) = c,\ P_{t-1}(c \mid x) \ge \max(\kappa_{t,c}, \tau)\}, \qquad
        |\{x : P_{t-1}(c \mid x) \ge \kappa_{t,c}\}| = \lceil t\, n_c / T \rceil

    and trains :math:`h_t` on the source together with the pseudo-labelled :math:`S_t`. The same share of every class is
    selected, so that an easy class does not dominate; labels are predicted again in every round. It stops after T
    rounds, or once all samples above the threshold are selected and keep their labels. Costs T + 1 trainings of the
    classifier.

    Args:
        rounds: T, number of rounds; the last one selects every sample above the threshold.
        threshold: :math:`\tau`, the least probability of a selected sample.
        classifier: the classifier to train, with probabilities or margins (whose softmax replaces them); None is
            logistic regression.

    Reference: Zou et al., Unsupervised domain adaptation for semantic segmentation via class-balanced self-training,
        ECCV 2018; the idea is Scudder's, Probability of error of some adaptive pattern-recognition machines, IEEE
        Transactions on Information Theory 1965.

    Deviates: the share grows from 1/T to all, where the paper's goes from 20 to 50 per cent in steps of 5; a sample
        has the class that the classifier predicts, where the paper first divides each probability by the class's
        threshold; samples that tie at the threshold are all selected, so that their order does not matter.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"rounds": choice(5, 10, 20), "threshold": uniform(0.0, 0.9)}

    def __init__(self, *, rounds: Count = 10, threshold: Fraction = 0.0, classifier: BaseEstimator | None = None):
        self.rounds, self.threshold, self.classifier = rounds, threshold, classifier

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``model_``, ``added_`` (samples selected in each round) and ``labels_`` (n_t; -1: not selected).

        Raises:
            UsageError: ``rounds`` is below 1.
        """
        if self.rounds < 1:
            raise UsageError(f"self_training needs at least one round, got rounds={self.rounds}.")
        x_s, x_t = map(dense, matched(source, target))
        y_s = labels_to_tell_apart(source)
        self.classes_ = np.unique(y_s)
        classifier = settled(self.classifier, x_s, y_s)
        self.model_ = trained(classifier, x_s, y_s)
        self.labels_, self.added_ = np.full(len(x_t), -1), []
        for t in range(1, self.rounds + 1):
            proba = probabilities(self.model_, x_t, self.classes_)
            taken = surest(proba, t / self.rounds) & (proba.max(1) >= self.threshold)
            labels = np.where(taken, self.classes_[proba.argmax(1)], -1)
            same = np.array_equal(labels, self.labels_)
            if not taken.any() or (same and taken.sum() == (proba.max(1) >= self.threshold).sum()):
                break
            self.labels_ = labels
            self.added_.append(int(taken.sum()))
            if not same:
                self.model_ = trained(classifier, np.vstack([x_s, x_t[taken]]), np.r_[y_s, labels[taken]])
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        return probabilities(self.model_, dense(x), self.classes_)


def surest(proba: np.ndarray, share: float) -> np.ndarray:
    """``(n,)`` whether a sample is among the most confident ``share``, rounded up, of its predicted class."""
    best, predicted = proba.max(1), proba.argmax(1)
    taken = np.zeros(len(proba), dtype=bool)
    for c in np.unique(predicted):
        of_class = predicted == c
        descending = -np.sort(-best[of_class])
        taken |= of_class & (best >= descending[int(np.ceil(share * len(descending) - 1e-9)) - 1])
    return taken
