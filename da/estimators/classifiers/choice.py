"""Choose the regularisation of a classifier by cross-validation on its training samples."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar, Literal, Self, TypeVar

import numpy as np
from scipy import sparse
from sklearn import linear_model
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from da.errors import UsageError
from da.estimators.classifiers.recalls import Recalls
from da.estimators.classifiers.sizes import change_of_size, decades_of, size_of, unit_of
from da.estimators.folds import folds_of, stratified

LEAST, USUAL, MOST = 0, 3, 6  # powers of ten, in units of the features' size
FOLDS = 5
ROWS = 2000
TOLERANCE = 1e-3
BIAS = "intercept_scaling"  # value of the constant feature whose weight is the bias, where that is penalised
BRIEF: dict[str, dict[str, Any]] = {
    "LogisticRegression": {"max_iter": 100, "tol": TOLERANCE, "warm_start": True},
    "LinearSVC": {"max_iter": 200, "tol": 1e-4},
    "SVC": {"max_iter": 20_000},
}
"""Parameters of classifiers that are trained only to compare values of C."""

T = TypeVar("T")


class ChosenC:
    r"""A classifier of scikit-learn whose ``C`` may be ``"cv"``: then ``fit`` chooses it, and stores it in ``C_``.

    .. math:: C = \min \{ C : a_C \ge a_{\hat C} - \sigma_{\hat C} \}, \quad \hat C = \arg\max_C a_C

    over C = u, 10 u, 100 u, 1000 u, with the mean recall a over classes of held-out samples in five folds and its
    standard error :math:`\sigma` (:class:`Recalls`), both weighted like the training: the simplest model within one
    standard error of the best (Breiman, Friedman, Olshen & Stone, Classification and regression trees, 1984). The unit
    u scales with the size of the features, so that rows times any number give the same model (:func:`unit_of`). Where
    half of the features are far smaller than the rest, as many decades are added (:func:`decades_of`), and up to three
    more as long as the recall improves, or none is better than chance; a warning is given if this is still so at the
    largest value. C is u where the samples do not allow two folds of two classes. Weights change C only if the
    difference is significant: the C chosen without weights is kept unless it is worse with them, by two standard
    errors, than the best. Folds are stratified and depend on the samples, not on their order; of more than 2000
    samples, a stratified 2000 are used. No labels are used except those that ``fit`` is given.

    Each fit is warm-started from the one before if the classifier supports it; values beyond one that classifies all
    samples correctly, or beyond two in a row that are worse than the best by two standard errors, are not tried. Rows
    with more than twice as many features as samples are first rotated into the space that they span, where the fits are
    the same. On tables of Office-Caltech10, Amazon reviews, 20 Newsgroups, WISDM, MNIST and USPS that takes 0.1 to
    1.1 s for logistic regression, and up to 4 s for the support vector machines; a method that trains the classifier on
    new features in each of its rounds (such as JDA) chooses C in the first of them.

    Solvers that optimise the weights are given rows scaled to unit size and an equivalent C: they stop too early, or
    never, where features are far smaller or larger than the constant 1 of the bias.

    Attributes:
        works_on_weights: whether the solver optimises the weights themselves; its ``coef_`` is then scaled back to the
            original features.
    """

    works_on_weights: ClassVar[bool] = True
    C: float | Literal["cv"]
    C_: float
    coef_: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose ``C_`` where C is ``"cv"``, and train the classifier."""
        chosen = self.settled(X, y, sample_weight)
        size = size_of(X) if self.works_on_weights else 1.0
        original = self.get_params()  # type: ignore[attr-defined]  # the classifier stands behind this class
        solved = chosen._of_rows_divided_by(size)
        if isinstance(self, linear_model.LogisticRegression):
            solved["tol"] = min(original["tol"], gradient(solved["C"], len(y)) / 3.0)
        self.set_params(**solved)  # type: ignore[attr-defined]
        try:
            super().fit(X if size == 1.0 else _array(X) / size, y, sample_weight)  # type: ignore[misc]
        finally:
            self.set_params(**original)  # type: ignore[attr-defined]
        if size != 1.0:
            self.coef_ = self.coef_ / size
        self.C_ = float(chosen.C)
        return self

    def settled(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """An untrained copy whose C is a number, chosen on these samples where it is ``"cv"``.

        Raises:
            UsageError: C is neither ``"cv"`` nor above 0.
        """
        if self.C == "cv":
            parameters = {"C": choose(self, X, y, sample_weight)}
            if BIAS in self.get_params():  # type: ignore[attr-defined]
                parameters[BIAS] = getattr(self, BIAS) * size_of(X)
        else:
            parameters = {"C": self.C}
        if not isinstance(parameters["C"], int | float) or parameters["C"] <= 0:
            raise UsageError(f"C must be a number above 0, or 'cv' to choose it by cross-validation, got {self.C!r}.")
        copy: Self = clone(self).set_params(**parameters)
        return copy

    def _of_rows_divided_by(self, size: float) -> dict[str, float]:
        """The parameters that make the problem on rows divided by ``size`` equivalent to the original one."""
        params: dict[str, Any] = self.get_params()  # type: ignore[attr-defined]
        C = float(f"{params['C'] * size**2:.12g}")
        return {"C": C} | {name: params[name] / size for name in (BIAS,) if name in params}


def settled(classifier: T, x: Any, y: Any, sample_weight: Any = None, units_of: Any = None) -> T:
    """A copy of a classifier with its C fixed, for repeated training on similar samples.

    Classifiers without a choice of C are returned unchanged.

    Args:
        classifier: the classifier to train.
        x: ``(n, d)`` samples to choose C on.
        y: ``(n,)`` labels.
        sample_weight: ``(n,)`` or None.
        units_of: samples in the units of later training, where a map changes the units of ``x``; C is converted.
    """
    if not isinstance(classifier, ChosenC):
        return classifier
    chosen = classifier.settled(x, y, sample_weight)
    if units_of is not None and classifier.C == "cv":
        chosen.set_params(**chosen._of_rows_divided_by(change_of_size(x, units_of)))  # type: ignore[attr-defined]
    return chosen


def choose(classifier: Any, x: Any, y: Any, sample_weight: Any = None) -> float:
    """The smallest C that is not significantly worse than the best, as :class:`ChosenC` describes.

    Args:
        classifier: the classifier to choose C for; not changed.
        x: ``(n, d)``, dense or sparse.
        y: ``(n,)`` labels.
        sample_weight: ``(n,)`` or None for ones; samples of weight 0 are ignored.
    """
    weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    used = np.flatnonzero(weights > 0.0)
    x, weights = _array(x)[used], weights[used]
    _, index = np.unique(np.asarray(y)[used], return_inverse=True)
    grid, score = _compared(classifier, x, index, np.ones(len(index)))
    place = score.simplest
    if sample_weight is not None:
        evenly = grid[place]
        grid, score = _compared(classifier, x, index, weights, least=evenly)
        same = np.flatnonzero(np.isclose(grid[: len(score.means)], evenly))
        place = int(same[0]) if len(same) and not score.told_from_the_best(int(same[0])) else score.simplest
    C = grid[place]
    at_the_end = place == len(grid) - 1 and len(score.means) == len(grid)
    if at_the_end or score.nothing:
        C = C if at_the_end else typical_of(classifier, x)
        warnings.warn(
            f"No C up to {grid[-1]:g} is seen to be the best: in the mean over classes {100 * score.best:.1f} % of "
            f"held-out source samples are told right, and {100 * score.chance:.1f} % are by chance. The features "
            "differ much in size (data.standardize=true scales them), some classes are rare "
            f"(classifier.class_weight=balanced), or the features tell this classifier little of them. C is {C:.6g}.",
            stacklevel=2,
        )
    return float(f"{C:.6g}")


def _compared(
    classifier: Any, x: Any, index: np.ndarray, weights: np.ndarray, least: float = 0.0
) -> tuple[list[float], Recalls]:
    """Values of C, and scores up to at least ``least`` and as long as larger values may be better.

    Where the samples do not allow two folds of two classes, the unit is the only value, without a score.
    """
    picked = stratified(x, index, ROWS)
    x, index, weights = x[picked], index[picked], weights[picked]
    fold = folds_of(x, index, FOLDS)
    unit, size, decades = (unit_of(x), size_of(x), decades_of(x)) if _by_size(classifier) else (1.0, 1.0, 0)
    x = x / size  # with C times its square the same models, of gradients that tolerances are made for
    if not sparse.issparse(x):
        x = spanned(np.asarray(x, dtype=np.float64))
    score = Recalls(index, weights, least=2)
    parts = [(fold != k, fold == k) for k in range(FOLDS)]
    parts = [(train, held) for train, held in parts if held.any() and len(np.unique(index[train])) > 1]
    if not parts:
        return [unit], score
    models = [_brief(classifier) for _ in parts]
    products = models[0].get_params().get("kernel") == "precomputed"
    if products:
        x = x @ x.T
        x = x.toarray() if sparse.issparse(x) else x

    def known(rows: np.ndarray, train: np.ndarray) -> Any:
        return x[rows][:, train] if products else x[rows]

    grid = [unit * 10.0**power for power in range(LEAST, MOST + decades + 1)]
    for C in grid:
        right = np.zeros(len(index))
        for model, (train, held) in zip(models, parts, strict=True):
            model.set_params(C=C * size**2)
            if isinstance(model, linear_model.LogisticRegression):
                model.set_params(tol=min(TOLERANCE, gradient(C * size**2, len(index))))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # fits that are only compared are cut short
                model.fit(known(train, train), index[train], sample_weight=weights[train])
            right[held] = model.predict(known(held, train)) == index[held]
        score.add(right)
        if 0.99 * least <= C and score.enough(usual=0.99 * unit * 10.0 ** (USUAL + decades) < C):
            break
    return grid, score


def gradient(C: float, n: int) -> float:
    """The least gradient of a feature that matters at C: one of size s does so for C of at least 1 / n s^2."""
    return 0.1 / math.sqrt(C * n)


def typical_of(classifier: Any, x: Any) -> float:
    """The C for features of the usual size instead of the largest, used where no value is better than chance."""
    return unit_of(x) * 10.0 ** decades_of(x) if _by_size(classifier) else 1.0


def _by_size(classifier: Any) -> bool:
    return bool(classifier.get_params().get("kernel", "linear") == "linear")  # others measure sizes themselves


def _array(x: Any) -> Any:
    return x if sparse.issparse(x) else np.asarray(x)


def spanned(x: np.ndarray) -> np.ndarray:
    """Wide rows in an orthonormal basis of their span, which keeps inner products; other rows unchanged."""
    n, d = x.shape
    return np.asarray(np.linalg.qr(x.T, mode="r")).T if d > 2 * n else x


def _brief(classifier: Any) -> Any:
    """A copy of scikit-learn's own class that is trained only to be compared."""
    kind = next(c for c in type(classifier).__mro__ if c.__name__ in BRIEF and c.__module__.startswith("sklearn."))
    options = classifier.get_params() | {"C": 1.0} | BRIEF[kind.__name__]
    if options.get("kernel") == "linear":
        options["kernel"] = "precomputed"  # one Gram matrix of all rows serves all fits
    return kind(**options)
