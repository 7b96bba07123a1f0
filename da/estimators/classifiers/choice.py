"""How strongly to regularise a classifier: chosen by cross-validation on the samples that it is trained on."""

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
from da.estimators.base import effective_sample_size
from da.estimators.folds import folds_of, stratified

GRID = tuple(10.0**power for power in range(-2, 7))
USUAL = 1000.0
FOLDS = 5
ROWS = 2000
MANY = 100  # samples, of which classes are not taken for noise by chance
TOLERANCE = 1e-3
BRIEF: dict[str, dict[str, Any]] = {
    "LogisticRegression": {"max_iter": 100, "tol": TOLERANCE, "warm_start": True},
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

    over C = 0.01 u, 0.1 u, ..., 1000 u and five folds, with the sample weights w, or 1, and n the effective sample size
    of these: the simplest model that is not worse than the best by more than the standard error (Breiman, Friedman,
    Olshen & Stone, Classification and regression trees, 1984). The unit u belongs to the size of the features: rows
    that are all small, or all large, give the model of rows of unit size (:func:`unit_of`). C goes on to 1e6 u as long
    as that pays, or while none is better than naming the most frequent class; where either holds to the end, a warning
    says so. It is u where the samples do not make two folds of two classes. Folds hold every class evenly and depend on
    the samples, not on their order; beyond 2000 samples, a stratified 2000 of them are looked at. No label but those
    that ``fit`` is given is seen.

    Costs at most 45 fits on four fifths of the samples, each started from the one before where the classifier can be:
    values beyond one of 100 per cent, or beyond two in turn that are worse than the best by two standard errors, are
    not tried. Rows with more than twice as many features as samples are first turned into the space that they span,
    where the fits are the same. On tables of Office-Caltech10, Amazon reviews, MNIST and USPS, and WISDM that is 0.1 to
    0.5 s for logistic regression, 0.1 to 1.3 s for the support vector machine; a method that trains the classifier on
    new features in each of its rounds (JDA and its kin) chooses in the first of them.

    Solvers that work on weights are given rows times :math:`\sqrt u` and C / u: they end too early, or never, where
    features are far smaller or larger than the 1 that stands for the bias. For logistic regression that is the same
    problem in other units; where the bias is penalised, it is so in these units.

    Attributes:
        works_on_weights: the solver does; its ``coef_`` is brought back to the features as they are.
    """

    works_on_weights: ClassVar[bool] = True
    C: float | Literal["cv"]
    C_: float
    coef_: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose ``C_`` where C is ``"cv"``, and train."""
        chosen = float(self.settled(X, y, sample_weight).C)
        unit = unit_of(self, X) if self.works_on_weights else 1.0
        given, self.C = self.C, chosen / unit
        rows = X if unit == 1.0 else X * math.sqrt(unit)
        try:
            super().fit(rows, y, sample_weight)  # type: ignore[misc]  # the classifier stands behind this class
        finally:
            self.C = given
        if unit != 1.0:
            self.coef_ = self.coef_ * math.sqrt(unit)
        self.C_ = chosen
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
    """The smallest C, of :data:`GRID` in units of the features' size, that is not told from the best.

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
    unit = unit_of(classifier, x)
    x = x * math.sqrt(unit)  # with C / u the same models, of gradients that tolerances are made for
    if not sparse.issparse(x):
        x = spanned(np.asarray(x, dtype=np.float64))
    parts = [(fold != k, fold == k) for k in range(FOLDS)]
    parts = [(train, held) for train, held in parts if held.any() and len(np.unique(index[train])) > 1]
    if not parts:
        return unit
    models = [_brief(classifier) for _ in parts]
    products = models[0].get_params().get("kernel") == "precomputed"
    if products:
        x = x @ x.T
        x = x.toarray() if sparse.issparse(x) else x

    def known(asked: np.ndarray, train: np.ndarray) -> Any:
        return x[asked][:, train] if products else x[asked]

    shares: list[float] = []
    total = sum(float(weights[held].sum()) for _, held in parts)
    chance = float(np.bincount(index, weights).max() / weights.sum())
    samples = effective_sample_size(weights)
    for C in GRID:
        right = 0.0
        for model, (train, held) in zip(models, parts, strict=True):
            if isinstance(model, linear_model.LogisticRegression):  # features of size s count from C = 1 / n s^2 on
                model.set_params(tol=min(TOLERANCE, 0.3 / math.sqrt(C * len(index))))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # fits that are only compared are cut short
                model.set_params(C=C).fit(known(train, train), index[train], sample_weight=weights[train])
            right += float(weights[held] @ (model.predict(known(held, train)) == index[held]))
        shares.append(round(right / total, 12))  # sums of weights are equal to rounding
        if _enough(shares, chance, samples):
            break
    best = max(shares)
    place = next(k for k, share in enumerate(shares) if share >= best - _error(best, samples))
    nothing = samples >= MANY and _by_chance(best, chance, samples)
    if place == len(GRID) - 1 or nothing:
        warnings.warn(
            f"No C up to {GRID[-1] * unit:g} is seen to be the best: {100 * best:.1f} % of held-out source samples are "
            f"told right, and {100 * chance:.1f} % are of one class. The features differ much in size "
            "(data.standardize=true scales them), or tell this classifier little of the classes.",
            stacklevel=2,
        )
    return float(f"{GRID[place] * unit:.6g}")


def _error(share: float, samples: float) -> float:
    return math.sqrt(share * (1.0 - share) / samples)


def _by_chance(best: float, chance: float, samples: float) -> bool:
    return best <= chance + 2.0 * _error(chance, samples)


def _enough(shares: list[float], chance: float, samples: float) -> bool:
    """Whether larger values of C are not worth trying."""
    best = max(shares)
    if best == 1.0:
        return True
    if _by_chance(best, chance, samples):  # features of very different size: none of them counts yet
        return False
    if len(shares) > 2 and max(shares[-2:]) < best - 2.0 * _error(best, samples):
        return True
    return GRID[len(shares) - 1] >= USUAL and shares[-1] <= max(shares[:-1])


def unit_of(classifier: Any, x: Any) -> float:
    r"""What C = 1 is for features of unit size: a power of ten.

    .. math:: u = 10^{[-2 \log_{10} s]}, \quad s = \min(\max(1, \min_j s_j), \max_j s_j)

    with the size :math:`s_j` of each feature that varies: 1 where features of size 1 lie within what there is, else the
    end next to 1. Kernels that measure the size of features themselves have 1.
    """
    if classifier.get_params().get("kernel", "linear") != "linear":
        return 1.0
    sizes = sizes_of(x)
    sizes = sizes[sizes > 1e-9 * sizes.max()]
    return 10.0 ** round(-2.0 * math.log10(min(max(1.0, sizes.min()), sizes.max()))) if len(sizes) else 1.0


def spanned(x: np.ndarray) -> np.ndarray:
    """Wide rows in coordinates of the space that they span, in which products are the same; others as they are."""
    n, d = x.shape
    return np.asarray(np.linalg.qr(x.T, mode="r")).T if d > 2 * n else x


def sizes_of(x: Any) -> np.ndarray:
    """The standard deviation of each feature; of sparse rows, whose zeros stay zeros, the root mean square."""
    if sparse.issparse(x):
        return np.sqrt(np.asarray(x.multiply(x).mean(axis=0))).ravel()
    return np.asarray(np.std(np.asarray(x, dtype=np.float64), axis=0))


def _brief(classifier: Any) -> Any:
    """A copy of scikit-learn's own class that is trained only to be compared."""
    kind = next(c for c in type(classifier).__mro__ if c.__name__ in BRIEF and c.__module__.startswith("sklearn."))
    options = classifier.get_params() | {"C": 1.0} | BRIEF[kind.__name__]
    if options.get("kernel") == "linear":
        options["kernel"] = "precomputed"  # one product of all rows for all fits
    return kind(**options)
