"""Closed-form transfer as a single scikit-learn classifier or regressor, for pipelines and grid searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from da.domain import Domain, dense
from da.estimators.base import Estimator, Predictor
from da.estimators.classifiers.linear import LogisticRegression
from da.estimators.subspace.unadapted import Unadapted
from da.estimators.transfer import Transfer
from da.setting import FEW

TARGET, LABELLED = 1, 2
CONVENTIONS = {
    "da": "0 for source samples (-1, -2, ... without a gap for further sources), 1 for target samples, and 2 for "
    "target samples whose label may be used",
    "skada": "positive whole numbers for sources and negative ones for target samples, whose labels are masked (-1, or "
    "NaN where labels are numbers) unless the estimator needs a few of them",
}


class WeightedPipeline(Pipeline):  # type: ignore[misc]  # scikit-learn is untyped
    """A pipeline whose last step is trained with the sample weights passed to ``fit``."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit all steps, the last with the weights."""
        weights = {} if sample_weight is None else {f"{self.steps[-1][0]}__sample_weight": sample_weight}
        super().fit(X, y, **weights)
        return self


def weighable(classifier: BaseEstimator) -> BaseEstimator:
    """Wrap a pipeline whose last step takes sample weights so that it takes them too; others are returned unchanged."""
    if isinstance(classifier, Pipeline) and has_fit_parameter(classifier.steps[-1][1], "sample_weight"):
        return WeightedPipeline(classifier.steps, memory=classifier.memory)
    return classifier


