import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.exceptions import ConvergenceWarning

from da.domain import Domain
from da.estimators.subspace.itl import ITL, information


def entropy(p):
    return -sum(v * np.log(v) for v in p if v > 0)


def textbook(l_map, samples, neighbours, labels, alone):
    """Mutual information by loops over samples and their neighbours."""
    posteriors = []
    for i, x in enumerate(samples):
        shares = {}
        for j, other in enumerate(neighbours):
            if not (alone and i == j):
                near = np.exp(-np.sum(((x - other) @ l_map) ** 2))
                shares[labels[j]] = shares.get(labels[j], 0.0) + near
        total = sum(shares.values())
        posteriors.append([shares.get(c, 0.0) / total for c in np.unique(labels)])
    return entropy(np.mean(posteriors, axis=0)) - np.mean([entropy(p) for p in posteriors])


@pytest.fixture
def scattered():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=12)
    return rng.normal(size=(9, 4)), rng.normal(size=(12, 4)), labels, np.eye(3)[labels], rng.normal(size=(4, 2))


def test_information_equals_the_textbook(scattered):
    samples, neighbours, labels, groups, l_map = scattered
    found = information(l_map, samples, neighbours, groups)[0]
    assert found == pytest.approx(textbook(l_map, samples, neighbours, labels, False), abs=1e-12)
    found = information(l_map, neighbours, None, groups)[0]
    assert found == pytest.approx(textbook(l_map, neighbours, neighbours, labels, True), abs=1e-12)


@pytest.mark.parametrize("alone", [False, True])
def test_its_gradient_is_the_slope(alone, scattered):
    samples, neighbours, _, groups, l_map = scattered
    args = (neighbours, None, groups) if alone else (samples, neighbours, groups)
    slope = approx_fprime(l_map.ravel(), lambda v: information(v.reshape(4, 2), *args)[0], 1e-7)
    np.testing.assert_allclose(information(l_map, *args)[1].ravel(), slope, atol=1e-6)


def test_known_information():
    far = 100.0 * np.eye(3)
    assert information(np.eye(3), far, far, np.eye(3))[0] == pytest.approx(np.log(3))  # each sample tells its class
    assert information(1e-9 * np.eye(3), far, far, np.eye(3))[0] == pytest.approx(0.0, abs=1e-9)
    lonely = np.array([[0.0], [1e6]])  # no neighbour near: the nearest one counts all the same
    assert information(np.eye(1), lonely, lonely + 1e3, np.eye(2))[0] == pytest.approx(np.log(2))


def test_the_objective_is_that_of_the_map_and_better_than_where_it_starts(pair):
    source, target = pair(30, 40, 6)
    fitted = ITL(n_components=2, domain_weight=0.5, scale=2.0).fit(source, target)
    assert np.square(fitted.map_).sum() == pytest.approx(2.0)
    both = np.r_[source.x, target.x] / 2.0
    is_source = np.arange(70) < 30

    def objective(l_map):
        told = textbook(l_map, both[30:], both[:30], source.y, False)
        return told - 0.5 * textbook(l_map, both, both, is_source, True)

    assert fitted.objective_ == pytest.approx(objective(fitted.map_), abs=1e-9)
    start = np.linalg.svd(target.x - target.x.mean(0))[2][:2].T
    assert fitted.objective_ > objective(start) + 0.05


def test_units_and_origin_do_not_matter(pair):
    source, target = pair(30, 40, 6)
    expected = ITL(n_components=2).fit(source, target)
    found = ITL(n_components=2).fit(Domain(1e3 * source.x + 5.0, source.y), Domain(1e3 * target.x + 5.0))
    assert found.objective_ == pytest.approx(expected.objective_, abs=1e-6)
    np.testing.assert_allclose(found.map_, expected.map_, atol=1e-4)


def test_columns_follow_the_principal_axes(pair):
    source, target = pair(30, 40, 6)
    fitted = ITL(n_components=3).fit(source, target)
    z = fitted.transform(np.r_[source.x, target.x])
    covariance = np.cov(z.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-8)
    assert (np.diff(np.diag(covariance)) < 0).all()


def test_what_tells_the_domains_apart_is_dropped_and_what_tells_classes_is_kept():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.normal(size=(2, 60, 4))
    x[:, :, 0] += 6.0 * y
    x[1, :, 1] += 6.0
    x[:, :, 2] *= 3.0
    fitted = ITL().fit(Domain(x[0], y), Domain(x[1]))
    assert fitted.map_.shape == (4, 1)
    assert abs(fitted.map_[0, 0]) > 0.95
    assert ITL(n_components=3).fit(Domain(x[0], y), Domain(x[1])).map_.shape == (4, 3)


def test_it_says_whether_its_steps_sufficed(pair):
    source, target = pair(30, 25, 4)
    source = Domain(source.x, np.arange(30) % 3)
    with pytest.warns(ConvergenceWarning, match="ITL did not converge within 1 steps: .* raise `max_iter`"):
        short = ITL(max_iter=1).fit(source, target)
    long = ITL(max_iter=2000).fit(source, target)
    assert (short.converged_, long.converged_) == (False, True)
