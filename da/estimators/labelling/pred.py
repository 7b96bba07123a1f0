"""Predictions of a source classifier as features."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier

from da.domain import Domain
from da.estimators.base import Predictor, labels_of, matched
from da.estimators.labelling.parts import dense, labels_to_tell_apart, probabilities, trained
from da.search_space import choice
from da.setting import ALL, FEW, Access


class PRED(Predictor):
    r"""Train on the few labelled target samples, with a source classifier's predictions as further features.

    .. math:: h_t : (x,\ e_{h_s(x)}) \mapsto y

    with :math:`e_c` the c-th of K unit vectors. If the few samples are all of one class, this class is predicted. Costs
    one training on the source and one on the few samples.

    Args:
        soft: use the source classifier's K probabilities in place of the unit vector of its predicted class.
        classifier: template of both classifiers; None is logistic regression.

    Reference: the "Pred" baseline of Daumé, Frustratingly easy domain adaptation, ACL 2007.
    """

    needs = Access(source_y=ALL, target_y=FEW)
    search_space = {"soft": choice(False, True)}
    corrects = ("concept", "rotation")

    def __init__(self, *, soft: bool = False, classifier: BaseEstimator | None = None):
        self.soft, self.classifier = soft, classifier

    def fit(self, source: Domain, target: Any, labelled: Any = None) -> Self:
        """Learn ``source_model_`` and ``model_``; the unlabelled target is not used."""
        x_s, x_l = map(dense, matched(source, labelled))
        y_s, y_l = labels_to_tell_apart(source), labels_of(labelled, "labelled target")
        self.classes_ = np.union1d(y_s, y_l)
        self.source_model_ = trained(self.classifier, x_s, y_s)
        one_class = len(np.unique(y_l)) < 2
        model = DummyClassifier(strategy="prior") if one_class else self.classifier
        self.model_ = trained(model, self._augmented(x_l), y_l)
        return self

    def _augmented(self, x: np.ndarray) -> np.ndarray:
        if self.soft:
            return np.hstack([x, probabilities(self.source_model_, x, self.classes_)])
        return np.hstack([x, self.source_model_.predict(x)[:, None] == self.classes_])

    def predict_proba(self, x: Any) -> np.ndarray:
        return probabilities(self.model_, self._augmented(dense(x)), self.classes_)