class _Adapter(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    def __init__(
        self,
        estimator: Estimator | None = None,
        classifier: BaseEstimator | None = None,
        convention: str = "da",
    ):
        self.estimator, self.classifier, self.convention = estimator, classifier, convention

    @property
    def _few(self) -> bool:
        return self.estimator is not None and bool(self.estimator.needs.target_y == FEW)

    def _default(self) -> BaseEstimator:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _rows(self, X: Any) -> Any:
        """Keep sparse rows where the classifier supports them, else convert them to dense ones."""
        takes = get_tags(self.classifier or self._default()).input_tags.sparse
        return X if takes else dense(X)

    def _fit(self, X: Any, y: Any, domain: np.ndarray) -> None:
        few = self._few
        if not few:
            domain = np.where(domain == LABELLED, TARGET, domain)
        estimator: Estimator | None = clone(self.estimator or Unadapted())
        X = self._rows(X)
        part = {role: Domain(X[domain == role], y[domain == role]) for role in np.unique(domain)}
        labelled, target = part.pop(LABELLED, None), part.pop(TARGET, None)
        if (labelled if few else target) is None:
            estimator = None
        sources = tuple(part[role] for role in sorted(part, reverse=True))
        model = Transfer(estimator, weighable(clone(self.classifier or self._default())))
        model.fit(sources, None if target is None else target.without_labels(), labelled)
        self.model_, self.estimator_, self.classifier_ = model, model.estimator, model.classifier


def _has_probabilities(adapter: Any) -> bool:
    classifier = adapter.classifier or adapter._default()
    return isinstance(adapter.estimator, Predictor) or hasattr(classifier, "predict_proba")


class TransferClassifier(ClassifierMixin, _Adapter):  # type: ignore[misc]  # scikit-learn is untyped
    """Closed-form transfer and a classifier with ``fit(X, y, domain=...)`` and ``predict(X)``.

    Args:
        estimator: a closed-form mapping, weighting or predictor; None trains on the source without adaptation.
        classifier: a scikit-learn classifier; None is logistic regression, whose C is chosen by cross-validation.
        convention: meaning of ``domain``. It is not inferred from signs, as +1 is the target for ``"da"`` and a source
            for ``"skada"``:

            - ``"da"``: 0 for source samples, -1, -2, ... without a gap for further sources, 1 for target samples, and 2
              for target samples whose label may be used.
            - ``"skada"``: positive whole numbers for sources, negative ones for target samples. Labels of target
              samples are masked by -1; unmasked ones are used where the estimator needs a few, and refused elsewhere,
              where it would not be clear whether they are meant to be used.

    The target below is ``3 t + 5`` where the source is ``t``, which a linear map of means and covariances undoes:

    >>> from da.estimators.transport.ot_linear import LinearTransport
    >>> t = np.linspace(-1.0, 1.0, 20)
    >>> X = np.concatenate([t, 3 * t + 5])[:, None]
    >>> y = np.concatenate([t > 0, np.zeros(20)]).astype(int)  # labels of the target (domain 1) are not used
    >>> model = TransferClassifier(LinearTransport()).fit(X, y, domain=np.repeat([0, 1], 20))
    >>> model.predict([[4.5], [5.5]]).tolist()
    [0, 1]
    >>> TransferClassifier().fit(X, y, domain=np.repeat([0, 1], 20)).predict([[4.5], [5.5]]).tolist()  # not adapted
    [1, 1]
    """

    def _default(self) -> BaseEstimator:
        return LogisticRegression()

    def fit(self, X: Any, y: Any, domain: Any = None) -> Self:
        """Adapt and train the classifier.

        Args:
            X: ``(n, d)`` samples of both domains.
            y: ``(n,)`` labels; those of unlabelled target samples are not used.
            domain: ``(n,)`` whole numbers, read by ``convention``; None trains on all samples as source.

        Raises:
            ValueError: ``domain`` does not follow the convention, or the source has a single class.
        """
        roles = read(domain, y, self.convention, few=self._few, masked=lambda label: label == -1)
        if roles is not None:
            y = _covered(y, roles == TARGET)
        X, y = validate_data(self, X, y, accept_sparse="csr")
        check_classification_targets(y)
        roles = _counted(roles, X.shape[0])
        known = roles != TARGET
        self.classes_ = np.unique(y[known])
        if len(np.unique(y[roles <= 0])) < 2:
            raise ValueError(f"The source has 1 class ({y[roles <= 0][0]}); a classifier needs at least 2.")
        self._fit(X, np.searchsorted(self.classes_, y), roles)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """``(n,)`` labels of target samples."""
        check_is_fitted(self)
        X = self._rows(validate_data(self, X, reset=False, accept_sparse="csr"))
        predicted: np.ndarray = self.classes_[self.model_.answer(X).labels]
        return predicted

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    def predict_proba(self, X: Any) -> np.ndarray:
        """``(n, K)`` probabilities of target samples, in the order of ``classes_``.

        Available where the classifier has them, or the estimator is a predictor. A class that occurs in labelled
        target samples only, or that no part of the model was trained on, has probability 0.
        """
        check_is_fitted(self)
        X = self._rows(validate_data(self, X, reset=False, accept_sparse="csr"))
        proba = np.zeros((X.shape[0], len(self.classes_)))
        proba[:, np.asarray(self.model_.classes_, dtype=int)] = self.model_.answer(X).proba
        return proba


class TransferRegressor(RegressorMixin, _Adapter):  # type: ignore[misc]  # scikit-learn is untyped
    """Closed-form transfer and a regressor with ``fit(X, y, domain=...)`` and ``predict(X)``.

    Args:
        estimator: a closed-form estimator that uses no classes; None trains on the source without adaptation.
        classifier: a scikit-learn regressor; None is ridge regression.
        convention: meaning of ``domain``, as in :class:`TransferClassifier`; ``"skada"`` masks labels by NaN.
    """

    def _default(self) -> BaseEstimator:
        return Ridge()

    def fit(self, X: Any, y: Any, domain: Any = None) -> Self:
        """Adapt and train the regressor; arguments as in :meth:`TransferClassifier.fit`, with numbers as labels.

        Raises:
            ValueError: ``domain`` does not follow the convention.
        """
        roles = read(domain, y, self.convention, few=self._few, masked=lambda label: False)
        if roles is not None:
            y = _covered(y, roles == TARGET)
        X, y = validate_data(self, X, y, y_numeric=True, accept_sparse="csr")
        self._fit(X, np.asarray(y, dtype=np.float64), _counted(roles, X.shape[0]))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """``(n,)`` values for target samples."""
        check_is_fitted(self)
        X = self._rows(validate_data(self, X, reset=False, accept_sparse="csr"))
        estimator = self.model_.estimator
        if isinstance(estimator, Predictor):
            return estimator.predict(X)
        predicted: np.ndarray = self.model_.answer(X).labels
        return predicted


def read(domain: Any, y: Any, convention: str, *, few: bool, masked: Callable[[Any], bool]) -> np.ndarray | None:
    """The role of each sample: 0, -1, -2, ... for sources, 1 for the target, 2 where a target label may be used.

    Args:
        domain: as given; None stays None.
        y: the labels; under skada's convention they show which ones are masked.
        convention: one of :data:`CONVENTIONS`.
        few: whether the estimator needs a few target labels.
        masked: function of a label that returns whether it is masked; missing values always are.

    Raises:
        ValueError: ``domain`` does not follow the convention; the message explains both conventions.
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"convention={convention!r} is unknown; give {' or '.join(map(repr, CONVENTIONS))}.")
    if domain is None:
        return None
    values = np.asarray(domain)
    if (
        values.dtype.kind not in "iuf"
        or values.ndim != 1
        or not (np.isfinite(values) & (values == np.round(values))).all()
    ):
        raise ValueError(_outside(convention, "it must be one whole number a sample"))
    roles = values.astype(int)
    if convention == "da":
        sources = np.unique(roles[roles <= 0])
        if not len(sources) or sources[-1] != 0:
            raise ValueError(_outside(convention, "no sample is of source 0"))
        if len(sources) != 1 - sources[0]:
            raise ValueError(_outside(convention, f"its sources {sources[::-1].tolist()} have a gap"))
        if (roles > LABELLED).any():
            raise ValueError(_outside(convention, f"{roles.max()} is neither a source nor a target"))
        return roles
    if (roles == 0).any():
        raise ValueError(_outside(convention, "0 is neither a source nor a target"))
    if not (roles > 0).any():
        raise ValueError(_outside(convention, "it has no source"))
    numbers = {number: -k for k, number in enumerate(np.unique(roles[roles > 0]).tolist())}
    converted = np.array([numbers.get(number, TARGET) for number in roles.tolist()])
    labels = np.asarray(y, dtype=object)
    if labels.shape == roles.shape:  # other shapes are refused later
        known = np.array([not (_missing(label) or masked(label)) for label in labels]) & (converted == TARGET)
        if known.any() and not few:
            raise ValueError(_outside(convention, f"{known.sum()} target samples have labels that are not masked"))
        converted[known] = LABELLED
    return converted


def _missing(label: Any) -> bool:
    return label is None or (isinstance(label, float | np.floating) and bool(np.isnan(label)))


def _outside(convention: str, what: str) -> str:
    """The message for a domain that does not follow a convention."""
    both = "; ".join(f"convention={name!r} reads {meaning}" for name, meaning in CONVENTIONS.items())
    return f"`domain` does not follow convention={convention!r}: {what}. {both}."


def _counted(roles: np.ndarray | None, n: int) -> np.ndarray:
    if roles is None:
        return np.zeros(n, dtype=int)
    if roles.shape != (n,):
        raise ValueError(f"`domain` needs one entry a sample, got {len(roles)} for {n}.")
    return roles


def _covered(y: Any, hidden: np.ndarray) -> np.ndarray:
    """Replace the target's labels, which may be anything, even missing values, by one of the known labels."""
    y = np.asarray(y)
    if hidden.shape != y.shape or hidden.all():
        return y  # refused later, where the inputs are known as well
    known = np.array(y[~hidden].tolist())  # without what was missing, objects may turn out to be numbers
    covered = np.full(y.shape, known[0], dtype=known.dtype)
    covered[~hidden] = known
    return covered
