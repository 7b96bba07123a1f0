from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power, sqrtm
from witness import quietly

from da.domain import Domain
from da.estimators.transport.ot_linear import LinearTransport


def affine(source, seed=0):
    """A target that is the image of the source under a symmetric positive map and a shift."""
    half = np.random.default_rng(seed).normal(size=(4, 4))
    a = half @ half.T + 0.1 * np.eye(4)
    return a, Domain(source.x @ a + np.arange(4.0))


def test_an_affine_monge_map_is_recovered(pair):
    source, _ = pair(50)
    a, target = affine(source)
    fitted = LinearTransport(regularization=0.0).fit(source, target)
    np.testing.assert_allclose(fitted.map_, a, atol=1e-8)
    np.testing.assert_allclose(fitted.transform(source.x, domain="source"), target.x, atol=1e-8)
    np.testing.assert_array_equal(fitted.transform(target.x), target.x)


def test_a_translation_is_recovered(pair):
    source, _ = pair()
    fitted = LinearTransport().fit(source, Domain(source.x + 5.0))
    np.testing.assert_allclose(fitted.transform(source.x, domain="source"), source.x + 5.0, atol=1e-10)


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("regularization", [0.0, 0.3])
def test_equals_the_closed_formula_and_pot(centre, regularization, pair):
    ot = pytest.importorskip("ot")
    source, target = pair()
    m_s, m_t = (domain.x.mean(0) * centre for domain in (source, target))
    c_s, c_t = (
        (d.x - m).T @ (d.x - m) / len(d) + regularization * np.eye(4) for d, m in ((source, m_s), (target, m_t))
    )
    root = sqrtm(c_s)
    expected = np.linalg.inv(root) @ sqrtm(root @ c_t @ root) @ np.linalg.inv(root)
    fitted = LinearTransport(regularization=regularization, centre=centre).fit(source, target)
    np.testing.assert_allclose(fitted.map_, expected, atol=1e-8)
    with quietly():
        peer, offset = ot.gaussian.empirical_bures_wasserstein_mapping(
            source.x, target.x, reg=regularization, bias=centre
        )
    np.testing.assert_allclose(fitted.map_, peer, atol=1e-8)
    np.testing.assert_allclose(fitted.transform(source.x, domain="source"), source.x @ peer + offset, atol=1e-8)


def test_the_mapped_source_has_the_targets_moments(pair):
    source, target = pair()
    mapped = LinearTransport(regularization=0.0).fit(source, target).transform(source.x, domain="source")
    np.testing.assert_allclose(mapped.mean(0), target.x.mean(0), atol=1e-10)
    np.testing.assert_allclose(np.cov(mapped.T, bias=True), np.cov(target.x.T, bias=True), atol=1e-8)


def test_units_do_not_matter_without_a_ridge(pair):
    source, target = pair()
    expected = LinearTransport(regularization=0.0).fit(source, target).map_
    scaled = LinearTransport(regularization=0.0).fit(replace(source, x=1e4 * source.x), Domain(1e4 * target.x)).map_
    np.testing.assert_allclose(scaled, expected, rtol=1e-8)


def test_a_heavy_ridge_only_translates(pair):
    source, target = pair()
    fitted = LinearTransport(regularization=1e9).fit(source, target)
    np.testing.assert_allclose(fitted.map_, np.eye(4), atol=1e-6)
    moved = fitted.transform(source.x, domain="source")
    np.testing.assert_allclose(moved, source.x - source.x.mean(0) + target.x.mean(0), atol=1e-6)


def test_fewer_samples_than_features_do(pair):
    source, target = pair(5, 6, 20)
    mapped = LinearTransport().fit(source, target).transform(source.x, domain="source")
    assert np.isfinite(mapped).all()
    np.testing.assert_allclose(mapped.mean(0), target.x.mean(0), atol=1e-8)


@pytest.mark.parametrize("ridge", [1e-3, 1e-1, 10.0])
def test_few_samples_of_many_features_are_mapped_the_same(ridge):
    rng = np.random.default_rng(0)
    source, target = Domain(rng.normal(size=(20, 60))), Domain(rng.normal(size=(25, 60)) + 1.0)
    fitted = LinearTransport(regularization=ridge).fit(source, target)
    c_s, c_t = (np.cov(x.T, bias=True) + ridge * np.eye(60) for x in (source.x, target.x))
    root, inverse = (fractional_matrix_power(c_s, p).real for p in (0.5, -0.5))
    a = inverse @ fractional_matrix_power(root @ c_t @ root, 0.5).real @ inverse
    new = rng.normal(size=(5, 60))
    expected = target.x.mean(0) + (new - source.x.mean(0)) @ a
    np.testing.assert_allclose(
        fitted.transform(new, domain="source"), expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max()
    )


def test_no_matrix_of_features_by_features_is_made():
    """It would take 29 GB."""
    rng = np.random.default_rng(0)
    source, target = Domain(rng.normal(size=(30, 60_000))), Domain(rng.normal(size=(40, 60_000)))
    assert LinearTransport().fit(source, target).transform(source.x, domain="source").shape == (30, 60_000)
