import numpy as np
import pytest
from scipy.linalg import expm, null_space, subspace_angles
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from da.domain import Domain
from da.errors import UsageError
from da.estimators.linalg import principal
from da.estimators.subspace.gfk import GFK, disagreement, flow


def bases(d, k, seed=0):
    rng = np.random.default_rng(seed)
    return (np.linalg.qr(rng.normal(size=(d, k)))[0] for _ in range(2))


def integral(p_s, p_t, nodes=20):
    """The kernel by Gauss-Legendre quadrature over the geodesic, which is a one-parameter group of rotations."""
    rest = null_space(p_s.T)
    u, tangent, vt = np.linalg.svd(rest.T @ p_t @ np.linalg.inv(p_s.T @ p_t), full_matrices=False)
    velocity = u @ np.diag(np.arctan(tangent)) @ vt
    d, k = p_s.shape
    generator = np.zeros((d, d))
    generator[k:, :k], generator[:k, k:] = velocity, -velocity.T
    frame = np.hstack([p_s, rest])
    total = np.zeros((d, d))
    for t, weight in zip(*np.polynomial.legendre.leggauss(nodes), strict=True):
        phi = frame @ expm((t + 1.0) / 2.0 * generator)[:, :k]
        total += weight / 2.0 * phi @ phi.T
    end = frame @ expm(generator)[:, :k]
    np.testing.assert_allclose(end @ end.T, p_t @ p_t.T, atol=1e-10)  # it does arrive at the target
    return total


def closed_form(p_s, p_t):
    """The kernel by the blocks of the paper, whose factor 1/2 it leaves out."""
    rest = null_space(p_s.T)
    u1, cosine, vt = np.linalg.svd(p_s.T @ p_t)
    theta = np.arccos(np.clip(cosine, 0.0, 1.0))
    u2 = -(rest.T @ p_t @ vt.T) / np.sin(theta)
    first = np.diag(1.0 + np.sin(2 * theta) / (2 * theta))
    mixed = np.diag((np.cos(2 * theta) - 1.0) / (2 * theta))
    last = np.diag(1.0 - np.sin(2 * theta) / (2 * theta))
    frame = np.hstack([p_s @ u1, rest @ u2])
    return frame @ np.block([[first, mixed], [mixed, last]]) @ frame.T / 2.0


@pytest.mark.parametrize(("d", "k"), [(2, 1), (5, 2), (9, 4), (40, 3)])
def test_equals_the_integral_over_the_geodesic_and_the_blocks_of_the_paper(d, k):
    p_s, p_t = bases(d, k)
    angles, root = flow(p_s, p_t)
    np.testing.assert_allclose(root @ root.T, integral(p_s, p_t), atol=1e-12)
    np.testing.assert_allclose(root @ root.T, closed_form(p_s, p_t), atol=1e-12)
    np.testing.assert_allclose(angles[::-1], subspace_angles(p_s, p_t), atol=1e-12)
    assert root.shape == (d, 2 * k)


def test_distances_of_mapped_rows_are_distances_under_the_kernel(pair):
    source, target = pair(50, 60, 8)
    fitted = GFK(n_components=3).fit(source, target)
    x_s, x_t = (d.x - d.x.mean(0) for d in (source, target))
    kernel = integral(principal(x_s, 3), principal(x_t, 3))
    expected = np.array([[(a - b) @ kernel @ (a - b) for b in x_t] for a in x_s])
    found = cdist(fitted.transform(source.x, domain="source"), fitted.transform(target.x), "sqeuclidean")
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("degrees", [0.0, 1e-7, 1e-3, 0.05, 0.06, 30.0, 60.0, 90.0])
def test_two_lines(degrees):
    theta = np.radians(degrees)
    angles, root = flow(np.array([[1.0], [0.0]]), np.array([[np.cos(theta)], [np.sin(theta)]]))
    half = np.array([np.cos(theta / 2), np.sin(theta / 2)])
    ratio = np.sinc(theta / np.pi)
    assert angles[0] == pytest.approx(theta, abs=1e-15)
    np.testing.assert_allclose(root[:, 0], half * np.sqrt((1 + ratio) / 2), atol=1e-14)
    # the other eigenvalue by its series where the formula loses all digits
    other = np.sqrt((1 - ratio) / 2) if degrees > 1 else theta / np.sqrt(12) * (1 - theta**2 / 40)
    np.testing.assert_allclose(root[:, 1], np.array([-half[1], half[0]]) * other, rtol=1e-9, atol=1e-16)


def test_equal_subspaces_are_kept_as_they_are(pair):
    source, _ = pair(50, 1, 6)
    fitted = GFK(n_components=2).fit(source, Domain(source.x + 7.0))
    directions = principal(source.x - source.x.mean(0), 2)
    np.testing.assert_allclose(fitted.map_, np.c_[directions, np.zeros((6, 2))], atol=1e-12)


