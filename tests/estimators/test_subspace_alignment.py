import numpy as np
import pytest

from da.domain import Domain
from da.estimators.subspace.subspace_alignment import SubspaceAlignment


def directions(x, size):
    return np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:size].T


SHAPES = [(30, 40, 6, 3), (30, 40, 6, 6), (10, 12, 25, 4), (10, 60, 25, 5), (60, 10, 25, 5)]


@pytest.mark.parametrize(("n_s", "n_t", "d", "size"), SHAPES)
def test_equals_the_textbook(n_s, n_t, d, size, pair):
    source, target = pair(n_s, n_t, d)
    fitted = SubspaceAlignment(n_components=size).fit(source, target)
    p_s, p_t, found = directions(source.x, size), directions(target.x, size), fitted.target_map_
    np.testing.assert_allclose(found @ found.T, p_t @ p_t.T, atol=1e-8)
    np.testing.assert_allclose(np.abs((found * p_t).sum(0)), 1.0, atol=1e-8)  # the same axes, up to sign, in order
    np.testing.assert_allclose(fitted.source_map_, p_s @ p_s.T @ found, atol=1e-8)
    z_s, z_t = fitted.transform(source.x, domain="source"), fitted.transform(target.x)
    np.testing.assert_allclose(z_s, (source.x - source.x.mean(0)) @ p_s @ p_s.T @ found, atol=1e-7)
    np.testing.assert_allclose(z_t, (target.x - target.x.mean(0)) @ found, atol=1e-7)


def test_new_samples_are_centred_by_the_training_mean(pair):
    source, target = pair()
    fitted = SubspaceAlignment(n_components=2).fit(source, target)
    for domain, name in ((source, "source"), (target, "target")):
        whole = fitted.transform(domain.x, domain=name)
        np.testing.assert_allclose(fitted.transform(domain.x[:3], domain=name), whole[:3], atol=1e-12)
        np.testing.assert_allclose(whole.mean(0), 0.0, atol=1e-10)


@pytest.mark.parametrize(
    ("n_s", "n_t", "d", "size"),
    [(30, 30, 4, 4), (5, 30, 20, 4), (30, 5, 20, 4), (1, 30, 4, 1), (30, 1, 4, 1), (1, 1, 4, 1)],
)
def test_no_more_components_than_both_domains_span(n_s, n_t, d, size, pair):
    source, target = pair(n_s, n_t, d)
    fitted = SubspaceAlignment(n_components=20).fit(source, target)
    assert fitted.transform(source.x, domain="source").shape == (n_s, size)
    assert fitted.transform(target.x).shape == (n_t, size)
    assert np.isfinite(fitted.source_map_).all()


def test_equal_subspaces_are_left_as_they_are():
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))[0]
    z_s, z_t = np.random.default_rng(1).normal(size=(2, 20, 2)) * [3.0, 1.0]
    fitted = SubspaceAlignment(n_components=2).fit(Domain(z_s @ basis.T), Domain(z_t @ basis.T))
    np.testing.assert_allclose(fitted.source_map_, fitted.target_map_, atol=1e-10)
    z = z_s - z_s.mean(0)
    found = fitted.transform(z_s @ basis.T, domain="source")
    np.testing.assert_allclose(found @ found.T, z @ z.T, atol=1e-8)


def test_features_off_the_shared_subspace_are_dropped():
    rng = np.random.default_rng(0)
    x_s = rng.normal(size=(50, 3)) * [5.0, 3.0, 0.0]
    x_t = rng.normal(size=(50, 3)) * [5.0, 0.0, 3.0]
    fitted = SubspaceAlignment(n_components=2).fit(Domain(x_s), Domain(x_t))
    mapped = fitted.transform(x_s, domain="source")
    assert np.linalg.norm(mapped, axis=0)[1] < 0.5 * np.linalg.norm(mapped, axis=0)[0]
