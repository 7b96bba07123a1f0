import numpy as np
import pytest
from scipy.linalg import sqrtm

from da.domain import Domain
from da.estimators.subspace.coral import CORAL


def covariance(x):
    return np.cov(x, rowvar=False)


@pytest.mark.parametrize("regularization", [1e-3, 1.0, 50.0])
def test_equals_the_closed_formula(regularization, pair):
    source, target = pair()
    ridge = regularization * np.eye(4)
    expected = np.linalg.inv(sqrtm(covariance(source.x) + ridge)) @ sqrtm(covariance(target.x) + ridge)
    fitted = CORAL(regularization=regularization).fit(source, target)
    np.testing.assert_allclose(fitted.map_, expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fitted.transform(source.x, domain="source"), source.x @ expected, atol=1e-8)


def test_the_mapped_source_has_the_covariance_of_the_target(pair):
    source, target = pair()
    mapped = CORAL(regularization=1e-10).fit(source, target).transform(source.x, domain="source")
    np.testing.assert_allclose(covariance(mapped), covariance(target.x), rtol=1e-6, atol=1e-8)
    before = np.linalg.norm(covariance(source.x) - covariance(target.x))
    halfway = CORAL(regularization=1.0).fit(source, target).transform(source.x, domain="source")
    assert 1e-3 < np.linalg.norm(covariance(halfway) - covariance(target.x)) < before


def test_the_target_is_left_as_it_is(pair):
    source, target = pair()
    assert np.array_equal(CORAL().fit(source, target).transform(target.x), target.x)


def test_a_heavy_ridge_changes_nothing(pair):
    source, target = pair()
    np.testing.assert_allclose(CORAL(regularization=1e12).fit(source, target).map_, np.eye(4), atol=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_without_a_ridge_directions_without_variance_vanish(scale, pair):
    source, target = pair(30, 30, 3)
    flat_s, flat_t = (Domain(scale * np.c_[d.x, np.full(30, 0.3), d.x[:, 0]]) for d in (source, target))
    fitted = CORAL(regularization=0.0).fit(flat_s, flat_t)
    mapped = fitted.transform(flat_s.x, domain="source")
    np.testing.assert_allclose(covariance(mapped), covariance(flat_t.x), rtol=1e-6, atol=1e-8 * scale**2)


def test_without_a_ridge_directions_unseen_in_the_source_do_not_explode(pair):
    source, target = pair()
    flat = Domain(source.x[:, [0, 1, 0, 1]] * np.array([1.0, 0.7, 0.3, 1.1]))
    assert np.abs(CORAL(regularization=0.0).fit(flat, target).transform(target.x, domain="source")).max() < 100.0


def test_fewer_samples_than_features(pair):
    source, target = pair(5, 6, 20)
    fitted = CORAL(regularization=0.1).fit(source, target)
    ridge = 0.1 * np.eye(20)
    expected = np.linalg.inv(sqrtm(covariance(source.x) + ridge)) @ sqrtm(covariance(target.x) + ridge)
    np.testing.assert_allclose(fitted.map_, expected, rtol=1e-6, atol=1e-8)
