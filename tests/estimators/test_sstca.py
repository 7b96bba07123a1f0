import numpy as np
import pytest
import scipy.linalg
from mmd_textbook import mmd, same_components

from da.domain import Domain
from da.errors import UsageError
from da.estimators.subspace.sstca import SSTCA, laplacian
from da.estimators.subspace.tca import TCA


def both(fitted, source, target):
    return np.vstack([fitted.transform(source.x, domain="source"), fitted.transform(target.x)])


def slow_laplacian(x, n_neighbors, bandwidth):
    n = len(x)
    distance = np.linalg.norm(x[:, None] - x[None], axis=2)
    affinity = np.zeros((n, n))
    for i in range(n):
        for j in [j for j in np.argsort(distance[i]) if j != i][:n_neighbors]:
            affinity[i, j] = affinity[j, i] = np.exp(-(distance[i, j] ** 2) / (2 * bandwidth**2))
    return np.diag(affinity.sum(1)) - affinity


def test_the_laplacian_is_that_of_a_loop():
    x = np.random.default_rng(0).normal(size=(25, 3))
    found = laplacian(x, 4, 1.3).toarray()
    np.testing.assert_allclose(found, slow_laplacian(x, 4, 1.3), atol=1e-12)
    np.testing.assert_allclose(found.sum(1), 0.0, atol=1e-12)


@pytest.mark.parametrize(("dependence", "smoothness"), [(0.0, 0.0), (0.7, 0.0), (0.0, 50.0), (0.4, 500.0), (1.0, 5.0)])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_equals_the_textbook(kernel, dependence, smoothness, pair):
    source, target = pair(30, 40, 4)
    source = Domain(source.x, np.arange(30) % 3)
    x, n, k = np.vstack([source.x, target.x]), 70, 2
    gram = x @ x.T if kernel == "linear" else np.exp(-((x[:, None] - x[None]) ** 2).sum(2) / 18.0)
    h = np.eye(n) - 1 / n
    same = np.zeros((n, n))
    same[:30, :30] = source.y[:, None] == source.y[None, :]
    a = gram @ h @ (dependence * same + (1 - dependence) * np.eye(n)) @ h @ gram
    m = mmd(None, None, 30, 40, 1.0, 0.0)
    norm = 1 / 30 + 1 / 40
    b = gram @ (m + smoothness / n**2 * slow_laplacian(x, 5, 3.0) / norm) @ gram + 0.5 * np.eye(n)
    values, w = scipy.linalg.eig(a, b)
    order = np.argsort(-values.real)[:k]
    values, w = values[order].real, w[:, order].real
    expected = gram @ (w / np.sqrt(np.einsum("ij,ik,kj->j", w, b, w)))
    fitted = SSTCA(
        n_components=k,
        regularization=0.5,
        dependence=dependence,
        smoothness=smoothness,
        n_neighbors=5,
        kernel=kernel,
        bandwidth=3.0,
    ).fit(source, target)
    same_components(both(fitted, source, target), expected, values, rtol=1e-6)


@pytest.mark.parametrize("kernel", ["primal", "linear", "rbf"])
def test_without_labels_and_neighbours_it_is_tca(kernel, pair):
    source, target = pair()
    found = SSTCA(kernel=kernel, n_components=3, dependence=0.0, smoothness=0.0).fit(source, target)
    expected = TCA(kernel=kernel, n_components=3).fit(source, target)
    np.testing.assert_allclose(np.abs(both(found, source, target)), np.abs(both(expected, source, target)), atol=1e-6)


def test_dependence_finds_the_direction_of_the_labels():
    rng = np.random.default_rng(0)
    y = np.arange(100) % 2
    x_s, x_t = rng.normal(size=(2, 100, 3)) * [5.0, 1.0, 1.0]
    x_s[:, 1] += 3.0 * y  # the labels are in the second feature, the variance in the first
    x_t[:, 1] += 3.0 * y
    source, target = Domain(x_s, y), Domain(x_t)
    shares = []
    for dependence in (0.0, 1.0):
        fitted = SSTCA(n_components=1, kernel="primal", dependence=dependence, smoothness=0.0, regularization=1e6).fit(
            source, target
        )
        direction = fitted.embedding_.axes.axes[:, 0]
        shares.append(abs(direction[1]) / np.linalg.norm(direction))
    assert shares[0] < 0.2
    assert shares[1] > 0.9


def test_smoothness_brings_neighbours_together(pair):
    source, target = pair(60, 60, 5)
    graph = slow_laplacian(np.vstack([source.x, target.x]), 10, 3.0)
    rough = []
    for smoothness in (0.0, 1e3, 1e6):
        fitted = SSTCA(n_components=2, dependence=0.0, smoothness=smoothness, bandwidth=3.0).fit(source, target)
        z = both(fitted, source, target)
        rough.append(np.trace(z.T @ graph @ z) / z.var(0).sum())
    assert rough == sorted(rough, reverse=True)
    assert rough[-1] < 0.9 * rough[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dependence": 1.5}, "SSTCA needs `dependence` from 0 to 1, got 1.5."),
        ({"smoothness": -1.0}, "SSTCA needs `smoothness` at least 0"),
        ({"n_neighbors": 0}, "`n_neighbors` above 0"),
        ({"regularization": 0.0}, "SSTCA needs `regularization` above 0, got 0.0."),
    ],
)
def test_bad_parameters(options, sentence, pair):
    with pytest.raises(UsageError, match=sentence):
        SSTCA(**options).fit(*pair())
