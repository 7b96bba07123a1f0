"""What every estimator of the catalogue that works in one feature space owes, however odd the numbers are."""

import contextlib
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from da.checks.closed_form import domains_for
from da.config import catalog
from da.domain import Domain
from da.errors import DataError
from da.estimators.base import Predictor, Weighting
from da.setting import FEW, SAME

ESTIMATORS = {
    name: entry.locate()
    for name, entry in catalog.entries("method").items()
    if entry.is_estimator and entry.access.spaces == SAME
}
everyone = pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)


def learned(make, source, target):
    """Weights, probabilities of the target, or both mapped domains; six target samples are labelled if need be."""
    labelled = None
    if make.needs.target_y == FEW:
        few = np.arange(6) % len(target)
        labelled = replace(target.take(few), y=np.arange(6) % 2)
    fitted = make().fit(*domains_for(make.needs, source, target, labelled))
    if isinstance(fitted, Weighting):
        return (fitted.weights_,)
    if isinstance(fitted, Predictor):
        return (fitted.predict_proba(target.x),)
    return fitted.transform(source.x, domain="source"), fitted.transform(target.x)


def constant_columns(x):
    return np.c_[x, np.full((len(x), 2), 0.3)]


ODD = {
    "large": lambda x: 1e8 * x,
    "small": lambda x: 1e-8 * x,
    "mixed scales": lambda x: x * np.array([1e8, 1e-8, 1.0, 1.0]),
    "far": lambda x: x + 1e6,
    "constant columns": constant_columns,
    "constant": lambda x: np.full_like(x, 0.3),
    "zero": np.zeros_like,
    "duplicates": lambda x: np.repeat(x[:3], 10, axis=0),
    "one sample": lambda x: x[:1],
    "two samples": lambda x: x[:2],
    "one column": lambda x: x[:, :1],
    "wide": lambda x: np.tile(x, 20)[:7],
    "counts": lambda x: np.round(x).astype(np.int64),
}


REFUSABLE = {ODD[name] for name in ("large", "small", "far", "zero", "constant", "one sample", "two samples", "wide")}
ONE_SIDED = set(ODD) - {"constant columns", "one column", "wide"}  # the others change the width of both


@everyone
@pytest.mark.parametrize(
    ("odd", "sides"),
    [
        pytest.param(change, sides, id=f"{name}-{sides}")
        for name, change in ODD.items()
        for sides in (("both", "source", "target") if name in ONE_SIDED else ("both",))
    ],
)
@pytest.mark.filterwarnings("ignore:No C up to")  # of features that are constant in the source
def test_odd_inputs_give_finite_results_or_one_sentence(make, odd, sides, pair):
    source, target = pair()
    if sides != "target":
        x = odd(source.x)
        source = Domain(x, np.arange(len(x)) % 2)
    if sides != "source":
        target = Domain(odd(target.x))
    refusable = odd in REFUSABLE
    with warnings.catch_warnings(), contextlib.suppress(DataError) if refusable else contextlib.nullcontext():
        warnings.filterwarnings("ignore", message="Class priors explain")  # it is no shift of priors
        if refusable:  # whether scikit-learn's optimiser converges on such numbers hangs on how they are rounded
            warnings.simplefilter("ignore", ConvergenceWarning)
        for part in learned(make, source, target):
            assert np.isfinite(part).all()


@everyone
def test_sparse_inputs_are_like_dense_ones(make, pair):
    source, target = (replace(d, x=np.where(d.x > 0.5, d.x, 0.0)) for d in pair())
    thin = [replace(d, x=sparse.csr_matrix(d.x)) for d in (source, target)]
    for dense, found in zip(learned(make, source, target), learned(make, *thin), strict=True):
        found = found.toarray() if sparse.issparse(found) else found
        np.testing.assert_allclose(found, dense, rtol=1e-9, atol=1e-12)  # sums of rows kept sparse round differently


@everyone
def test_images_are_flattened(make, pair):
    source, target = pair()
    images = [replace(d, x=d.x.reshape(-1, 1, 2, 2)) for d in (source, target)]
    for flat, found in zip(learned(make, source, target), learned(make, *images), strict=True):
        np.testing.assert_array_equal(found, flat)


@everyone
def test_labels_of_the_target_are_not_read(make, pair):
    source, target = pair()
    for without, found in zip(
        learned(make, source, target), learned(make, source, replace(target, y=np.full(len(target), 99))), strict=True
    ):
        np.testing.assert_array_equal(found, without)


UNITLESS = [
    "kmm", "kliep", "ulsif", "rulsif", "gaussian_ratio", "kde_ratio", "nearest_neighbour", "logistic_ratio",
]  # fmt: skip


@pytest.mark.parametrize("name", UNITLESS)
@pytest.mark.parametrize(
    "change", [lambda x: 1e6 * x, lambda x: 1e-6 * x, lambda x: x + 1e4], ids=["large", "small", "far"]
)
def test_weights_do_not_depend_on_units_or_origin(name, change, pair):
    source, target = pair()
    moved = Domain(change(source.x)), Domain(change(target.x))
    (expected,) = learned(ESTIMATORS[name], source, target)
    (found,) = learned(ESTIMATORS[name], *moved)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
