import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import spearmanr
from witness import quietly

from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.errors import UsageError
from da.estimators.weighting.kliep import KLIEP


def k(a, b, sigma):
    return np.exp(-((a - b) ** 2).sum() / (2.0 * sigma**2))


def problem(source, target, sigma):
    """Kernels at the target and their means over the source, a pair of samples at a time."""
    at_target = np.array([[k(x, c, sigma) for c in target.x] for x in target.x])
    means = np.array([np.mean([k(x, c, sigma) for x in source.x]) for c in target.x])
    return at_target, means


@pytest.mark.parametrize("sigma", [0.7, 2.0])
def test_equals_the_problem_of_the_paper_solved_otherwise(sigma, pair):
    source, target = pair(20, 12, 2)
    at_target, means = problem(source, target, sigma)
    found = minimize(
        lambda a: -np.log(at_target @ a).mean(),
        np.full(12, 1.0 / means.sum()),
        jac=lambda a: -(at_target / (at_target @ a)[:, None]).mean(0),
        bounds=[(0.0, None)] * 12,
        constraints={"type": "eq", "fun": lambda a: means @ a - 1.0, "jac": lambda a: means},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    ).x
    expected = np.array([sum(a * k(x, c, sigma) for a, c in zip(found, target.x, strict=True)) for x in source.x])
    fitted = KLIEP(min_effective=0.0, bandwidth=sigma).fit(source, target)
    assert expected.mean() == pytest.approx(1.0)
    np.testing.assert_allclose(fitted.weights_, expected, atol=1e-3)
    assert fitted.gap_ <= 1e-6
    assert fitted.bandwidth_ == sigma


def test_at_least_as_likely_as_a_peer(pair):
    peer = pytest.importorskip("skada._reweight").KLIEPReweightAdapter
    source, target = pair(30, 20, 2)
    found = peer(gamma=0.5, n_centers=20, max_iter=2000, tol=1e-12, random_state=0)
    with quietly():
        found.fit(np.vstack([source.x, target.x]), sample_domain=np.repeat([1, -2], [30, 20]))
    kernel, _ = problem(source, target, 1.0)
    theirs = np.array([[k(x, c, 1.0) for c in found.centers_] for x in target.x]) @ found.alpha_
    fitted = KLIEP(bandwidth=1.0).fit(source, target)
    # the weights at the source determine the coefficients, which are fewer
    design = np.array([[k(x, c, 1.0) for c in target.x] for x in source.x])
    beta = np.linalg.lstsq(design, fitted.weights_, rcond=None)[0]
    assert np.log(kernel @ beta).mean() >= np.log(theirs).mean() - 1e-6


def test_the_bandwidth_is_the_one_of_the_best_held_out_likelihood():
    rng = np.random.default_rng(0)
    source, target = Domain(rng.normal(size=(300, 1))), Domain(0.3 * rng.normal(size=(200, 1)) + 0.5)
    chosen = KLIEP().fit(source, target)
    truth = np.exp(-0.5 * ((source.x[:, 0] - 0.5) / 0.3) ** 2 + 0.5 * source.x[:, 0] ** 2)
    errors = {
        b: ((KLIEP(bandwidth=b).fit(source, target).weights_ - truth / truth.mean()) ** 2).mean()
        for b in (0.02, chosen.bandwidth_, 5.0)
    }
    assert errors[chosen.bandwidth_] < 0.5 * min(errors[0.02], errors[5.0])


def test_close_to_the_true_ratio():
    task = Toy(shift="covariate", samples=2000).load()
    source = task.sources[0].train
    weights = KLIEP().fit(source, task.target.train.without_labels()).weights_
    assert spearmanr(weights, covariate_ratio(source.x)).statistic > 0.95


def test_nothing_underflows(pair):
    source, target = pair(30, 20, 3)
    weights = KLIEP(bandwidth=1e-3).fit(source, Domain(target.x + 1e3)).weights_
    assert np.isfinite(weights).all()
    assert weights.mean() == pytest.approx(1.0)


def test_seed_draws_centres_and_their_number_counts(pair):
    source, target = pair(50, 60, 2)
    one, same, other = (KLIEP(bandwidth=1.0, centres=5, random_state=s).fit(source, target).weights_ for s in (0, 0, 1))
    assert np.array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3


def test_a_bandwidth_of_zero_is_refused(pair):
    with pytest.raises(UsageError, match="needs a bandwidth above 0, got 0"):
        KLIEP(bandwidth=0.0).fit(*pair())
