import tracemalloc

import numpy as np
import pytest
from scipy.optimize import linprog, minimize, nnls
from scipy.stats import spearmanr
from sklearn.exceptions import ConvergenceWarning
from witness import quietly

from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.errors import UsageError
from da.estimators.kernels import gaussian
from da.estimators.weighting.box_program import minimise
from da.estimators.weighting.kmm import KMM

pytestmark = pytest.mark.versions


def problem(source, target, bandwidth):
    """The matrix and the vector of the quadratic program, a pair of samples at a time."""

    def k(a, b):
        return np.exp(-((a - b) ** 2).sum() / (2.0 * bandwidth**2))

    kernel = np.array([[k(a, b) for b in source.x] for a in source.x])
    kappa = np.array([sum(k(a, b) for b in target.x) for a in source.x]) * len(source) / len(target)
    return kernel, kappa


def solve(kernel, kappa, limit, slack):
    """The program by sequential quadratic programming."""
    n = len(kappa)
    found = minimize(
        lambda b: 0.5 * b @ kernel @ b - kappa @ b,
        np.ones(n),
        jac=lambda b: kernel @ b - kappa,
        bounds=[(0.0, limit)] * n,
        constraints=[
            {"type": "ineq", "fun": lambda b: b.sum() - n * (1 - slack), "jac": lambda b: np.ones(n)},
            {"type": "ineq", "fun": lambda b: n * (1 + slack) - b.sum(), "jac": lambda b: -np.ones(n)},
        ],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return found.x, found.fun


@pytest.mark.parametrize("shift", [0.0, 3.0])
@pytest.mark.parametrize(
    ("limit", "slack"), [(1000.0, None), (1000.0, 0.0), (1000.0, 0.1), (2.0, None), (2.0, 0.0), (1.2, 0.05)]
)
def test_equals_an_independent_solver(limit, slack, shift, pair):
    source, target = pair(20, 35, 2)
    target = Domain(target.x + shift)  # far away, the smallest allowed weights are the best
    bandwidth = 0.8
    kmm = KMM(min_effective=0.0, bandwidth=bandwidth, limit=limit, slack=slack, tol=1e-8).fit(source, target)
    kernel, kappa = problem(source, target, bandwidth)
    slack = 1.0 - 1.0 / np.sqrt(20) if slack is None else slack
    beta, best = solve(kernel, kappa, limit, slack)
    # weights_ is the solution brought to mean 1; the best multiple of it that is allowed is the solution again
    w = kmm.weights_
    scale = np.clip(kappa @ w / (w @ kernel @ w), 1.0 - slack, 1.0 + slack)
    scale = min(scale, limit / w.max())
    assert 0.5 * scale**2 * w @ kernel @ w - scale * kappa @ w == pytest.approx(best, rel=1e-6)
    np.testing.assert_allclose(w, beta / beta.mean(), atol=0.02)
    assert w.min() >= 0.0
    assert scale * w.max() <= limit * (1 + 1e-9)
    assert w.mean() == pytest.approx(1.0)
    assert kmm.residual_ < 1e-6


def test_active_limits_are_seen_in_the_weights(pair):
    source, target = pair(20, 35, 2)
    free = KMM(min_effective=0.0, bandwidth=0.8, slack=0.0).fit(source, target).weights_
    bound = KMM(min_effective=0.0, bandwidth=0.8, slack=0.0, limit=1.5).fit(source, target).weights_
    assert free.max() > 2.0
    assert bound.max() == pytest.approx(1.5)
    assert np.isclose(bound, 1.5).sum() > 1


def test_the_residual_tells_of_too_few_iterations(pair):
    source, target = pair(20, 35, 2)
    with pytest.warns(ConvergenceWarning, match=r"KMM did not converge within 2 steps: .* closer by up to"):
        short = KMM(min_effective=0.0, bandwidth=0.8, max_iter=2).fit(source, target)
    long = KMM(min_effective=0.0, bandwidth=0.8, max_iter=5000).fit(source, target)
    assert (short.converged_, long.converged_) == (False, True)
    assert short.gap_ > 1e-3 > long.gap_
    assert short.n_iter_ == 2
    assert short.residual_ > 1e2 * long.residual_
    assert long.residual_ <= 1e-4
    assert long.n_iter_ < 5000


@pytest.mark.parametrize(("d", "shift"), [(1, 2.0), (2, 1.0), (10, 0.5), (50, 0.3)])
def test_the_residual_asked_for_is_reached_within_a_few_hundred_steps(d, shift):
    rng = np.random.default_rng(0)
    found = KMM(min_effective=0.0, tol=1e-4).fit(
        Domain(rng.normal(size=(500, d))), Domain(0.8 * rng.normal(size=(400, d)) + shift)
    )
    assert found.residual_ <= 1e-4
    assert found.n_iter_ < 500


def test_the_bandwidth_is_the_median_unless_said(pair):
    source, target = pair()
    pooled = np.vstack([source.x, target.x])
    distances = np.linalg.norm(pooled[:, None] - pooled, axis=2)[np.triu_indices(len(pooled), 1)]
    said = KMM(min_effective=0.0, bandwidth=float(np.median(distances))).fit(source, target).weights_
    np.testing.assert_allclose(KMM(min_effective=0.0).fit(source, target).weights_, said, atol=1e-2)
    assert np.abs(KMM(min_effective=0.0, bandwidth=0.3).fit(source, target).weights_ - said).max() > 0.1


def test_weighted_source_has_the_kernel_mean_of_the_target():
    rng = np.random.default_rng(0)
    source, target = Domain(2.0 * rng.normal(size=(100, 2))), Domain(rng.normal(size=(100, 2)) + 1.0)
    kernel, kappa = problem(source, target, 1.0)
    alone = np.exp(-((target.x[:, None] - target.x) ** 2).sum(2) / 2.0).mean()

    def mmd(weights):
        return (weights @ kernel @ weights - 2.0 * kappa @ weights) / 100**2 + alone

    w = KMM(min_effective=0.0, bandwidth=1.0, slack=0.0).fit(source, target).weights_
    assert -1e-9 <= mmd(w) < 0.05 * mmd(np.ones(100))


def test_recovers_the_true_ratio():
    task = Toy(shift="covariate").load()
    source = task.sources[0].train
    weights = KMM(min_effective=0.0).fit(source, task.target.train.without_labels()).weights_
    # the optimum is sparse: neighbours share their weight unevenly, so that only its mean over a region is the ratio
    regions = np.array_split(np.argsort(source.x[:, 0]), 20)
    found, truth = (np.array([v[r].mean() for r in regions]) for v in (weights, covariate_ratio(source.x)))
    assert spearmanr(found, truth).statistic > 0.9
    assert np.corrcoef(found, truth)[0, 1] > 0.98


@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_with_landmarks_everywhere_it_is_exact(factor, pair):
    source, target = pair(60, 50, 2)
    exact, seen = (
        KMM(min_effective=0.0, bandwidth=factor, landmarks=m, tol=1e-6).fit(source, target) for m in (None, 110)
    )
    kernel, kappa = problem(source, target, factor)
    assert max(seen.residual_, exact.residual_) <= 1e-6

    def best(w):
        return 0.5 * (kappa @ w) ** 2 / (w @ kernel @ w)

    assert best(seen.weights_) == pytest.approx(best(exact.weights_), rel=1e-6)
    np.testing.assert_allclose(seen.weights_, exact.weights_, atol=0.05)


def distance_to_exact(n, d, shift, landmarks):
    """Relative excess of the squared distance of means over what weighting gains, and correlation of weights."""
    rng = np.random.default_rng(0)
    source, target = Domain(rng.normal(size=(n, d))), Domain(0.8 * rng.normal(size=(n, d)) + shift)
    exact, seen = (KMM(min_effective=0.0, landmarks=m).fit(source, target) for m in (None, landmarks))
    assert seen.residual_ <= 1e-4
    kernel, across = (gaussian(source.x, x, exact.bandwidth_) for x in (source.x, target.x))
    alone = gaussian(target.x, target.x, exact.bandwidth_).mean()

    def mmd(w):
        return (w @ kernel @ w) / n**2 - 2.0 * (w @ across).sum() / n**2 + alone

    gained = mmd(np.ones(n)) - mmd(exact.weights_)
    return (mmd(seen.weights_) - mmd(exact.weights_)) / gained, np.corrcoef(seen.weights_, exact.weights_)[0, 1]


def test_landmarks_are_close_to_exact():
    excess, correlation = distance_to_exact(600, 5, 0.5, 200)
    assert abs(excess) < 1e-3
    assert correlation > 0.8


@pytest.mark.slow
@pytest.mark.parametrize(("d", "shift", "excess", "correlation"), [(2, 1.0, 1e-6, 0.999), (10, 0.5, 1e-4, 0.8), (50, 0.3, 0.05, 0.8)])  # fmt: skip
def test_landmarks_are_close_to_exact_on_3000_samples(d, shift, excess, correlation):
    found = distance_to_exact(3000, d, shift, 500)
    assert abs(found[0]) < excess
    assert found[1] > correlation


@pytest.mark.slow
def test_20_000_samples_take_no_matrix_of_their_pairs():
    rng = np.random.default_rng(0)
    n = 20_000
    source, target = Domain(rng.normal(size=(n, 10))), Domain(0.8 * rng.normal(size=(n, 10)) + 0.5)
    tracemalloc.start()
    try:
        found = KMM(min_effective=0.0).fit(source, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.residual_ <= 1e-4
    assert peak < 0.15 * 8 * n**2  # the matrix would be 3.2 GB


def test_the_seed_draws_the_landmarks(pair):
    source, target = pair(80, 80, 3)
    one, same, other = (
        KMM(min_effective=0.0, landmarks=20, random_state=s).fit(source, target).weights_ for s in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("shift", [0.3, 1.0])
def test_at_least_as_good_as_a_peer(shift):
    peer = pytest.importorskip("skada._reweight").KMMReweightAdapter
    rng = np.random.default_rng(0)
    source, target = Domain(rng.normal(size=(60, 3))), Domain(0.7 * rng.normal(size=(50, 3)) + shift)
    kernel, kappa = problem(source, target, 1.5)
    found = peer(gamma=1.0 / (2.0 * 1.5**2), max_iter=3000)
    with quietly():
        found.fit(np.vstack([source.x, target.x]), sample_domain=np.repeat([1, -2], [60, 50]))

    def best(w):  # of all multiples of these weights
        return -0.5 * (kappa @ w) ** 2 / (w @ kernel @ w)

    ours, theirs = (
        best(KMM(min_effective=0.0, bandwidth=1.5, tol=1e-6).fit(source, target).weights_),
        best(found.source_weights_),
    )
    assert ours <= theirs * (1.0 - 1e-9)  # both below 0: a smaller one is better
    assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize("option", [{"bandwidth": 0.0}, {"bandwidth": -1.0}, {"limit": 0.0}])
def test_impossible_parameters_are_refused(option, pair):
    with pytest.raises(UsageError, match="needs a bandwidth and a limit above 0"):
        KMM(min_effective=0.0, **option).fit(*pair())


@pytest.mark.parametrize(("n", "d"), [(60, 10), (150, 40), (400, 10)])
def test_weights_at_the_default_accuracy_are_the_exact_ones(n, d):
    """Against the conditions of Karush, Kuhn and Tucker, solved by an active set of positive weights."""
    rng = np.random.default_rng(0)
    source, target = Domain(rng.normal(size=(n, d))), Domain(0.7 * rng.normal(size=(n, d)) + 0.3)
    fitted = KMM(min_effective=0.0, limit=1e6, slack=1e6).fit(source, target)  # no bound but 0
    kernel, kappa = problem(source, target, fitted.bandwidth_)
    exact, _ = nnls(np.linalg.cholesky(kernel).T, np.linalg.solve(np.linalg.cholesky(kernel), kappa), maxiter=100 * n)
    np.testing.assert_allclose(fitted.weights_, exact / exact.mean(), atol=1e-4)


def test_equal_samples_have_equal_weights():
    """Which makes K singular."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 10))
    found = KMM(min_effective=0.0).fit(Domain(np.vstack([x, x])), Domain(0.7 * rng.normal(size=(100, 10)) + 0.3))
    assert found.residual_ <= 1e-9
    assert found.n_iter_ < 50
    np.testing.assert_allclose(found.weights_[:100], found.weights_[100:], atol=1e-5)


@pytest.mark.parametrize("limit", [1.2, 3.0, 1000.0])
@pytest.mark.parametrize("slack", [0.0, 0.3, 0.9])
def test_the_gap_bounds_how_much_closer_the_means_could_be(pair, limit, slack):
    source, target = pair(20, 35, 2)
    kernel, kappa = problem(source, target, 0.8)

    def value(b):
        return 0.5 * b @ kernel @ b - kappa @ b

    _, best = solve(kernel, kappa, limit, slack)
    n = len(kappa)
    for steps in (2, 4, 8, 400):
        found = minimise(lambda v: kernel @ v, kappa, limit, n * (1 - slack), n * (1 + slack), 0.0, steps)
        gained = value(np.ones(n)) - value(found.weights)
        assert found.gap * gained >= value(found.weights) - best - 1e-6 * abs(best)
        gradient = kernel @ found.weights - kappa
        rows = np.r_[[np.ones(n)], [-np.ones(n)]]
        least = linprog(gradient, rows, [n * (1 + slack), -n * (1 - slack)], bounds=(0.0, limit)).fun
        assert found.gap * gained == pytest.approx(gradient @ found.weights - least, rel=1e-6, abs=1e-9)
    assert found.gap < 1e-3
