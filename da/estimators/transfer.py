"""An estimator and a classifier as one model, which the scikit-learn adapter and the Lightning module use."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from da.domain import Domain, pool
from da.errors import UsageError
from da.estimators.arrays import as_numpy, rows
from da.estimators.base import Estimator, FeatureMapping, Predictor, Weighting, labels_of
from da.estimators.classifiers.choice import settled
from da.estimators.sample_size import warn_if_few
from da.setting import FEW, MANY

SAID = (
    "effective_sample_size_",
    "estimated_sample_size_",
    "trust_",
    "explained_",
    "converged_",
    "marginal_error_",
    "C_",
)
"""Attributes of fitted estimators and classifiers that go into the record of a run."""


class Answer(NamedTuple):
    """Predictions of a model.

    Args:
        features: ``(n, d')`` adapted inputs; sparse if the estimator keeps them so.
        proba: ``(n, K)`` probabilities in the order of ``classes_``, or None where only labels are known.
        labels: ``(n,)`` predicted labels.
    """

    features: Any
    proba: np.ndarray | None
    labels: np.ndarray


class Transfer:
    """Fit an estimator on domains, then a classifier on the adapted source.

    With a mapping the classifier is trained on mapped features, with a weighting on weighted samples; a predictor needs
    no classifier. Where a few target samples are labelled, they train the classifier too, with weight 1 each. Weights
    that the domains themselves have are multiplied with the estimator's, and leave the adaptation as it is. A warning
    is given for an effective sample size below 5 % of the source. Weights that a diagnostic finds misleading
    (``misleads_``) still train the classifier, but are not used to choose its C.

    Args:
        estimator: a closed-form estimator; None trains without adaptation. It is fitted in place, and its parameter
            ``classifier``, if it has one that is None, becomes a copy of this classifier.
        classifier: a scikit-learn classifier or regressor. It is fitted in place, or, where its C is chosen on samples
            other than those that it is trained on, replaced by a copy with this C.
    """

    def __init__(self, estimator: Estimator | None, classifier: Any):
        self.estimator, self.classifier = estimator, classifier
        if estimator is not None and estimator.get_params(deep=False).get("classifier", ...) is None:
            estimator.set_params(classifier=clone(classifier))

    @property
    def classes_(self) -> np.ndarray:
        """The classes of the training labels, in the order of probabilities."""
        model = self.estimator if isinstance(self.estimator, Predictor) else self.classifier
        return np.asarray(model.classes_)

    def fit(self, sources: tuple[Domain, ...], target: Any = None, labelled: Any = None) -> Self:
        """Fit on one or more sources, the target, and the few labelled target samples where they are granted.

        Raises:
            UsageError: samples have weights, or the estimator is a weighting, and the classifier takes none; or samples
                have weights and the estimator is a predictor.
        """
        estimator = self.estimator
        pooled = pool(sources)
        few = estimator is not None and estimator.needs.target_y == FEW
        own = own_weights(pooled, labelled if few else None)
        self._check_weights(own)
        if estimator is not None:
            source = sources if estimator.needs.sources == MANY else pooled
            estimator.fit(source, target, labelled) if few else estimator.fit(source, target)
        size = getattr(estimator, "effective_sample_size_", None)
        if size is not None:
            warn_if_few(size, len(pooled))
        if isinstance(estimator, Predictor):
            return self
        x, y = self.adapted(pooled.x, "source"), labels_of(pooled)
        if few:
            mapped = self.adapted(labelled.x, "target")
            x = sparse.vstack([x, mapped]).tocsr() if sparse.issparse(x) else np.concatenate([x, mapped])
            y = np.concatenate([y, labels_of(labelled, "labelled target")])
        if isinstance(estimator, FeatureMapping) and (unmoved := estimator.unmoved(pooled.x)) is not None:
            units = self.adapted(target.x, "target")
            self.classifier = settled(self.classifier, unmoved, labels_of(pooled), pooled.weight, units_of=units)
        if getattr(estimator, "misleads_", False):
            self.classifier = settled(self.classifier, x, y, own)
        weights = own
        if isinstance(estimator, Weighting):
            found = np.r_[estimator.weights_, np.ones(len(y) - len(estimator.weights_))]
            weights = found if own is None else found * own
        self.classifier.fit(x, y, **({} if weights is None else {"sample_weight": weights}))
        return self

    def _check_weights(self, own: np.ndarray | None) -> None:
        name = type(self.estimator).__name__
        if own is not None and isinstance(self.estimator, Predictor):
            raise UsageError(f"{name} predicts by itself, and takes no sample weights; leave them out.")
        weighs = isinstance(self.estimator, Weighting)
        if (weighs or own is not None) and not has_fit_parameter(self.classifier, "sample_weight"):
            raise UsageError(
                f"{f'{name} weighs samples' if weighs else 'Samples have weights'}, and "
                f"{type(self.classifier).__name__} takes no weights; use a classifier that does, such as logistic."
            )

    def diagnostics(self) -> dict[str, float]:
        """Diagnostics of the estimator and the classifier: attributes in :data:`SAID`, without the last underscore."""
        values: dict[str, float] = {}
        for part in (self.estimator, getattr(self.estimator, "model_", None), self.classifier):
            names = [name for name in SAID if part is not None and hasattr(part, name)]
            values |= {name.rstrip("_"): float(getattr(part, name)) for name in names}
        return values

    def adapted(self, x: Any, domain: str) -> Any:
        """Inputs of the classifier, mapped or unchanged, as a NumPy array on the CPU, or sparse rows."""
        if isinstance(self.estimator, FeatureMapping):
            mapped = self.estimator.transform(x, domain=domain)
            return mapped if sparse.issparse(mapped) else as_numpy(mapped)
        return rows(x)

    def answer(self, x: Any, domain: str = "target") -> Answer:
        """Predict the labels of inputs of a domain."""
        z = self.adapted(x, domain)
        if isinstance(self.estimator, Predictor):
            proba = as_numpy(self.estimator.predict_proba(x))
            return Answer(z, proba, self.classes_[proba.argmax(1)])
        labels = self.classifier.predict(z)
        return Answer(
            z, self.classifier.predict_proba(z) if hasattr(self.classifier, "predict_proba") else None, labels
        )


def own_weights(source: Domain, labelled: Domain | None) -> np.ndarray | None:
    """Weights that the samples have that train a classifier, 1 where a domain has none; None if none has any."""
    parts = [source] if labelled is None else [source, labelled]
    if all(part.weight is None for part in parts):
        return None
    return np.concatenate([np.ones(len(part)) if part.weight is None else as_numpy(part.weight) for part in parts])
