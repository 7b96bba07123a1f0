"""JPDA, JGSA and their kin on the twelve SURF tasks, all samples, 1-nearest-neighbour."""

import numpy as np
import pytest
from sklearn.preprocessing import scale
from surf import PAIRS, domains, one_nn

from da.domain import Domain
from da.estimators.linalg import unit_rows
from da.estimators.subspace.itl import ITL
from da.estimators.subspace.jgsa import JGSA
from da.estimators.subspace.jpda import JPDA
from da.estimators.subspace.mida import MIDA
from da.estimators.subspace.tjm import TJM
from da.estimators.subspace.tsl import TSL

pytestmark = pytest.mark.data

# results in the comment of the authors' code, chamwen/JPDA: JPDA_compare_python.py, joint probability MMD and DJP-MMD
JP_MMD = dict(zip(PAIRS, (
    44.99, 42.03, 38.22, 39.00, 39.66, 44.59, 31.97, 29.54, 91.08, 33.75, 33.51, 87.80,
), strict=True))  # fmt: skip
DJP_MMD = dict(zip(PAIRS, (
    48.54, 44.41, 42.68, 39.54, 44.41, 44.59, 31.79, 31.63, 89.81, 35.71, 34.86, 87.80,
), strict=True))  # fmt: skip
# jindongwang/transferlearning: data/benchmark.md, one decimal
JGSA_PRIMAL = dict(zip(PAIRS, (
    51.5, 45.4, 45.9, 41.5, 45.8, 47.1, 33.2, 39.9, 90.5, 29.9, 38.0, 91.9,
), strict=True))  # fmt: skip


def accuracy(estimator, pair, prepare, *, unit=False):
    source, target, truth = domains(pair, normalize="none" if prepare is scale else "zscore")
    x_s, x_t = (prepare(np.asarray(d.x, dtype=np.float64)) for d in (source, target))
    estimator.fit(Domain(x_s, source.y), Domain(x_t))
    return one_nn(estimator.transform(x_s, domain="source"), source.y, estimator.transform(x_t), truth, unit=unit)


QUICK = {"W>D", "D>W"}
pairs = pytest.mark.parametrize("pair", [pytest.param(p, marks=() if p in QUICK else pytest.mark.slow) for p in PAIRS])


@pairs
def test_jpda_equals_the_published_row(pair, published):
    """Columns z-scored in each domain, with no division by the row's sum; the rest are the defaults."""
    assert accuracy(JPDA(), pair, scale) == DJP_MMD[pair]


@pairs
def test_without_discrimination_it_equals_its_published_row(pair, published):
    assert accuracy(JPDA(mu=0.0), pair, scale) == JP_MMD[pair]


@pairs
def test_jgsa_equals_the_published_row(pair, published):
    """Rows of unit length after the usual z-score, as in the authors' demo; the rest are the defaults."""
    assert accuracy(JGSA(), pair, unit_rows) == pytest.approx(JGSA_PRIMAL[pair], abs=0.06)


def as_it_is(x):
    return x


@pytest.mark.filterwarnings("ignore:ITL did not converge")  # 50 steps are those of the figure
@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "prepare", "unit", "mean"),
    [
        (TJM(), as_it_is, False, 45.82),
        (TJM(constrained=True), as_it_is, False, 43.41),
        (MIDA(), unit_rows, True, 44.69),
        (ITL(), unit_rows, False, 50.13),
        (TSL(), as_it_is, False, 42.59),
        (TSL(criterion="pca", n_components=100), as_it_is, True, 43.83),
    ],
    ids=["tjm", "tjm constrained", "mida", "itl", "tsl", "tsl pca"],
)
def test_means_stay_as_computed_once(estimator, prepare, unit, mean, published):
    """There is no published row to gate on: TJM's own table is an image only, and TSL's row in Long et al., ICCV 2013,
    table 3, is from memory (mean 42.4). JDA's published mean is 46.8, that of 1-nearest-neighbour alone 31.4.
    """
    found = [accuracy(estimator, pair, prepare, unit=unit) for pair in PAIRS]
    assert np.mean(found) == pytest.approx(mean, abs=0.3)
