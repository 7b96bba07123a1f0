import numpy as np
import pytest
from witness import quietly

from da.domain import Domain
from da.errors import DataError
from da.estimators.transport.jcpot import JCPOT

ot = pytest.importorskip("ot")
CENTRES = 4.0 * np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])


def draw(rng, counts, shift=0.0):
    y = np.repeat(np.arange(len(counts)), counts)
    return Domain(CENTRES[y] + 0.5 * rng.normal(size=(len(y), 2)) + shift, y)


@pytest.fixture
def sources():
    rng = np.random.default_rng(0)
    return draw(rng, (10, 25, 15), 0.5), draw(rng, (30, 10, 12), -0.3)


def target_of(counts):
    return draw(np.random.default_rng(1), counts)


@pytest.mark.parametrize("counts", [(60, 30, 10), (10, 10, 80), (33, 33, 34)])
def test_the_targets_proportions_are_recovered(counts, sources):
    target = target_of(counts)
    fitted = JCPOT().fit(sources, target.without_labels())
    assert fitted.converged_
    np.testing.assert_allclose(fitted.proportions_, np.array(counts) / 100, atol=0.02)
    assert (fitted.predict(target.x) == target.y).mean() > 0.98
    np.testing.assert_allclose(fitted.labels_.mean(0), fitted.proportions_, atol=0.01)


@pytest.mark.parametrize("entropy", [0.3, 1.0])
def test_proportions_and_plans_are_pots(entropy, sources):
    target = target_of((50, 30, 20))
    unit = np.sqrt(np.median(((np.r_[sources[0].x, sources[1].x][:, None] - target.x[None]) ** 2).sum(2)))
    with quietly():
        h, log = ot.bregman.jcpot_barycenter(
            [s.x / unit for s in sources],
            [s.y for s in sources],
            target.x / unit,
            entropy,
            numItermax=5000,
            stopThr=1e-12,
            log=True,
        )
    fitted = JCPOT(entropy=entropy, max_iter=5000, tol=1e-12).fit(sources, target)
    np.testing.assert_allclose(fitted.proportions_, h, atol=1e-8)
    for plan, peer in zip(fitted.plans_, log["gamma"], strict=True):
        np.testing.assert_allclose(plan, peer, atol=1e-8)


def test_plans_meet_both_masses(sources):
    fitted = JCPOT(entropy=0.5, tol=1e-12).fit(sources, target_of((50, 30, 20)))
    for plan, source in zip(fitted.plans_, sources, strict=True):
        np.testing.assert_allclose(plan.sum(0), 1 / 100, atol=1e-6)
        np.testing.assert_allclose(
            plan.sum(1), fitted.proportions_[source.y] / np.bincount(source.y)[source.y], atol=1e-6
        )


def test_a_source_without_one_of_the_classes_is_refused(sources):
    thin = sources[1].take(np.flatnonzero(sources[1].y != 2))
    with pytest.raises(DataError, match="source .unnamed. lacks class 2; drop that source"):
        JCPOT().fit((sources[0], thin), target_of((50, 30, 20)))


def test_one_source_is_enough_and_steep_costs_too(sources):
    target = target_of((70, 20, 10))
    fitted = JCPOT(entropy=3e-3).fit(sources[:1], target)
    np.testing.assert_allclose(fitted.proportions_, [0.7, 0.2, 0.1], atol=0.02)


def test_an_empty_source_is_refused(sources):
    with pytest.raises(DataError, match="The source is empty"):
        JCPOT().fit((sources[0], sources[1].take(np.arange(0))), target_of((5, 5, 5)))
