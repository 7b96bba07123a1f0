import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.estimators.subspace.gfk import GFK
from da.estimators.subspace.landmarks import Landmarks, match


def problem(source, target, n_components, octave):
    """The kernel of the paper a pair of samples at a time, with the median distance under it."""
    root = GFK(n_components=n_components).fit(source, target).map_
    g = root @ root.T
    pooled = np.vstack([source.x, target.x])
    square = np.array([[(a - b) @ g @ (a - b) for b in pooled] for a in pooled])
    sigma = 2.0**octave * np.median(np.sqrt(square[np.triu_indices(len(pooled), 1)]))
    n = len(source)
    kernel = np.exp(-square[:n] / sigma**2)
    return kernel[:, :n], kernel[:, n:].mean(1)


def solve(kernel, wanted, y):
    """The programme by sequential quadratic programming: minimiser and least value."""
    n = len(y)
    shares = [
        {"type": "eq", "fun": lambda b, c=c: b[y == c].sum() - (y == c).mean(), "jac": lambda b, c=c: (y == c) * 1.0}
        for c in np.unique(y)
    ]
    found = minimize(
        lambda b: b @ kernel @ b - 2.0 * wanted @ b,
        np.full(n, 1.0 / n),
        jac=lambda b: 2.0 * (kernel @ b - wanted),
        bounds=[(0.0, None)] * n,
        constraints=shares,
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 1000},
    )
    return found.x, found.fun


@pytest.mark.parametrize("octave", [-2, 0, 2])
def test_equals_an_independent_solver(octave, pair):
    source, target = pair(25, 30, 5)
    source = Domain(source.x, np.arange(25) % 3)
    kernel, wanted = problem(source, target, 2, octave)
    beta, least = solve(kernel, wanted, source.y)
    found, gap = match(kernel, wanted, source.y, 1e-9, 3000)
    assert gap <= 1e-5
    assert found @ kernel @ found - 2 * wanted @ found == pytest.approx(least, abs=1e-6)
    if octave < 1:  # beyond, the kernel is so smooth that many weightings are as good
        np.testing.assert_allclose(found, beta, atol=2e-4)


def test_weighs_by_the_programme_of_the_median_scale(pair):
    source, target = pair(25, 30, 5)
    source = Domain(source.x, np.arange(25) % 3)
    beta, _ = solve(*problem(source, target, 2, 0), source.y)
    fitted = Landmarks(min_effective=0.0, octaves=0, n_components=2, tol=1e-9, max_iter=5000).fit(source, target)
    np.testing.assert_allclose(fitted.shares_, beta[None], atol=5e-4)
    np.testing.assert_allclose(fitted.weights_, 25 * beta, atol=0.02)


def test_classes_keep_their_shares_and_weights_are_their_mean(pair):
    source, target = pair(40, 30, 5)
    y = np.r_[np.zeros(30, int), np.ones(10, int)]
    fitted = Landmarks(min_effective=0.0, octaves=1).fit(Domain(source.x, y), target)
    assert fitted.shares_.shape == (3, 40)
    assert fitted.shares_.min() >= 0.0
    np.testing.assert_allclose(fitted.shares_[:, y == 0].sum(1), 0.75)
    np.testing.assert_allclose(fitted.weights_, 40 * fitted.shares_.mean(0))
    assert fitted.weights_.std() > 0.1


def test_the_gap_bounds_the_distance_from_the_optimum(pair):
    source, target = pair(25, 30, 5)
    kernel, wanted = problem(source, target, 5, 0)
    _, least = solve(kernel, wanted, source.y)
    for steps in (1, 10, 50):
        found, gap = match(kernel, wanted, source.y, 0.0, steps)
        excess = found @ kernel @ found - 2 * wanted @ found - least
        assert -1e-9 <= excess <= gap
        assert gap > 0.0


def test_stops_at_the_tolerance(pair):
    source, target = pair(25, 30, 5)
    gaps = [Landmarks(min_effective=0.0, tol=t).fit(source, target).gaps_.max() for t in (1e-2, 1e-3, 1e-4)]
    assert (np.array(gaps) <= [1e-2, 1e-3, 1e-4]).all()
    assert gaps[0] > gaps[1] > gaps[2]


def test_equal_domains_are_left_alone(pair):
    source, _ = pair(40, 1, 5)
    np.testing.assert_allclose(
        Landmarks(min_effective=0.0).fit(source, source.without_labels()).weights_, 1.0, atol=1e-12
    )


def test_weights_follow_the_true_ratio_within_classes():
    task = Toy(shift="covariate", samples=300).load()
    source = task.sources[0].train
    weights = Landmarks(min_effective=0.0).fit(source, task.target.train.without_labels()).weights_
    truth = covariate_ratio(source.x)
    for c in (0, 1):  # classes keep their shares, so that only the order within one can be right
        rows = np.flatnonzero(source.y == c)
        regions = np.array_split(rows[np.argsort(source.x[rows, 0])], 8)
        found, expected = ([v[r].mean() for r in regions] for v in (weights, truth))
        assert np.corrcoef(found, expected)[0, 1] > 0.7


def test_weights_do_not_depend_on_units_or_origin(pair):
    source, target = pair(30, 40, 4)
    expected = Landmarks(min_effective=0.0).fit(source, target).weights_
    for change in (lambda x: 1e6 * x, lambda x: x + 1e3):
        moved = Landmarks(min_effective=0.0).fit(Domain(change(source.x), source.y), Domain(change(target.x))).weights_
        np.testing.assert_allclose(moved, expected, atol=1e-3)


def test_too_few_iterations_are_said(pair):
    source, target = pair(25, 30, 5)
    source = Domain(source.x, np.arange(25) % 3)
    with pytest.warns(
        ConvergenceWarning, match=r"Landmarks did not converge within 1 iterations: squared MMD may fall"
    ):
        short = Landmarks(max_iter=1).fit(source, target)
    assert (short.converged_, Landmarks().fit(source, target).converged_) == (False, True)
