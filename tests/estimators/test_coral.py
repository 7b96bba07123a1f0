import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power, sqrtm

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


@pytest.mark.parametrize("ridge", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize("sizes", [(20, 25), (20, 70)], ids=["both few", "one few"])
def test_few_samples_of_many_features_are_mapped_the_same(ridge, sizes):
    rng = np.random.default_rng(0)
    source, target = (Domain(rng.normal(size=(n, 60)) @ np.diag(rng.uniform(0.1, 2.0, 60))) for n in sizes)
    c_s, c_t = (np.cov(x.T) + ridge * np.eye(60) for x in (source.x, target.x))
    expected = fractional_matrix_power(c_s, -0.5) @ fractional_matrix_power(c_t, 0.5)
    fitted = CORAL(regularization=ridge).fit(source, target)
    mapped = fitted.transform(source.x, domain="source")
    np.testing.assert_allclose(mapped, source.x @ expected, rtol=1e-8, atol=1e-8 * np.abs(mapped).max())
    np.testing.assert_allclose(fitted.map_, expected, rtol=1e-7, atol=1e-9)


def test_no_matrix_of_features_by_features_is_made():
    """It would take 29 GB."""
    rng = np.random.default_rng(0)
    source, target = Domain(rng.normal(size=(30, 60_000))), Domain(rng.normal(size=(40, 60_000)))
    assert CORAL().fit(source, target).transform(source.x, domain="source").shape == (30, 60_000)
