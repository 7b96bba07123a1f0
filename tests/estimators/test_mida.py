import numpy as np
import pytest

from da.domain import Domain
from da.estimators.kernels import gaussian
from da.estimators.subspace.mida import MIDA


def textbook(source, target, k, mu, label_weight, augment, kernel):
    """The objective in n unknowns, term by term; columns that would lower it are left out."""
    x = np.r_[source.x, target.x]
    n, n_s = len(x), len(source)
    d = np.zeros((n, 2))
    d[:n_s, 0] = d[n_s:, 1] = 1.0
    x = np.c_[x, d] if augment else x
    gram = x @ x.T if kernel == "linear" else gaussian(x, x, 1.5)
    same = np.zeros((n, n))
    same[:n_s, :n_s] = source.y[:, None] == source.y[None, :]
    h = np.eye(n) - 1.0 / n
    objective = gram @ (-h @ d @ d.T @ h + label_weight * h @ same @ h + mu * h) @ gram
    values, w = np.linalg.eigh((objective + objective.T) / 2.0)
    values, w = values[::-1][:k], w[:, ::-1][:, :k]
    return gram @ w[:, values > 1e-9 * np.abs(values).max()]


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("label_weight", [0.0, 0.5])
@pytest.mark.parametrize(("d", "kernel"), [(5, "linear"), (60, "linear"), (5, "rbf")])
def test_equals_the_textbook(d, kernel, label_weight, augment, pair):
    source, target = pair(20, 25, d)
    fitted = MIDA(n_components=4, mu=2.0, label_weight=label_weight, augment=augment, kernel=kernel, bandwidth=1.5).fit(
        source, target
    )
    found = np.r_[fitted.transform(source.x, domain="source"), fitted.transform(target.x)]
    expected = textbook(source, target, 4, 2.0, label_weight, augment, kernel)
    assert found.shape == expected.shape
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-7 * np.abs(expected).max())


def test_without_a_shift_it_is_pca_with_columns_scaled_by_their_length(pair):
    source, _ = pair(30, 30, 4)
    x = source.x - source.x.mean(0)
    fitted = MIDA(n_components=3, augment=False).fit(Domain(x, source.y), Domain(x))
    u, s, _ = np.linalg.svd(np.r_[x, x], full_matrices=False)
    np.testing.assert_allclose(np.abs(fitted.transform(x)), np.abs((u * s**2)[:30, :3]), atol=1e-8)


def gap(fitted, source, target):
    """Distance of the domains' means, in standard deviations of the embedding."""
    z_s, z_t = fitted.transform(source.x, domain="source"), fitted.transform(target.x)
    return np.linalg.norm(z_s.mean(0) - z_t.mean(0)) / np.sqrt(z_s.var(0).sum())


def test_offsets_of_the_domains_vanish(pair):
    source, target = pair(60, 60, 5)
    moved = Domain(target.x + 3.0)
    assert gap(MIDA().fit(source, moved), source, moved) < 0.05
    assert gap(MIDA(mu=1e6).fit(source, moved), source, moved) > 0.5  # variance alone


def test_augmentation_saves_the_direction_of_the_offset():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3)) * [5.0, 1.0, 1.0]
    source, target = Domain(x[:40]), Domain(x[40:] + [3.5, 0.0, 0.0])
    kept = [
        np.ptp(MIDA(augment=a, n_components=3).fit(source, target).transform(target.x), axis=0) for a in (True, False)
    ]
    signal = [
        np.abs(
            np.corrcoef(MIDA(augment=a, n_components=1).fit(source, target).transform(target.x)[:, 0], x[40:, 0])[0, 1]
        )
        for a in (True, False)
    ]
    assert signal[0] > 0.9 > 0.7 > signal[1]
    assert len(kept[0]) == 3 > len(kept[1])


def test_labels_draw_classes_apart():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.normal(size=(60, 4)) * [2.0, 1.0, 1.0, 1.0]
    x[:, 1] += 2.0 * y
    source, target = Domain(x, y), Domain(rng.normal(size=(60, 4)) * [2.0, 1.0, 1.0, 1.0] + [0.0, 1.0, 0.0, 0.0])

    def told_apart(weight):
        z = MIDA(n_components=1, label_weight=weight).fit(source, target).transform(x, domain="source")
        return abs(np.corrcoef(z[:, 0], y)[0, 1])

    assert told_apart(0.0) < 0.3
    assert told_apart(10.0) > 0.5
