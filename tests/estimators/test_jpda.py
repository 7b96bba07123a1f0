import numpy as np
import pytest
import scipy.linalg

from da.domain import Domain
from da.errors import DataError
from da.estimators.base import classify
from da.estimators.kernels import gaussian
from da.estimators.linalg import unit_rows
from da.estimators.subspace.jpda import JPDA, contrast


def classes_apart(n_s=24, n_t=31, d=4, seed=0, classes=3):
    """Clusters at random places, moved and stretched in the target; labels are uneven."""
    rng = np.random.default_rng(seed)
    middle = 2.0 * rng.normal(size=(classes, d))
    y_s, y_t = np.sort(rng.integers(classes, size=n_s)), rng.integers(classes, size=n_t)
    x_s = middle[y_s] + rng.normal(size=(n_s, d))
    x_t = 1.3 * middle[y_t] + rng.normal(size=(n_t, d)) + 0.4
    return Domain(x_s, y_s), Domain(x_t), y_t


def textbook_m(y_s, y_t, n_t, classes, mu):
    """The definitions, class pair by class pair, as dense matrices."""
    n_s = len(y_s)

    def part(c, c_t):
        e = np.zeros(n_s + n_t)
        e[:n_s] = (y_s == c) / n_s
        if y_t is not None:
            e[n_s:] = (y_t == c_t) / -n_t
        return np.outer(e, e)

    near = sum(part(c, c) for c in classes)
    far = sum(part(c, c_t) for c in classes for c_t in classes if c != c_t)
    return near / np.linalg.norm(near) - mu * far / np.linalg.norm(far)


def textbook(source, target, k, ridge, mu, rounds, kernel):
    """The authors' loop with a general eigensolver; columns of A have length 1, solutions without scatter are left."""
    x = unit_rows(np.r_[source.x, target.x])
    n, n_s = len(x), len(source.x)
    gram = x @ x.T if kernel == "linear" else gaussian(x, x, 0.8)
    y_t, classes = None, np.unique(source.y)
    centre = np.eye(n) - 1.0 / n
    for _ in range(rounds):
        m = textbook_m(source.y, y_t, n - n_s, classes, mu)
        values, vectors = scipy.linalg.eig(gram @ m @ gram + ridge * np.eye(n), gram @ centre @ gram)
        vectors = vectors.real
        seen = np.square(centre @ gram @ vectors).sum(0) > 1e-10 * np.square(vectors).sum(0)
        order = np.argsort(np.where(seen, values.real, np.inf))[:k]
        a = vectors[:, order] / np.linalg.norm(vectors[:, order], axis=0)
        z = unit_rows(gram @ a)
        y_t = classify(None, z[:n_s], source.y, z[n_s:])
    return z, y_t


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("mu", [0.0, 0.3])
def test_the_contrast_equals_its_definition(mu, known):
    source, target, y_t = classes_apart()
    y_t = y_t if known else None
    parts, core = contrast(source.y, y_t, len(target), np.arange(3), mu)
    expected = textbook_m(source.y, y_t, len(target), np.arange(3), mu)
    np.testing.assert_allclose(parts @ core @ parts.T, expected, atol=1e-14)


@pytest.mark.parametrize(("d", "kernel"), [(4, "linear"), (70, "linear"), (4, "rbf")])
@pytest.mark.parametrize(("mu", "ridge"), [(0.0, 1.0), (0.1, 1.0), (0.1, 0.05)])
def test_equals_the_textbook(d, kernel, mu, ridge):
    source, target, _ = classes_apart(d=d)
    fitted = JPDA(n_components=3, mu=mu, regularization=ridge, kernel=kernel, bandwidth=0.8, rounds=4)
    fitted.fit(source, target)
    expected, labels = textbook(source, target, 3, ridge, mu, 4, kernel)
    found = np.r_[fitted.transform(source.x, domain="source"), fitted.transform(target.x)]
    assert fitted.labels_.tolist() == labels.tolist()
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-7)


def test_new_samples_are_mapped_as_those_seen():
    source, target, _ = classes_apart()
    fitted = JPDA(kernel="rbf").fit(source, target)
    np.testing.assert_allclose(fitted.transform(target.x[3:5]), fitted.transform(target.x)[3:5], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(fitted.transform(target.x), axis=1), 1.0)


def test_units_and_turns_do_not_matter():
    source, target, _ = classes_apart()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    expected = JPDA(n_components=2).fit(source, target).transform(target.x)
    moved = [1e6 * x @ turn for x in (source.x, target.x)]
    found = JPDA(n_components=2).fit(Domain(moved[0], source.y), Domain(moved[1])).transform(moved[1])
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-8)


def test_it_ends_when_labels_no_longer_change():
    source, target, _ = classes_apart()
    short = JPDA(rounds=20).fit(source, target)
    assert short.n_rounds_ < 20
    longer = JPDA(rounds=100).fit(source, target)
    assert np.array_equal(short.map_, longer.map_)


def test_classes_pushed_apart_without_limit_are_refused():
    source, target, _ = classes_apart(d=70)
    with pytest.raises(DataError, match=r"JPDA has no solution with mu=1000\.0: .* lower mu, regularise more"):
        JPDA(mu=1000.0, regularization=1e-6).fit(source, target)