def test_depends_on_the_subspaces_and_not_on_their_bases():
    p_s, p_t = bases(9, 3)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    a, b, c = (flow(*pair)[1] for pair in ((p_s, p_t), (p_s @ turn, p_t @ turn.T), (p_s, p_t @ turn)))
    np.testing.assert_allclose(b @ b.T, a @ a.T, atol=1e-13)
    np.testing.assert_allclose(c, a, atol=1e-13)  # the root hangs on the axes of the source alone


def test_more_components_than_half_the_features_share_directions_in_full():
    p_s, p_t = bases(5, 4)
    angles, root = flow(p_s, p_t)
    np.testing.assert_allclose(angles[:3], 0.0, atol=1e-14)
    values = np.sort(np.linalg.eigvalsh(root @ root.T))
    ratio = np.sin(angles[3]) / angles[3]
    np.testing.assert_allclose(values, [(1 - ratio) / 2, (1 + ratio) / 2, 1, 1, 1], atol=1e-12)


def test_turning_the_features_changes_no_distance(pair):
    source, target = pair(50, 60, 8)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]

    def distances(change):
        s, t = (Domain(d.x @ change) for d in (source, target))
        fitted = GFK(n_components=3).fit(s, t)
        return cdist(fitted.transform(s.x, domain="source"), fitted.transform(t.x))

    np.testing.assert_allclose(distances(turn), distances(np.eye(8)), atol=1e-10)


def test_carries_a_signal_over_that_turns_by_80_degrees():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=300)
    theta = np.radians(80.0)
    x = 6.0 * (2 * y - 1)[:, None] * np.eye(10)[0]
    x_s, x_t = (x @ turn + rng.normal(size=(300, 10)) for turn in (np.eye(10), np.eye(10)))
    x_t = np.c_[np.cos(theta) * x_t[:, 0] - np.sin(theta) * x_t[:, 1], np.sin(theta) * x_t[:, 0] + np.cos(theta) * x_t[:, 1], x_t[:, 2:]]  # fmt: skip
    fitted = GFK(n_components=1).fit(Domain(x_s), Domain(x_t))

    def accuracy(z_s, z_t):
        return KNeighborsClassifier(1).fit(z_s, y).score(z_t, y)

    assert accuracy(x_s - x_s.mean(0), x_t - x_t.mean(0)) < 0.85
    assert accuracy(fitted.transform(x_s, domain="source"), fitted.transform(x_t)) > 0.95


def test_disagreement_is_made_of_principal_angles(pair):
    source, target = pair(50, 60, 8)
    x_s, x_t = (d.x - d.x.mean(0) for d in (source, target))
    together = np.vstack([x_s, x_t])
    rows = [np.linalg.svd(x, full_matrices=False)[2] for x in (x_s, x_t, together)]
    expected = [np.mean([np.sin(subspace_angles(r[:k].T, rows[2][:k].T).max()) for r in rows[:2]]) for k in range(1, 5)]
    np.testing.assert_allclose(list(disagreement(x_s, x_t, 4)), expected, atol=1e-10)
    np.testing.assert_allclose(list(disagreement(x_s, x_s, 4)), 0.0, atol=1e-6)


def test_components_may_be_chosen_by_disagreement():
    rng = np.random.default_rng(0)
    scale = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    x_s = rng.normal(size=(200, 12)) * scale
    x_t = rng.normal(size=(200, 12)) * scale[[0, 1, 5, 3, 4, 2, 6, 7, 8, 9, 10, 11]]
    curve = np.round(list(disagreement(x_s - x_s.mean(0), x_t - x_t.mean(0), 6)), 2)
    chosen = len(GFK(n_components=None).fit(Domain(x_s), Domain(x_t)).angles_)
    assert chosen == 1 + int(np.flatnonzero(curve == curve.max())[0])
    assert 1 < chosen < 6


def test_no_components_are_refused(pair):
    with pytest.raises(UsageError, match="GFK needs at least 1 component, got 0"):
        GFK(n_components=0).fit(*pair())


def test_uncentred_is_what_the_authors_code_does(pair):
    """Principal directions of the rows as they are, and rows mapped as they are."""
    source, target = pair(50, 60, 8)
    source, target = Domain(source.x + 3.0, source.y), Domain(target.x + 2.0)
    fitted = GFK(n_components=3, centre=False).fit(source, target)
    p_s, p_t = (np.linalg.svd(x, full_matrices=False)[2][:3].T for x in (source.x, target.x))
    np.testing.assert_allclose(fitted.map_ @ fitted.map_.T, integral(p_s, p_t), atol=1e-10)
    np.testing.assert_allclose(fitted.transform(source.x, domain="source"), source.x @ fitted.map_)
    np.testing.assert_allclose(fitted.transform(target.x), target.x @ fitted.map_)
    centred = GFK(n_components=3).fit(source, target)
    assert np.abs(centred.map_ @ centred.map_.T - fitted.map_ @ fitted.map_.T).max() > 0.1
