import numpy as np
import pytest
import scipy.linalg

from da.domain import Domain
from da.estimators.base import classify
from da.estimators.subspace.jgsa import JGSA


def clusters(n_s=24, n_t=31, d=4, seed=0, classes=3, angle=0.5):
    """Clusters at random places; the target is turned in the plane of its first two features."""
    rng = np.random.default_rng(seed)
    middle = 2.0 * rng.normal(size=(classes, d))
    y_s, y_t = np.arange(n_s) % classes, np.arange(n_t) % classes
    x_s, x_t = middle[y_s] + rng.normal(size=(n_s, d)), middle[y_t] + rng.normal(size=(n_t, d))
    turn = np.eye(d)
    turn[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    return Domain(x_s, y_s), Domain(x_t @ turn), y_t


def textbook(source, target, k, alpha, mu, beta, rounds):
    """The authors' loop: dense 2d x 2d matrices and a general eigensolver; columns of A above B have length 1."""
    x_s, y_s, x_t = source.x, source.y, target.x
    n_s, n_t, d = len(x_s), len(x_t), x_s.shape[1]
    classes = np.unique(y_s)
    within = between = np.zeros((d, d))
    for c in classes:
        members = x_s[y_s == c]
        middle = members.mean(0)
        within = within + (members - middle).T @ (members - middle)
        between = between + len(members) * np.outer(middle - x_s.mean(0), middle - x_s.mean(0))
    y_t = classify(None, x_s, y_s, x_t)
    one, none = np.eye(d), np.zeros((d, d))
    for _ in range(rounds):
        e_s, e_t = x_s.T @ np.full(n_s, 1.0 / n_s), -x_t.T @ np.full(n_t, 1.0 / n_t)
        pairs = len(classes) * np.outer(np.r_[e_s, e_t], np.r_[e_s, e_t])
        for c in classes:
            e_s = x_s[y_s == c].mean(0)
            e_t = -x_t[y_t == c].mean(0) if (y_t == c).any() else np.zeros(d)
            pairs = pairs + np.outer(np.r_[e_s, e_t], np.r_[e_s, e_t])
        pairs = pairs / (len(classes) * (1.0 / n_s + 1.0 / n_t))
        spread = (x_t - x_t.mean(0)).T @ (x_t - x_t.mean(0))
        large = np.block([[beta * between, none], [none, mu * spread]])
        small = np.block([[alpha * one + beta * within, -alpha * one], [-alpha * one, (alpha + mu) * one]]) + pairs
        values, vectors = scipy.linalg.eig(large, small)
        w = vectors[:, np.argsort(-values.real)[:k]].real
        w = w / np.linalg.norm(w, axis=0)
        z_s, z_t = x_s @ w[:d], x_t @ w[d:]
        y_t = classify(None, z_s, y_s, z_t)
    return z_s, z_t, y_t


@pytest.mark.parametrize("d", [4, 70])
@pytest.mark.parametrize(("alpha", "mu", "beta"), [(1.0, 1.0, 0.1), (0.1, 3.0, 1.0)])
def test_equals_the_textbook(alpha, mu, beta, d):
    source, target, _ = clusters(d=d)
    fitted = JGSA(n_components=4, alpha=alpha, mu=mu, beta=beta, rounds=3).fit(source, target)
    z_s, z_t, labels = textbook(source, target, 4, alpha, mu, beta, 3)
    assert fitted.labels_.tolist() == labels.tolist()
    for found, expected in ((fitted.transform(source.x, domain="source"), z_s), (fitted.transform(target.x), z_t)):
        np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-8 * np.abs(expected).max())


def test_domains_have_maps_of_their_own_unless_these_are_held_together():
    source, target, _ = clusters()

    def apart(alpha):
        fitted = JGSA(n_components=2, alpha=alpha).fit(source, target)
        return np.linalg.norm(fitted.source_map_ - fitted.target_map_) / np.linalg.norm(fitted.target_map_)

    assert apart(1e-3) > 0.1
    assert apart(1e9) < 1e-6


def test_a_turned_target_is_turned_back():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    angle = 2.0 * np.pi * y / 3.0
    x = 3.0 * np.c_[np.cos(angle), np.sin(angle)]
    turn = np.array([[np.cos(0.9), np.sin(0.9)], [-np.sin(0.9), np.cos(0.9)]])
    x_s, x_t = x + rng.normal(size=x.shape), (x + rng.normal(size=x.shape)) @ turn
    assert np.mean(classify(None, x_s, y, x_t) == y) < 0.75
    fitted = JGSA(n_components=2).fit(Domain(x_s, y), Domain(x_t))
    assert np.mean(classify(None, fitted.transform(x_s, domain="source"), y, fitted.transform(x_t)) == y) > 0.95


def test_it_ends_when_labels_no_longer_change():
    source, target, _ = clusters()
    short = JGSA(rounds=20).fit(source, target)
    assert short.n_rounds_ < 20
    assert np.array_equal(short.target_map_, JGSA(rounds=100).fit(source, target).target_map_)


def test_turning_both_domains_does_not_matter():
    source, target, _ = clusters()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    expected = JGSA(n_components=3).fit(source, target).transform(target.x)
    found = (
        JGSA(n_components=3).fit(Domain(source.x @ turn, source.y), Domain(target.x @ turn)).transform(target.x @ turn)
    )
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
