import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression

from da.domain import Domain
from da.errors import UsageError
from da.estimators.linalg import unit_rows
from da.estimators.subspace.gfk import GFK
from da.estimators.subspace.meda import MEDA, laplacian, separation


@pytest.fixture
def classes(pair):
    """Three classes of 12 source samples in 6 dimensions, and 30 target samples."""
    source, target = pair(36, 30, 6)
    y = np.arange(36) % 3
    rng = np.random.default_rng(1)
    centre = 3.0 * rng.normal(size=(3, 6))
    return Domain(source.x + centre[y], y), Domain(target.x + centre[np.arange(30) % 3])


def graph(z, n_neighbors):
    """Normalised Laplacian, an edge at a time."""
    n = len(z)
    w = np.zeros((n, n))
    for i in range(n):
        cosines = [z[i] @ z[j] for j in range(n)]
        for j in np.argsort(cosines)[::-1][: n_neighbors + 1]:
            w[i, j] = w[j, i] = max(cosines[j], 0.0)
    root = np.diag(w.sum(1) ** -0.5)
    return np.eye(n) - root @ w @ root


def textbook(source, target, *, n_components, weight, smoothness, ridge, n_neighbors, mu, rounds):
    """Equation and loop of the paper with general solves and the full MMD matrices: answers on all samples."""
    manifold = GFK(n_components=n_components).fit(source, target)
    z = unit_rows(np.vstack([manifold.transform(source.x, domain="source"), manifold.transform(target.x)]))
    y, n_s, n_t = source.y, len(source), len(target)
    n, known = n_s + n_t, np.unique(source.y)
    kernel = np.array([[np.exp(-((a - b) ** 2).sum() / 2.0) for b in z] for a in z])
    e = np.diag(np.r_[np.ones(n_s), np.zeros(n_t)])
    labels = np.array([[float(i < n_s and y[i] == c) for c in known] for i in range(n)])
    pseudo = np.array([y[((row - z[:n_s]) ** 2).sum(1).argmin()] for row in z[n_s:]])
    for _ in range(rounds):
        first = np.r_[np.full(n_s, 1 / n_s), np.full(n_t, -1 / n_t)]
        m = (1 - mu) * len(known) * np.outer(first, first)
        for c in known:
            v = np.zeros(n)
            v[:n_s][y == c] = 1 / (y == c).sum()
            if (pseudo == c).any():
                v[n_s:][pseudo == c] = -1 / (pseudo == c).sum()
            m += mu * np.outer(v, v)
        m /= np.linalg.norm(m)
        system = (e + weight * m + smoothness * graph(z, n_neighbors)) @ kernel + ridge * np.eye(n)
        beta = np.linalg.solve(system, e @ labels)
        pseudo = known[(kernel @ beta)[n_s:].argmax(1)]
    return beta, kernel @ beta


@pytest.mark.parametrize("mu", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("weight", "smoothness", "ridge"), [(10.0, 1.0, 0.1), (0.5, 3.0, 1.0), (100.0, 0.0, 0.01)])
def test_equals_the_equation_of_the_paper(mu, weight, smoothness, ridge, classes):
    source, target = classes
    fitted = MEDA(n_components=2, alignment=weight, smoothness=smoothness, ridge=ridge, n_neighbors=4, mu=mu).fit(
        *classes
    )
    beta, answer = textbook(
        source,
        target,
        n_components=2,
        weight=weight,
        smoothness=smoothness,
        ridge=ridge,
        n_neighbors=4,
        mu=mu,
        rounds=10,
    )
    np.testing.assert_allclose(fitted.coefficients_, beta, atol=1e-8 * np.abs(beta).max())
    assert np.array_equal(fitted.predict(target.x), np.unique(source.y)[answer[36:].argmax(1)])


def test_stops_when_pseudo_labels_no_longer_change(classes):
    short, long = MEDA(n_components=2, n_neighbors=4, mu=0.5), MEDA(n_components=2, n_neighbors=4, mu=0.5, rounds=50)
    np.testing.assert_array_equal(short.fit(*classes).coefficients_, long.fit(*classes).coefficients_)
    assert 1 < short.rounds_ < 10


def test_without_target_terms_it_is_kernel_ridge_regression(classes):
    source, target = classes
    fitted = MEDA(n_components=2, alignment=0.0, smoothness=0.0, ridge=0.3).fit(source, target)
    z_s, z_t = fitted.features_[:36], fitted.features_[36:]
    ridge = KernelRidge(alpha=0.3, kernel="rbf", gamma=0.5).fit(z_s, np.eye(3)[source.y])
    np.testing.assert_allclose(fitted.coefficients_, np.r_[ridge.dual_coef_, np.zeros((30, 3))], atol=1e-10)
    assert np.array_equal(fitted.predict(target.x), ridge.predict(z_t).argmax(1))


def test_the_balance_is_the_share_of_class_distances(classes):
    source, target = classes
    fitted = MEDA(n_components=2, n_neighbors=4, rounds=1, alignment=1e-9).fit(source, target)
    z_s, z_t = fitted.features_[:36], fitted.features_[36:]
    pseudo = source.y[((z_t[:, None] - z_s) ** 2).sum(2).argmin(1)]
    own = np.mean([separation(z_s[source.y == c], z_t[pseudo == c]) for c in range(3)])
    assert fitted.mu_ == pytest.approx(own / (own + separation(z_s, z_t)))
    assert 0.5 < fitted.mu_ < 1.0


def test_separation_is_a_proxy_a_distance():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2000, 3)), rng.normal(size=(1000, 3))
    assert separation(a, a) == 0.0
    assert separation(a, b) < 0.1
    assert separation(a, b + 50.0) == 2.0
    assert separation(a[:1], a[:1] + 1.0) == 2.0
    # at a distance of 2 standard deviations the best line errs in 1 of 6.3 cases
    assert separation(a, b + np.array([2.0, 0.0, 0.0])) == pytest.approx(2 * (1 - 2 * 0.15866), abs=0.05)
    assert separation(a, b + 1.0) == separation(b + 1.0, a)


def test_the_laplacian_is_that_of_the_mutually_completed_graph():
    z = unit_rows(np.random.default_rng(0).normal(size=(25, 4)))
    np.testing.assert_allclose(laplacian(z, 3), graph(z, 3), atol=1e-14)
    values = np.linalg.eigvalsh(laplacian(z, 3))
    assert values[0] == pytest.approx(0.0, abs=1e-12)
    assert values[-1] <= 2.0


def test_pseudo_labels_come_from_the_classifier_given(classes):
    source, target = classes
    wrong = LogisticRegression().fit(source.x, source.y)  # a copy is fitted anew
    a, b = (MEDA(n_components=2, rounds=1, mu=1.0, classifier=c).fit(source, target) for c in (None, wrong))
    c = LogisticRegression().fit(a.features_[:36], source.y).predict(a.features_[36:])
    nearest = source.y[((a.features_[36:, None] - a.features_[:36]) ** 2).sum(2).argmin(1)]
    assert not np.array_equal(nearest, c)
    assert not np.allclose(a.coefficients_, b.coefficients_)


@pytest.mark.parametrize(
    ("options", "message"), [({"ridge": 0.0}, "positive ridge"), ({"rounds": 0}, "at least 1 round")]
)
def test_impossible_parameters_are_refused(options, message, classes):
    with pytest.raises(UsageError, match=message):
        MEDA(**options).fit(*classes)
