import numpy as np
import pytest
from witness import quietly

from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.errors import UsageError
from da.estimators.weighting.nearest_neighbour import NearestNeighbour


@pytest.mark.parametrize("smoothing", [0.0, 1.0, 2.5])
def test_equals_a_count_by_hand(smoothing, pair):
    source, target = pair(20, 60, 3)
    counts = np.full(20, smoothing)
    for x in target.x:
        counts[np.argmin([((x - a) ** 2).sum() for a in source.x])] += 1.0
    found = NearestNeighbour(min_effective=0.0, smoothing=smoothing).fit(source, target).weights_
    np.testing.assert_allclose(found, counts / counts.mean())


@pytest.mark.parametrize("smoothed", [False, True])
def test_equals_a_peer(smoothed, pair):
    peer = pytest.importorskip("skada._reweight").NearestNeighborReweightAdapter
    # beyond 20 samples it takes the source for a regression problem, and it reads only the last n_s rows of the target
    source, target = pair(20, 20, 4)
    x, sign = np.vstack([source.x, target.x]), np.repeat([1, -2], 20)
    with quietly():
        found = peer(laplace_smoothing=smoothed).fit(x, sample_domain=sign)
    theirs = found.compute_weights(x, sample_domain=sign)[:20]
    ours = NearestNeighbour(min_effective=0.0, smoothing=float(smoothed)).fit(source, target).weights_
    np.testing.assert_allclose(ours, theirs / theirs.mean())


def test_equal_source_samples_share_their_cell():
    source = Domain(np.array([[0.0], [0.0], [10.0]]))
    target = Domain(np.array([[1.0], [2.0], [3.0], [9.0]]))
    np.testing.assert_allclose(
        NearestNeighbour(min_effective=0.0).fit(source, target).weights_, np.array([1.5, 1.5, 1.0]) * 3 / 4
    )


def test_equal_domains_weigh_exactly_evenly(pair):
    source, _ = pair()
    np.testing.assert_array_equal(NearestNeighbour(min_effective=0.0).fit(source, Domain(source.x)).weights_, 1.0)


def test_means_over_regions_are_the_true_ratio():
    task = Toy(shift="covariate", samples=2000).load()
    source = task.sources[0].train
    weights = NearestNeighbour(min_effective=0.0).fit(source, task.target.train.without_labels()).weights_
    regions = np.array_split(np.argsort(source.x[:, 0]), 20)
    found, truth = (np.array([v[r].mean() for r in regions]) for v in (weights, covariate_ratio(source.x)))
    assert np.corrcoef(found, truth)[0, 1] > 0.98


def test_smoothing_evens_out(pair):
    source, target = pair(60, 80, 3)
    sizes = [
        NearestNeighbour(min_effective=0.0, smoothing=s).fit(source, target).effective_sample_size_
        for s in (0.0, 1.0, 100.0)
    ]
    assert sizes == sorted(sizes)
    assert sizes[2] > 59.0


def test_a_negative_count_is_refused(pair):
    with pytest.raises(UsageError, match="at least 0"):
        NearestNeighbour(min_effective=0.0, smoothing=-1.0).fit(*pair())
