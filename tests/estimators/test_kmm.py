import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import spearmanr

from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.estimators.weighting.kmm import KMM, _project


def problem(source, target, bandwidth):
    """The matrix and the vector of the quadratic program, a pair of samples at a time."""

    def k(a, b):
        return np.exp(-((a - b) ** 2).sum() / (2.0 * bandwidth**2))

    kernel = np.array([[k(a, b) for b in source.x] for a in source.x])
    kappa = np.array([sum(k(a, b) for b in target.x) for a in source.x]) * len(source) / len(target)
    return kernel, kappa


def solve(kernel, kappa, limit, tolerance):
    """The program by sequential quadratic programming."""
    n = len(kappa)
    found = minimize(
        lambda b: 0.5 * b @ kernel @ b - kappa @ b,
        np.ones(n),
        jac=lambda b: kernel @ b - kappa,
        bounds=[(0.0, limit)] * n,
        constraints=[
            {"type": "ineq", "fun": lambda b: b.sum() - n * (1 - tolerance), "jac": lambda b: np.ones(n)},
            {"type": "ineq", "fun": lambda b: n * (1 + tolerance) - b.sum(), "jac": lambda b: -np.ones(n)},
        ],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return found.x, found.fun


@pytest.mark.parametrize("shift", [0.0, 3.0])
@pytest.mark.parametrize(
    ("limit", "tolerance"), [(1000.0, None), (1000.0, 0.0), (1000.0, 0.1), (2.0, None), (2.0, 0.0), (1.2, 0.05)]
)
def test_equals_an_independent_solver(limit, tolerance, shift, pair):
    source, target = pair(20, 35, 2)
    target = Domain(target.x + shift)  # far away, the smallest allowed weights are the best
    bandwidth = 0.8
    kmm = KMM(bandwidth=bandwidth, limit=limit, tolerance=tolerance).fit(source, target)
    kernel, kappa = problem(source, target, bandwidth)
    slack = 1.0 - 1.0 / np.sqrt(20) if tolerance is None else tolerance
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
    free = KMM(bandwidth=0.8, tolerance=0.0).fit(source, target).weights_
    bound = KMM(bandwidth=0.8, tolerance=0.0, limit=1.5).fit(source, target).weights_
    assert free.max() > 2.0
    assert bound.max() == pytest.approx(1.5)
    assert np.isclose(bound, 1.5).sum() > 1


def test_the_residual_tells_of_too_few_iterations(pair):
    source, target = pair(20, 35, 2)
    short, long = (KMM(bandwidth=0.8, max_iter=k).fit(source, target) for k in (2, 5000))
    assert short.n_iter_ == 2
    assert short.residual_ > 1e3 * long.residual_
    assert long.n_iter_ < 5000


def test_the_bandwidth_is_the_median_unless_said(pair):
    source, target = pair()
    pooled = np.vstack([source.x, target.x])
    distances = np.linalg.norm(pooled[:, None] - pooled, axis=2)[np.triu_indices(len(pooled), 1)]
    said = KMM(bandwidth=float(np.median(distances))).fit(source, target).weights_
    np.testing.assert_allclose(KMM().fit(source, target).weights_, said, atol=1e-2)
    assert np.abs(KMM(bandwidth=0.3).fit(source, target).weights_ - said).max() > 0.1


def test_weighted_source_has_the_kernel_mean_of_the_target():
    rng = np.random.default_rng(0)
    source, target = Domain(2.0 * rng.normal(size=(100, 2))), Domain(rng.normal(size=(100, 2)) + 1.0)
    kernel, kappa = problem(source, target, 1.0)
    alone = np.exp(-((target.x[:, None] - target.x) ** 2).sum(2) / 2.0).mean()

    def mmd(weights):
        return (weights @ kernel @ weights - 2.0 * kappa @ weights) / 100**2 + alone

    w = KMM(bandwidth=1.0, tolerance=0.0).fit(source, target).weights_
    assert 0.0 <= mmd(w) < 0.05 * mmd(np.ones(100))


def test_recovers_the_true_ratio():
    task = Toy(shift="covariate").load()
    source = task.sources[0].train
    weights = KMM().fit(source, task.target.train.without_labels()).weights_
    # the optimum is sparse: neighbours share their weight unevenly, so that only its mean over a region is the ratio
    regions = np.array_split(np.argsort(source.x[:, 0]), 20)
    found, truth = (np.array([v[r].mean() for r in regions]) for v in (weights, covariate_ratio(source.x)))
    assert spearmanr(found, truth).statistic > 0.9
    assert np.corrcoef(found, truth)[0, 1] > 0.98


def test_beyond_500_samples_the_cheaper_step_size_leads_to_the_same(pair):
    source, target = pair(502, 60, 2)
    half = source.take(np.arange(251))
    twice = Domain(np.repeat(half.x, 2, axis=0))  # the same program in pairs of samples, beyond the limit
    options = {"bandwidth": 0.2, "limit": 5.0, "tolerance": 0.0, "max_iter": 1500}
    expected, found = (KMM(**options).fit(d, target) for d in (half, twice))
    assert found.residual_ < 1e-4
    np.testing.assert_allclose(found.weights_.reshape(251, 2).mean(1), expected.weights_, atol=0.05)


@pytest.mark.parametrize("seed", range(20))
def test_projection_is_the_nearest_allowed_point(seed):
    rng = np.random.default_rng(seed)
    point = 3.0 * rng.normal(size=6)
    low, high = np.sort(rng.uniform(0.0, 6.0, size=2))
    found = _project(point, 1.0, low, high)
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert low * (1 - 1e-11) <= found.sum() <= high * (1 + 1e-11)
    for _ in range(200):  # no allowed point is nearer: the angle at the projection is never acute
        other = rng.uniform(size=6)
        if low <= other.sum() <= high:
            assert (point - found) @ (other - found) <= 1e-9


def test_projection_onto_what_cannot_be_reached_is_the_upper_corner():
    np.testing.assert_allclose(_project(np.zeros(4), 0.5, 3.0, 4.0), 0.5)
