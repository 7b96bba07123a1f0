"""Estimate a transfer's accuracy on the target without the target's labels.

Both criteria train and test models in folds, and so apply to estimators of any kind; higher is better. In a grid
search over a :class:`~da.estimators.adapter.TransferClassifier` they replace accuracy::

    score = DomainScorer(reverse_validation, domain)
    GridSearchCV(TransferClassifier(CORAL()), grid, scoring=score, cv=whole(len(X))).fit(X, y, domain=domain)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_regressor

from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.arrays import as_numpy
from da.estimators.base import Estimator, Weighting, labels_of
from da.estimators.transfer import Transfer
from da.setting import FEW

Criterion = Callable[..., float]


def reverse_validation(
    source: Domain,
    target: Domain,
    *,
    estimator: Estimator | None,
    classifier: BaseEstimator,
    folds: int = 5,
    random_state: int = 0,
) -> float:
    r"""Accuracy on held-out source samples of a reverse model, trained on the target's predicted labels.

    For every fold of the source, h is learned from the rest and the target; then the roles are exchanged: the target,
    labelled by h, is the source of a reverse model, adapted to that rest without its labels and tested on the fold:

    .. math:: R = \frac{1}{k} \sum_{j=1}^{k} \operatorname{accuracy}(h^r_j, F_j), \qquad
        h_j = \operatorname{fit}(S \setminus F_j, T), \quad
        h^r_j = \operatorname{fit}(\{(x, h_j(x))\}_{x \in T}, \{x\}_{x \in S \setminus F_j})

    A model that is consistently wrong on the target is detected only where this makes the reverse model worse. Costs 2k
    trainings.

    Args:
        source: labelled samples.
        target: samples whose labels are not used.
        estimator: a closed-form estimator, not fitted itself; None trains without adaptation.
        classifier: a scikit-learn classifier or regressor, not fitted itself.
        folds: k.
        random_state: of the folds.

    Returns:
        Accuracy on the source in [0, 1]; of a regressor, minus the mean squared error.

    Raises:
        UsageError: the estimator needs labelled target samples, which this criterion does not have.

    Reference: Zhong, Fan, Yang, Verscheure & Ren, Cross validation framework to choose amongst models and datasets for
        transfer learning, ECML PKDD 2010; Bruzzone & Marconcini, IEEE TPAMI 2010 (circular validation); as a rule for
        hyper-parameters, Ganin et al., Domain-adversarial training of neural networks, JMLR 2016.

    Deviates: folds in place of Ganin et al.'s single held-out tenth, without their part of the target for early
        stopping, which nothing here needs; Zhong et al. also weight the source by density ratios.
    """
    _check(estimator)
    y, scores = labels_of(source), []
    for train, test in _folds(y, folds, random_state):
        known = source.take(train)
        predicted = _fit(estimator, classifier, known, target).answer(target.x).labels
        if not is_regressor(classifier) and len(np.unique(predicted)) < 2:
            back = np.full(len(test), predicted[0])  # a single class, so there is nothing to train
        else:
            back = _fit(estimator, classifier, Domain(target.x, predicted), known).answer(source.x[test]).labels
        scores.append(-float(np.mean(_loss(classifier, y[test], back))))
    return float(np.mean(scores)) + (not is_regressor(classifier))


def importance_weighted_validation(
    source: Domain,
    target: Domain,
    *,
    estimator: Estimator | None,
    classifier: BaseEstimator,
    weights: Weighting | Any,
    folds: int = 5,
    random_state: int = 0,
) -> float:
    r"""Cross-validation on the source, each sample weighted by the density ratio of target to source.

    .. math:: \hat R = \frac{1}{k} \sum_{j=1}^{k} \frac{1}{|F_j|} \sum_{(x, y) \in F_j} w(x)\, \ell(h_j(x), y), \qquad
        h_j = \operatorname{fit}(S \setminus F_j, T), \quad w(x) = \frac{p_t(x)}{p_s(x)}

    Under covariate shift, :math:`p_s(y \mid x) = p_t(y \mid x)`, and with the true w this is an unbiased estimate of
    the risk on the target of a model trained on :math:`(k - 1) / k` of the source, while cross-validation without w
    estimates the risk on the source. The models predict the held-out samples as if they were target samples. Costs k
    trainings.

    Args:
        source: labelled samples.
        target: samples whose labels are not used.
        estimator: a closed-form estimator, not fitted itself; None trains without adaptation.
        classifier: a scikit-learn classifier or regressor, not fitted itself.
        weights: ``(n_s,)`` values of w, or the weighting that estimates them from all samples of both domains; with
            its ``min_effective`` above 0 the estimate is biased towards the risk on the source, with less variance.
        folds: k.
        random_state: of the folds.

    Returns:
        1 minus the weighted error of a classifier (which may leave [0, 1], as weights may); of a regressor, minus the
        weighted squared error.

    Raises:
        UsageError: the estimator needs labelled target samples, which this criterion does not have.
        DataError: the number of weights is not that of source samples.

    Reference: Sugiyama, Krauledat & Müller, Covariate shift adaptation by importance weighted cross validation,
        JMLR 8, 2007.
    """
    _check(estimator)
    y, scores = labels_of(source), []
    if isinstance(weights, Weighting):
        weights = clone(weights).fit(source, target.without_labels()).weights_
    w = as_numpy(weights)
    if w.shape != (len(source),):
        raise DataError(f"The source has {len(source)} samples but weights of shape {w.shape}; give one weight each.")
    for train, test in _folds(y, folds, random_state):
        predicted = _fit(estimator, classifier, source.take(train), target).answer(source.x[test]).labels
        scores.append(-float(np.mean(w[test] * _loss(classifier, y[test], predicted))))
    return float(np.mean(scores)) + (not is_regressor(classifier))


class DomainScorer:
    """A criterion as the ``scoring`` of scikit-learn's searches, with :func:`whole` as their ``cv``.

    Args:
        criterion: :func:`reverse_validation`, :func:`importance_weighted_validation`, or one with their arguments.
        domain: ``(n,)`` domain of each sample, as given to the model's ``fit``; 0 and 1 only.
        options: further arguments of the criterion.
    """

    def __init__(self, criterion: Criterion, domain: Any, **options: Any):
        self.criterion, self.domain, self.options = criterion, np.asarray(domain).astype(int), options

    def __call__(self, model: Any, X: Any, y: Any) -> float:
        """Criterion of a transfer model, whose estimator and classifier are trained again on folds of ``(X, y)``."""
        if self.domain.shape != (len(X),):
            raise UsageError(
                f"The scorer knows the domains of {self.domain.size} samples and is asked about {len(X)}; "
                "give the search cv=whole(len(X))."
            )
        if set(np.unique(self.domain)) != {0, 1}:
            raise UsageError("The scorer compares one source, 0, with one target, 1; leave other samples out.")
        X, y, of_source = np.asarray(X), np.asarray(y), self.domain == 0
        known = y[of_source] if is_regressor(model) else np.searchsorted(model.classes_, y[of_source])
        return self.criterion(
            Domain(X[of_source], known),
            Domain(X[~of_source]),
            estimator=model._method(),
            classifier=model._given_classifier(),
            **self.options,
        )


def whole(n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """A single split that trains and scores on all of n samples, for criteria that split by themselves."""
    return [(np.arange(n), np.arange(n))]


def _check(estimator: Estimator | None) -> None:
    if estimator is not None and estimator.needs.target_y == FEW:
        raise UsageError(
            f"{type(estimator).__name__} learns from labelled target samples, and this criterion has none; "
            "hold some of them out and use these."
        )


def _fit(estimator: Estimator | None, classifier: BaseEstimator, source: Domain, target: Domain) -> Transfer:
    model = Transfer(None if estimator is None else clone(estimator), clone(classifier))
    return model.fit((source,), target.without_labels())


def _loss(classifier: BaseEstimator, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.square(truth - predicted) if is_regressor(classifier) else (truth != predicted).astype(np.float64)


def _folds(y: np.ndarray, folds: int, random_state: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training and test indices of stratified folds, whose sizes differ by at most one sample."""
    if not 2 <= folds <= len(y):
        raise DataError(f"{len(y)} source samples do not make {folds} folds; give folds from 2 to {len(y)}.")
    order = np.random.default_rng(random_state).permutation(len(y))
    of = np.empty(len(y), dtype=int)
    of[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y)) % folds
    for fold in range(folds):
        yield np.flatnonzero(of != fold), np.flatnonzero(of == fold)
