"""Closed-form transfer as a single scikit-learn classifier or regressor, for pipelines and grid searches.

With scikit-learn's metadata routing, ``domain`` passed to a pipeline, a search or another estimator around these
reaches their ``fit`` and ``score`` unasked; ``sample_weight`` is requested as of any estimator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from da.domain import Domain, dense
from da.errors import UsageError
from da.estimators.base import Estimator, Predictor
from da.estimators.classifiers.linear import LogisticRegression
from da.estimators.named import by_name
from da.estimators.roles import (
    LABELLED,
    TARGET,
    counted,
    covered,
    filler_of,
    missing,
    named,
    read,
    warn_if_numbered,
    warn_if_unused,
    warn_of_filler,
)
from da.estimators.subspace.unadapted import Unadapted
from da.estimators.transfer import Transfer
from da.estimators.weighted_pipeline import weighable
from da.setting import FEW


class _Adapter(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    __metadata_request__fit = {"domain": True}  # scikit-learn reads these of the class
    __metadata_request__predict = {"domain": True}
    __metadata_request__score = {"domain": True}
    filler_: Any = None

    def __init__(
        self,
        estimator: Estimator | str | None = None,
        classifier: BaseEstimator | None = None,
        convention: str = "da",
    ):
        self.estimator, self.classifier, self.convention = estimator, classifier, convention

    def set_params(self, **params: Any) -> Self:
        """Set parameters; one of a method given by name (``estimator__...``) puts the method in the name's place."""
        given = params.get("estimator", self.estimator)
        if isinstance(given, str) and any(name.startswith("estimator__") for name in params):
            params = params | {"estimator": by_name(given)}
        super().set_params(**params)
        return self

    def _method(self) -> Estimator | None:
        """The estimator as an object."""
        return by_name(self.estimator) if isinstance(self.estimator, str) else self.estimator

    def _default(self) -> BaseEstimator:
        raise NotImplementedError

    def _given_classifier(self) -> BaseEstimator:
        return self._default() if self.classifier is None else self.classifier  # ensembles have no truth value

    def _masked(self, label: Any) -> bool:
        """Whether skada's convention masks a label that is not missing."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _rows(self, X: Any) -> Any:
        """Keep sparse rows where the classifier supports them, else convert them to dense ones."""
        takes = get_tags(self._given_classifier()).input_tags.sparse
        return X if takes else dense(X)

    def _checked(self, X: Any) -> Any:
        """Samples that a fitted model is asked about, as it takes them."""
        check_is_fitted(self)
        return self._rows(validate_data(self, X, reset=False, accept_sparse="csr"))

    def _read(self, domain: Any, y: Any, *, asked: bool = False) -> np.ndarray | None:
        """The role of each sample; of those that a fitted model is asked about, any labels may be known."""
        few = asked or bool((self._method() or Unadapted).needs.target_y == FEW)
        return read(domain, y, self.convention, few=few, masked=self._masked, partial=asked)

    def _fit(self, X: Any, y: Any, domain: np.ndarray, weight: np.ndarray | None) -> None:
        method = self._method()
        few = method is not None and method.needs.target_y == FEW
        self.domains_ = named(domain)
        if not few:
            domain = np.where(domain == LABELLED, TARGET, domain)
        estimator: Estimator | None = clone(method or Unadapted())
        X = self._rows(X)
        part = {}
        for role in np.unique(domain):
            rows = domain == role
            part[role] = Domain(X[rows], y[rows], None if weight is None else weight[rows])
        labelled, target = part.pop(LABELLED, None), part.pop(TARGET, None)
        if (labelled if few else target) is None:
            warn_if_unused(method, target)
            estimator = None
        sources = tuple(part[role] for role in sorted(part, reverse=True))
        model = Transfer(estimator, weighable(clone(self._given_classifier())))
        model.fit(sources, None if target is None else Domain(target.x), labelled)
        self.model_, self.estimator_, self.classifier_ = model, model.estimator, model.classifier

    def _answered(self, X: Any, domain: Any, answer: Callable[[Any, str], np.ndarray]) -> np.ndarray:
        """What the model answers about samples of the target, or of the domains given.

        Args:
            X: ``(n, d)`` samples.
            domain: as in :meth:`fit`; None is the target.
            answer: function of samples of ``"source"`` or ``"target"``.
        """
        X = self._checked(X)
        roles = self._read(domain, None, asked=True)
        if roles is None:
            return answer(X, "target")
        of_source = counted(roles, X.shape[0]) <= 0
        parts = [(of_source, "source"), (~of_source, "target")]
        answers = [(rows, answer(X[rows], side)) for rows, side in parts if rows.any()]
        whole = np.empty((len(of_source), *answers[0][1].shape[1:]), dtype=answers[0][1].dtype)
        for rows, values in answers:
            whole[rows] = values
        return whole

    def _refuse_unlabelled(self, y: Any, domain: Any) -> None:
        """Refuse to score samples of the unlabelled target, whose labels are fillers."""
        labels = np.asarray(y, dtype=object)
        roles = self._read(domain, y, asked=True)
        if labels.ndim != 1:
            return  # refused by the score
        unlabelled = np.array([self._fills(label) for label in labels.tolist()], dtype=bool)
        if roles is not None:
            unlabelled |= counted(roles, len(labels)) == TARGET
        if unlabelled.any():
            raise UsageError(
                f"{unlabelled.sum()} of the {len(labels)} samples to score are of the unlabelled target, and what "
                "stands for their labels is a filler: score labelled samples (`cv=TransferKFold(...)` tests on no "
                "others), the target without labels by a TransferScorer, or, where target labels are known, pass these "
                "with domain 'labelled_target' or none."
            )

    def _fills(self, label: Any) -> bool:
        return missing(label) or (self.filler_ is not None and bool(label == self.filler_))


def _weights(sample_weight: Any, X: Any) -> np.ndarray:
    weights: np.ndarray = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return weights


def _has_probabilities(adapter: Any) -> bool:
    return isinstance(adapter._method(), Predictor) or _has_of_classifier("predict_proba")(adapter)


def _has_of_classifier(name: str) -> Callable[[Any], bool]:
    return lambda adapter: hasattr(adapter._given_classifier(), name)


def _has_margins(adapter: Any) -> bool:
    return not isinstance(adapter._method(), Predictor) and _has_of_classifier("decision_function")(adapter)


class TransferClassifier(ClassifierMixin, _Adapter):  # type: ignore[misc]  # scikit-learn is untyped
    """Closed-form transfer and a classifier with ``fit(X, y, domain=...)`` and ``predict(X)``.

    Args:
        estimator: a closed-form mapping, weighting or predictor, or its name as in ``method=NAME``, which stands for it
            at its defaults; None trains on the source without adaptation.
        classifier: a scikit-learn classifier, or a pipeline that ends in one; None is logistic regression, whose C is
            chosen by cross-validation.
        convention: meaning of ``domain`` where it is numbers. It is not inferred from signs, as +1 is the target for
            ``"da"`` and a source for ``"skada"``:

            - ``"da"``: 0 for source samples, -1, -2, ... without a gap for further sources, 1 for target samples, and 2
              for target samples whose label may be used.
            - ``"skada"``: positive whole numbers for sources, negative ones for target samples. Labels of target
              samples are masked by -1; unmasked ones are used where the estimator needs a few, and refused elsewhere,
              where it would not be clear whether they are meant to be used.

            Words mean the same under either: ``"source"`` (``"source2"``, ``"source3"``, ... for further sources),
            ``"target"``, and ``"labelled_target"`` for target samples whose label may be used.

    Attributes:
        classes_: the classes of labelled samples, sorted.
        domains_: number of samples of each domain by its word.
        estimator_: what was fitted to the domains; None where there was no target.
        classifier_: what was trained on the adapted source.
        filler_: the label that all unlabelled target samples had, where no labelled one had it; None otherwise. Such
            labels, missing ones, and -1 where it is no class, are refused by :meth:`score`.

    What fills the labels of unlabelled samples is not used, but other code reads ``y`` too. Best is a value that is no
    class, such as -1, which :meth:`score` refuses; a warning is given where it is a class. ``VotingClassifier`` and
    ``CalibratedClassifierCV`` take all values that they find in ``y`` for classes: to them alone give the label of one.

    ``scoring="accuracy"`` and other names of metrics know no domains: fillers in test folds of ``cv=5`` are scored in
    silence, and held-out source samples answered as the target's. Score by the default or a ``TransferScorer``
    (:mod:`da.analysis.scorers`), on folds of a :class:`~da.estimators.splitter.TransferKFold`.

    The target below is ``3 t + 5`` where the source is ``t``, which a linear map of means and covariances undoes:

    >>> t = np.r_[np.linspace(-2.0, -1.0, 10), np.linspace(1.0, 2.0, 10)]
    >>> X = np.concatenate([t, 3 * t + 5])[:, None]
    >>> y = np.concatenate([t > 0, np.full(20, -1)]).astype(int)
    >>> domain = np.repeat(["source", "target"], 20)
    >>> model = TransferClassifier("ot_linear").fit(X, y, domain=domain)
    >>> model.predict([[4.5], [5.5]]).tolist()
    [0, 1]
    >>> TransferClassifier().fit(X, y, domain=domain).predict([[4.5], [5.5]]).tolist()  # not adapted
    [1, 1]

    Cross-validation tests on labelled samples, here the source's. They are answered as such where metadata routing
    passes their domain to ``score``, else as samples of the target:

    >>> from sklearn import config_context
    >>> from sklearn.model_selection import cross_val_score
    >>> from da.estimators.splitter import TransferKFold
    >>> with config_context(enable_metadata_routing=True):
    ...     cross_val_score(model, X, y, cv=TransferKFold(2), params={"domain": domain}).tolist()
    [1.0, 1.0]
    """

    __metadata_request__predict_proba = {"domain": True}
    __metadata_request__decision_function = {"domain": True}

    def _default(self) -> BaseEstimator:
        return LogisticRegression()

    def _masked(self, label: Any) -> bool:
        return bool(label == -1)

    def _fills(self, label: Any) -> bool:
        return super()._fills(label) or (label == -1 and -1 not in self.classes_.tolist())

    def fit(self, X: Any, y: Any, domain: Any = None, sample_weight: Any = None) -> Self:
        """Adapt and train the classifier.

        Args:
            X: ``(n, d)`` samples of both domains.
            y: ``(n,)`` labels; those of unlabelled target samples are not used.
            domain: ``(n,)`` whole numbers, read by ``convention``, or words; None trains on all samples as source.
            sample_weight: ``(n,)`` weights of the samples that the classifier is trained on, as they are, without
                scaling; None is 1 each. A weighting's, whose mean is 1 over the source, are multiplied with them. The
                adaptation itself counts each sample once, and weights of unlabelled target samples are not used.

        Raises:
            UsageError: ``domain`` has a misspelt word, there is no method of the estimator's name, or weights are
                given to an estimator that predicts by itself or a classifier that takes none.
            ValueError: ``domain`` does not follow the convention, or the source has a single class.
        """
        roles = self._read(domain, y)
        filler = None
        if roles is not None:
            filler = filler_of(y, roles == TARGET)
            y = covered(y, roles == TARGET)
        X, y = validate_data(self, X, y, accept_sparse="csr")
        check_classification_targets(y)
        roles = counted(roles, X.shape[0])
        weight = None if sample_weight is None else _weights(sample_weight, X)
        known = roles != TARGET
        self.classes_ = np.unique(y[known])
        taught = np.unique(y[(roles <= 0) & (True if weight is None else weight > 0.0)])
        if len(taught) < 2:
            which = taught[0] if len(taught) else "none of weight above 0"
            raise ValueError(f"The source has {len(taught)} class ({which}); a classifier needs at least 2.")
        is_class = filler in self.classes_.tolist()
        if is_class:
            warn_of_filler(filler, int((~known).sum()), "-1")
        warn_if_numbered(filler, self.classes_)
        self.filler_ = None if is_class else filler
        self._fit(X, np.searchsorted(self.classes_, y), roles, weight)
        return self

    def predict(self, X: Any, domain: Any = None) -> np.ndarray:
        """``(n,)`` labels of target samples, or of samples of the domains given as in :meth:`fit`."""
        return self._answered(X, domain, lambda rows, side: self.classes_[self.model_.answer(rows, side).labels])

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    def predict_proba(self, X: Any, domain: Any = None) -> np.ndarray:
        """``(n, K)`` probabilities of target samples, in the order of ``classes_``; samples as in :meth:`predict`.

        Available where the classifier has them, or the estimator is a predictor. A class that occurs in labelled
        target samples only, or that no part of the model was trained on, has probability 0.
        """
        return self._answered(
            X, domain, lambda rows, side: self._by_class(np.asarray(self.model_.answer(rows, side).proba), 0.0)
        )

    @available_if(_has_margins)  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    def decision_function(self, X: Any, domain: Any = None) -> np.ndarray:
        """The classifier's margins for samples as in :meth:`predict`: ``(n,)`` for two classes, else ``(n, K)``.

        Available where the classifier has it and the estimator is no predictor. Of classes that it was not trained on
        the margin is minus infinity.
        """

        def margins(rows: Any, side: str) -> np.ndarray:
            margin = np.asarray(self.model_.classifier.decision_function(self.model_.adapted(rows, side)))
            if len(self.model_.classes_) == len(self.classes_):
                return margin
            return self._by_class(np.stack([-margin, margin], axis=1) if margin.ndim == 1 else margin, -np.inf)

        return self._answered(X, domain, margins)

    def _by_class(self, values: np.ndarray, otherwise: float) -> np.ndarray:
        """Columns of the model's classes among those of ``classes_``."""
        spread = np.full((len(values), len(self.classes_)), otherwise)
        spread[:, np.asarray(self.model_.classes_, dtype=int)] = values
        return spread

    def score(self, X: Any, y: Any, sample_weight: Any = None, domain: Any = None) -> float:
        """Accuracy in [0, 1] on labelled samples.

        Args:
            X: ``(n, d)`` samples.
            y: ``(n,)`` labels.
            sample_weight: ``(n,)`` weights, or None.
            domain: as in :meth:`fit`; source samples are then answered as such. None: all are the target's.

        Raises:
            UsageError: samples are of the unlabelled target, by ``domain`` or by a label that :meth:`fit` saw as a
                filler.
        """
        check_is_fitted(self)
        self._refuse_unlabelled(y, domain)
        return float(accuracy_score(y, self.predict(X, domain), sample_weight=sample_weight))


