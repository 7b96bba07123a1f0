"""How strongly to regularise a classifier: chosen by cross-validation on the samples that it is trained on."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal, Self, TypeVar

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from da.errors import UsageError
from da.estimators.base import effective_sample_size
from da.estimators.folds import folds_of, stratified

GRID = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
FOLDS = 5
ROWS = 2000
BRIEF: dict[str, dict[str, Any]] = {
    "LogisticRegression": {"max_iter": 100, "tol": 1e-3, "warm_start": True},
    "LinearSVC": {"max_iter": 200, "tol": 1e-2},
    "SVC": {"max_iter": 20_000},
}
"""How classifiers are trained that are only compared."""

T = TypeVar("T")


class ChosenC:
    r"""A classifier of scikit-learn whose ``C`` may be ``"cv"``: then ``fit`` chooses it, and leaves it in ``C_``.

    .. math:: C = \min \Big\{ C : a_C \ge \hat a - \sqrt{\tfrac{\hat a (1 - \hat a)}{n}} \Big\}, \quad
        \hat a = \max_C a_C, \quad
        a_C = \frac{1}{\sum_i w_i} \sum_k \sum_{i \in F_k} w_i \, [\, h_C^{(k)}(x_i) = y_i ], \quad
        h_C^{(k)} = \operatorname{fit}(\{1, \dots, n\} \setminus F_k, w)

    over C = 0.01, 0.1, ..., 1000 and five folds, with the sample weights w, or 1, and n the effective sample size of
    these: the simplest model that is not worse than the best by more than the standard error (Breiman, Friedman, Olshen
    & Stone, Classification and regression trees, 1984). It is 1 where the samples do not make two folds of two classes.
    Folds hold every class evenly and depend on the samples, not on their order; beyond 2000 samples, a stratified 2000
    of them are looked at. No label but those that ``fit`` is given is seen.

    Costs at most 30 fits on four fifths of the samples, each started from the one before where the classifier can be:
    values beyond one of 100 per cent, or beyond two in turn that are worse than the best, are not tried. Rows with more
    than twice as many features as samples are first turned into the space that they span, where the fits are the same.
    On tables of Office-Caltech10, Amazon reviews, MNIST and USPS, and WISDM that is 0.1 to 0.5 s for logistic
    regression, 0.1 to 1.3 s for the support vector machine; a method that trains the classifier on new features in each
    of its rounds (JDA and its kin) chooses in the first of them.
    """

    C: float | Literal["cv"]
    C_: float

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose ``C_`` where C is ``"cv"``, and train."""
        chosen = self.settled(X, y, sample_weight)
        given, self.C = self.C, chosen.C
        try:
            super().fit(X, y, sample_weight)  # type: ignore[misc]  # the classifier stands behind this class
        finally:
            self.C = given
        self.C_ = float(chosen.C)
        return self

    def settled(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """A copy, not trained, whose C is a number: chosen on these samples where it is ``"cv"``.

        Raises:
            UsageError: C is neither ``"cv"`` nor above 0.
        """
        C = choose(self, X, y, sample_weight) if self.C == "cv" else self.C
        if not isinstance(C, int | float) or C <= 0:
            raise UsageError(f"C must be a number above 0, or 'cv' to choose it by cross-validation, got {C!r}.")
        copy: Self = clone(self).set_params(C=C)
        return copy


def settled(classifier: T, x: Any, y: Any, sample_weight: Any = None) -> T:
    """A copy of a classifier that is to be trained many times on much the same samples: what it chooses is chosen here.

    Classifiers that choose nothing come back as they are.
    """
    return classifier.settled(x, y, sample_weight) if isinstance(classifier, ChosenC) else classifier


def choose(classifier: Any, x: Any, y: Any, sample_weight: Any = None) -> float:
    """The smallest C of :data:`GRID` that cross-validation does not tell from the best.

    Args:
        classifier: what is to be trained; it is left alone.
        x: ``(n, d)``, dense or sparse.
        y: ``(n,)`` labels.
        sample_weight: ``(n,)`` or None for ones; samples of weight 0 are left out.
    """
    _, index = np.unique(y, return_inverse=True)
    weights = np.ones(len(index)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    used = np.flatnonzero(weights > 0.0)
    x, index, weights = x[used], index[used], weights[used]
    picked = stratified(x, index, ROWS)
    x, index, weights = x[picked], index[picked], weights[picked]
    fold = folds_of(x, index, FOLDS)
    if not sparse.issparse(x):
        x = spanned(np.asarray(x, dtype=np.float64))
    parts = [(fold != k, fold == k) for k in range(FOLDS)]
    parts = [(train, held) for train, held in parts if held.any() and len(np.unique(index[train])) > 1]
    if not parts:
        return 1.0
    models = [_brief(classifier, scale_of(x)) for _ in parts]
    products = models[0].get_params().get("kernel") == "precomputed"
    if products:
        x = x @ x.T
        x = x.toarray() if sparse.issparse(x) else x

    def known(asked: np.ndarray, train: np.ndarray) -> Any:
        return x[asked][:, train] if products else x[asked]

    shares: list[float] = []
    total = sum(float(weights[held].sum()) for _, held in parts)
    for C in GRID:
        right = 0.0
        for model, (train, held) in zip(models, parts, strict=True):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # fits that are only compared are cut short
                model.set_params(C=C).fit(known(train, train), index[train], sample_weight=weights[train])
            right += float(weights[held] @ (model.predict(known(held, train)) == index[held]))
        shares.append(round(right / total, 12))  # sums of weights are equal to rounding
        if shares[-1] == 1.0 or (len(shares) > 2 and max(shares[-2:]) < max(shares)):
            break
    best = max(shares)
    error = math.sqrt(best * (1.0 - best) / effective_sample_size(weights))
    return next(C for C, share in zip(GRID, shares, strict=False) if share >= best - error)


def spanned(x: np.ndarray) -> np.ndarray:
    """Wide rows in coordinates of the space that they span, in which products are the same; others as they are."""
    n, d = x.shape
    return np.asarray(np.linalg.qr(x.T, mode="r")).T if d > 2 * n else x


def scale_of(x: Any) -> float:
    """The largest root mean square of a feature."""
    squares = x.multiply(x) if sparse.issparse(x) else np.square(x)
    return float(np.sqrt(np.asarray(squares.mean(axis=0)).max()))


def _brief(classifier: Any, scale: float) -> Any:
    """A copy of scikit-learn's own class that is trained only to be compared.

    Its gradients are as large as the features are: a tolerance for features of size 1 would end at once on small ones.
    """
    kind = next(c for c in type(classifier).__mro__ if c.__name__ in BRIEF and c.__module__.startswith("sklearn."))
    options = classifier.get_params() | {"C": 1.0} | BRIEF[kind.__name__]
    if options.get("warm_start"):
        options["tol"] *= min(scale, 1.0)
    if options.get("kernel") == "linear":
        options["kernel"] = "precomputed"  # one product of all rows for all fits
    return kind(**options)
