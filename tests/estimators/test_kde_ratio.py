import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.neighbors import KernelDensity
from witness import quietly

import da.estimators.weighting.basis
from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.errors import UsageError
from da.estimators.weighting.basis import MULTIPLES
from da.estimators.weighting.kde_ratio import KDERatio


@pytest.mark.parametrize("h", [0.3, 1.5])
def test_equals_the_textbook(h, pair):
    source, target = pair(20, 30, 2)

    def density(x, at):
        return np.mean([np.exp(-((at - a) ** 2).sum() / (2 * h**2)) / (2 * np.pi * h**2) for a in x])

    expected = np.array([density(target.x, a) / density(source.x, a) for a in source.x])
    found = KDERatio(min_effective=0.0, bandwidth=h).fit(source, target)
    np.testing.assert_allclose(found.weights_, expected / expected.mean(), rtol=1e-9)
    assert found.bandwidths_ == (h, h)


def test_equals_a_peer(pair):
    peer = pytest.importorskip("skada._reweight").DensityReweightAdapter
    source, target = pair(60, 50, 3)
    x, sign = np.vstack([source.x, target.x]), np.repeat([1, -2], [60, 50])
    with quietly():
        theirs = (
            peer(KernelDensity(bandwidth=0.8)).fit(x, sample_domain=sign).compute_weights(x, sample_domain=sign)[:60]
        )
    np.testing.assert_allclose(
        KDERatio(min_effective=0.0, bandwidth=0.8).fit(source, target).weights_, theirs, rtol=1e-8
    )


def test_bandwidths_have_the_best_likelihood_of_samples_left_out(pair):
    source, target = pair(25, 35, 2)
    found = KDERatio(min_effective=0.0).fit(source, target).bandwidths_
    for domain, chosen in zip((source, target), found, strict=True):
        x = domain.x
        median = np.median(np.linalg.norm(x[:, None] - x, axis=2)[np.triu_indices(len(x), 1)])

        def score(h, x=x):
            return sum(
                KernelDensity(bandwidth=h).fit(np.delete(x, i, axis=0)).score_samples(x[i : i + 1])[0]
                for i in range(len(x))
            )

        assert chosen == pytest.approx(median * max(MULTIPLES, key=lambda m: score(m * median)))


def test_close_to_the_true_ratio():
    task = Toy(shift="covariate", samples=1000).load()
    source = task.sources[0].train
    weights = KDERatio(min_effective=0.0).fit(source, task.target.train.without_labels()).weights_
    assert spearmanr(weights, covariate_ratio(source.x)).statistic > 0.97


def test_nothing_underflows(pair):
    source, target = pair(30, 20, 3)
    weights = KDERatio(min_effective=0.0, bandwidth=1e-3).fit(source, Domain(target.x + 1e3)).weights_
    assert np.isfinite(weights).all()
    assert weights.mean() == pytest.approx(1.0)


def test_blocks_of_rows_change_nothing(pair, monkeypatch):
    source, target = pair(50, 40, 3)
    whole = KDERatio(min_effective=0.0).fit(source, target).weights_
    monkeypatch.setattr(da.estimators.weighting.basis, "BLOCK", 120)
    np.testing.assert_allclose(KDERatio(min_effective=0.0).fit(source, target).weights_, whole, rtol=1e-10)


def test_a_bandwidth_of_zero_is_refused(pair):
    with pytest.raises(UsageError, match="needs a bandwidth above 0, got 0"):
        KDERatio(min_effective=0.0, bandwidth=0.0).fit(*pair())