class TransferRegressor(RegressorMixin, _Adapter):  # type: ignore[misc]  # scikit-learn is untyped
    """Closed-form transfer and a regressor with ``fit(X, y, domain=...)`` and ``predict(X)``.

    Args:
        estimator: a closed-form estimator that uses no classes, or its name; None trains on the source without
            adaptation.
        classifier: a scikit-learn regressor, or a pipeline that ends in one; None is ridge regression.
        convention: meaning of ``domain``, as in :class:`TransferClassifier`; ``"skada"`` masks labels by NaN.

    Labels of unlabelled target samples are best filled with NaN; a warning is given where they are one number.
    """

    def _default(self) -> BaseEstimator:
        return Ridge()

    def _masked(self, label: Any) -> bool:
        return False

    def fit(self, X: Any, y: Any, domain: Any = None, sample_weight: Any = None) -> Self:
        """Adapt and train the regressor; arguments as in :meth:`TransferClassifier.fit`, with numbers as labels.

        Raises:
            UsageError: as of :meth:`TransferClassifier.fit`.
            ValueError: ``domain`` does not follow the convention.
        """
        roles = self._read(domain, y)
        if roles is not None:
            hidden = roles == TARGET
            if (filler := filler_of(y, hidden)) is not None:
                warn_of_filler(filler, int(hidden.sum()), "NaN")
            y = covered(y, hidden)
        X, y = validate_data(self, X, y, y_numeric=True, accept_sparse="csr")
        weight = None if sample_weight is None else _weights(sample_weight, X)
        self._fit(X, np.asarray(y, dtype=np.float64), counted(roles, X.shape[0]), weight)
        return self

    def predict(self, X: Any, domain: Any = None) -> np.ndarray:
        """``(n,)`` values for target samples, or for samples of the domains given as in :meth:`fit`."""

        def values(rows: Any, side: str) -> np.ndarray:
            estimator = self.model_.estimator
            return (
                estimator.predict(rows) if isinstance(estimator, Predictor) else self.model_.answer(rows, side).labels
            )

        return self._answered(X, domain, values)

    def score(self, X: Any, y: Any, sample_weight: Any = None, domain: Any = None) -> float:
        """The coefficient of determination on labelled samples; arguments as in :meth:`TransferClassifier.score`.

        Raises:
            UsageError: samples are of the unlabelled target, by ``domain`` or by a missing label.
        """
        check_is_fitted(self)
        self._refuse_unlabelled(y, domain)
        return float(r2_score(y, self.predict(X, domain), sample_weight=sample_weight))
