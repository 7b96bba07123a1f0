import numpy as np
import pytest
from scipy.stats import multivariate_normal, spearmanr
from witness import quietly

from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.weighting.gaussian_ratio import GaussianRatio


def test_equals_the_ratio_of_two_densities_of_scipy(pair):
    source, target = pair(30, 40, 3)
    of_t, of_s = (multivariate_normal(d.x.mean(0), np.cov(d.x.T)) for d in (target, source))
    expected = of_t.pdf(source.x) / of_s.pdf(source.x)
    found = GaussianRatio(min_effective=0.0, regularization=0.0).fit(source, target).weights_
    np.testing.assert_allclose(found, expected / expected.mean(), rtol=1e-9)


def test_agrees_with_a_peer(pair):
    peer = pytest.importorskip("skada._reweight").GaussianReweightAdapter
    source, target = pair(400, 500, 3)
    x, sign = np.vstack([source.x, target.x]), np.repeat([1, -2], [400, 500])
    with quietly():
        theirs = peer(reg=None).fit(x, sample_domain=sign).compute_weights(x, sample_domain=sign)[:400]
    found = GaussianRatio(min_effective=0.0, regularization=0.0).fit(source, target).weights_
    # its covariances are divided by n, ours by n - 1
    np.testing.assert_allclose(np.log(found) - np.log(found).mean(), np.log(theirs) - np.log(theirs).mean(), atol=0.05)
    assert np.corrcoef(found, theirs)[0, 1] > 0.9999


def test_does_not_depend_on_an_invertible_map_of_the_features(pair):
    source, target = pair(50, 60, 4)
    change = np.random.default_rng(1).normal(size=(4, 4))
    moved = (Domain(d.x @ change + 3.0) for d in (source, target))
    expected = GaussianRatio(min_effective=0.0, regularization=0.0).fit(source, target).weights_
    np.testing.assert_allclose(
        GaussianRatio(min_effective=0.0, regularization=0.0).fit(*moved).weights_, expected, rtol=1e-7
    )


def test_recovers_the_true_ratio():
    task = Toy(shift="covariate", samples=2000).load()
    source = task.sources[0].train
    weights = GaussianRatio(min_effective=0.0).fit(source, task.target.train.without_labels()).weights_
    truth = covariate_ratio(source.x)
    assert spearmanr(weights, truth).statistic > 0.99
    slope, offset = np.polyfit(source.x[:, 0], np.log(weights), 1)
    assert slope == pytest.approx(1.5, abs=0.1)
    assert offset == pytest.approx(-1.125, abs=0.15)


def test_the_ridge_is_in_variances_of_the_pooled_features(pair):
    source, target = pair(30, 40, 3)
    pooled = np.vstack([source.x, target.x])
    scale = pooled.std(0)

    def log_density(x, queries):
        spread = np.cov(x.T / scale[:, None]) + 0.3 * np.eye(3)
        return multivariate_normal((x / scale).mean(0), spread).logpdf(queries / scale)

    expected = np.exp(log_density(target.x, source.x) - log_density(source.x, source.x))
    found = GaussianRatio(min_effective=0.0, regularization=0.3).fit(source, target).weights_
    np.testing.assert_allclose(found, expected / expected.mean(), rtol=1e-9)


def test_fewer_samples_than_features_need_the_ridge(pair):
    source, target = pair(5, 6, 10)
    assert np.isfinite(GaussianRatio(min_effective=0.0).fit(source, target).weights_).all()
    with pytest.raises(DataError, match=r"covariance of the target is singular \(6 samples, 10 features\).*regulariz"):
        GaussianRatio(min_effective=0.0, regularization=0.0).fit(source, target)
    with pytest.raises(UsageError, match="at least 0"):
        GaussianRatio(min_effective=0.0, regularization=-1.0).fit(source, target)


def test_densities_may_be_smaller_than_any_number(pair):
    source, target = pair(30, 40, 2)
    weights = GaussianRatio(min_effective=0.0).fit(source, Domain(target.x + 1e4)).weights_
    assert np.isfinite(weights).all()
    assert weights.mean() == pytest.approx(1.0)
