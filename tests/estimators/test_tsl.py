import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from da.domain import Domain
from da.errors import UsageError
from da.estimators.kernels import median_bandwidth
from da.estimators.subspace.contrasts import marginal
from da.estimators.subspace.tsl import TSL, divergence


def test_the_divergence_is_the_integral_over_two_density_estimates():
    rng = np.random.default_rng(0)
    a, b, h = rng.normal(size=7), rng.normal(size=11) + 1.0, 0.6
    grid = np.linspace(-12.0, 12.0, 20001)
    densities = [norm.pdf(grid[:, None], x, h).mean(1) for x in (a, b)]
    integral = np.square(densities[0] - densities[1]).sum() * (grid[1] - grid[0])
    found, _ = divergence(np.eye(1), np.r_[a, b][:, None], marginal(7, 11), 2.0**0.5 * h)
    assert found / np.sqrt(4.0 * np.pi * h**2) == pytest.approx(integral, rel=1e-10)


def test_its_gradient_is_the_slope():
    rng = np.random.default_rng(0)
    z, w, e = rng.normal(size=(12, 4)), rng.normal(size=(4, 2)), marginal(5, 7)
    slope = approx_fprime(w.ravel(), lambda v: divergence(v.reshape(4, 2), z, e, 1.3)[0], 1e-7)
    np.testing.assert_allclose(divergence(w, z, e, 1.3)[1].ravel(), slope, atol=1e-6)


def test_the_default_keeps_what_varies_in_both_domains():
    """Fisher's criterion of classes keeps fewer directions than there are, and on digits lost 30 points by it."""
    assert TSL().criterion == "pca"


def projector(w):
    return w @ np.linalg.pinv(w)


@pytest.mark.parametrize("d", [5, 60])
def test_without_a_weight_pca_is_pca(d, pair):
    source, target = pair(30, 40, d)
    fitted = TSL(n_components=3, weight=0.0, criterion="pca").fit(source, target)
    top = np.linalg.svd(source.x - source.x.mean(0))[2][:3].T
    np.testing.assert_allclose(projector(fitted.map_), projector(top), atol=1e-8)
    np.testing.assert_allclose(fitted.map_.T @ fitted.map_, np.eye(3), atol=1e-10)


def test_without_a_weight_one_direction_is_fishers(pair):
    source, target = pair(30, 40, 4)
    x, y = source.x, source.y
    within = sum(np.cov(x[y == c].T, bias=True) * (y == c).sum() for c in (0, 1))
    within = within + 0.01 * np.trace(within) / 4 * np.eye(4)
    expected = np.linalg.solve(within, x[y == 1].mean(0) - x[y == 0].mean(0))[:, None]
    fitted = TSL(weight=0.0, tol=0.0, criterion="flda").fit(source, target)
    np.testing.assert_allclose(projector(fitted.map_), projector(expected), atol=1e-6)


def terms(w, source, target, criterion, sigma):
    """Criterion and divergence of the span of ``(d, k)`` columns, from their definitions."""
    w = np.linalg.qr(w)[0]
    x, y = source.x, source.y
    total = np.trace(w.T @ np.cov(x.T, bias=True) @ w)
    if criterion == "pca":
        value = -total / np.trace(np.cov(x.T, bias=True))
    else:
        parts = [x[y == c] for c in np.unique(y)]
        within = sum(len(p) * np.cov(p.T, bias=True) for p in parts) / len(x)
        between = total - np.trace(w.T @ within @ w)
        shrunk = within + 0.01 * np.trace(within) / x.shape[1] * np.eye(x.shape[1])
        value = np.trace(w.T @ shrunk @ w) / between
    z = np.r_[x, target.x] @ w
    e = marginal(len(x), len(target.x))
    distances = np.square(z[:, None] - z[None, :]).sum(-1)
    return value, e @ np.exp(-distances / (2.0 * sigma**2)) @ e


@pytest.mark.parametrize("criterion", ["flda", "pca"])
def test_it_is_as_good_as_a_general_optimiser_from_the_same_place(criterion, pair):
    source, target = pair(30, 40, 4)
    found = TSL(n_components=2, weight=3.0, criterion=criterion, bandwidth=1.0, tol=0.0, max_iter=500)
    found.fit(source, target)

    def loss(v):
        value, gap = terms(v.reshape(4, 2), source, target, criterion, 2.0**0.5)
        return value + 3.0 * gap

    start = TSL(n_components=2, weight=0.0, criterion=criterion, bandwidth=1.0).fit(source, target).map_
    assert found.objective_ == pytest.approx(loss(found.map_), abs=1e-9)
    assert found.objective_ < loss(start) - 1e-3
    assert found.objective_ == pytest.approx(minimize(loss, start.ravel(), method="BFGS").fun, abs=1e-6)


@pytest.mark.filterwarnings("ignore:TSL did not converge")  # few steps are the point
def test_no_more_steps_than_allowed_and_none_that_rises(pair):
    source, target = pair(30, 40, 4)
    losses = [TSL(n_components=2, weight=3.0, max_iter=n).fit(source, target).objective_ for n in range(1, 8)]
    assert (np.diff(losses) <= 0).all()
    assert losses[-1] < losses[0]


def test_the_weight_brings_densities_together(pair):
    source, target = pair(60, 60, 5)
    gaps = []
    for weight in (0.0, 1.0, 100.0):
        fitted = TSL(n_components=2, weight=weight, criterion="pca", bandwidth=1.0).fit(source, target)
        gaps.append(terms(fitted.map_, source, target, "pca", 2.0**0.5)[1])
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.5 * gaps[0]


def test_units_do_not_matter(pair):
    source, target = pair(30, 40, 5)
    expected = TSL(n_components=2).fit(source, target)
    found = TSL(n_components=2).fit(Domain(1e3 * source.x + 7.0, source.y), Domain(1e3 * target.x + 7.0))
    np.testing.assert_allclose(found.map_, expected.map_, atol=1e-6)
    assert found.objective_ == pytest.approx(expected.objective_)


def test_the_bandwidth_is_that_of_the_first_subspace(pair):
    source, target = pair(30, 40, 4)
    first = TSL(n_components=2, weight=0.0).fit(source, target)
    sigma = median_bandwidth(first.transform(np.r_[source.x, target.x]))
    given = TSL(n_components=2, bandwidth=sigma / 2.0**0.5).fit(source, target)
    assert TSL(n_components=2).fit(source, target).objective_ == pytest.approx(given.objective_, abs=1e-6)


def test_class_means_that_coincide_leave_variance(pair):
    source, target = pair(30, 40, 4)
    twice = Domain(np.repeat(source.x, 2, axis=0), np.arange(60) % 2)
    a, b = (TSL(n_components=2, criterion=c).fit(twice, target).map_ for c in ("flda", "pca"))
    np.testing.assert_allclose(a, b, atol=1e-10)


def test_unknown_criteria_are_refused(pair):
    with pytest.raises(UsageError, match="There is no criterion 'lda'; did you mean 'flda'?"):
        TSL(criterion="lda").fit(*pair())


def test_it_says_whether_its_steps_sufficed(pair):
    source, target = pair(30, 25, 4)
    source = Domain(source.x, np.arange(30) % 3)
    with pytest.warns(ConvergenceWarning, match="TSL did not converge within 1 steps: .* raise `max_iter`"):
        short = TSL(max_iter=1).fit(source, target)
    long = TSL(max_iter=2000).fit(source, target)
    assert (short.converged_, long.converged_) == (False, True)
