import tracemalloc

import numpy as np
import pytest
import torch
from mmd_textbook import components, mmd, same_components, unit
from scipy.linalg import subspace_angles
from sklearn.neighbors import KNeighborsClassifier
from witness import quietly

from da.data.mnist_usps import MnistUsps
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators import features as features_module
from da.estimators.subspace import mmd_components, mmd_spaces
from da.estimators.subspace.tca import TCA

pytestmark = pytest.mark.versions


def both(fitted, source, target):
    return np.vstack([fitted.transform(source.x, domain="source"), fitted.transform(target.x)])


SHAPES = [(60, 80, 6, 4), (60, 80, 6, 20), (15, 20, 50, 8)]


@pytest.mark.parametrize("regularization", [1e-2, 1.0, 100.0])
@pytest.mark.parametrize(("n_s", "n_t", "d", "k"), SHAPES)
@pytest.mark.parametrize("kernel", ["primal", "linear", "rbf"])
def test_equals_the_textbook(kernel, n_s, n_t, d, k, regularization, pair):
    source, target = pair(n_s, n_t, d)
    x = np.vstack([source.x, target.x])
    k, width = min(k, d), 1.5 * d**0.75
    m = mmd(None, None, n_s, n_t, 1.0, 0.0)
    expected, values = components(x, kernel, m, regularization, k, bandwidth=width)
    fitted = TCA(kernel=kernel, regularization=regularization, n_components=k, bandwidth=width).fit(source, target)
    same_components(both(fitted, source, target), expected, values, rtol=1e-6)


@pytest.mark.parametrize("k", [3, 30])
def test_products_with_the_kernel_alone_find_the_same(k, pair, monkeypatch):
    source, target = pair(150, 120, 8)
    monkeypatch.setattr(mmd_spaces, "DENSE", 10_000)
    dense = both(TCA(kernel="rbf", n_components=k).fit(source, target), source, target)
    monkeypatch.setattr(mmd_spaces, "DENSE", 0)
    found = both(TCA(kernel="rbf", n_components=k).fit(source, target), source, target)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), np.linalg.norm(dense, axis=0), rtol=1e-8)
    assert np.sin(subspace_angles(found, dense)).max() < 1e-5


def test_the_constraint_and_the_stationarity_hold(pair):
    """With W of the optimum, W' B W is a multiple of the identity and A W = B W diag."""
    source, target = pair(30, 40, 5)
    x = np.vstack([source.x, target.x])
    fitted = TCA(kernel="linear", n_components=3, regularization=0.5).fit(source, target)
    z, k = both(fitted, source, target), x @ x.T
    w = np.linalg.pinv(k) @ z  # the shortest, and a longer one would cost more
    n = len(x)
    a = k @ (np.eye(n) - 1 / n) @ k
    b = k @ mmd(None, None, 30, 40, 1.0, 0.0) @ k + 0.5 * np.eye(n)
    bound = w.T @ b @ w
    np.testing.assert_allclose(bound, bound[0, 0] * np.eye(3), atol=1e-8 * bound[0, 0])
    theta = np.diag(w.T @ a @ w) / bound[0, 0]
    np.testing.assert_allclose(a @ w, b @ w * theta, atol=1e-7 * np.abs(a @ w).max())


def test_the_domains_come_together_as_the_ridge_gets_lighter(pair):
    source, target = pair(100, 120, 5)
    gaps = []
    for regularization in (1e8, 1e4, 1e2, 1e-2):
        fitted = TCA(kernel="primal", n_components=2, regularization=regularization).fit(source, target)
        z_s, z_t = fitted.transform(source.x), fitted.transform(target.x)
        gaps.append(np.linalg.norm(z_s.mean(0) - z_t.mean(0)))
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 1e-3 * gaps[0]


def test_the_first_component_has_unit_variance_and_the_next_less(pair):
    for kernel in ("primal", "linear", "rbf"):
        source, target = pair()
        variances = both(TCA(kernel=kernel, n_components=3).fit(source, target), source, target).var(0)
        assert variances[0] == pytest.approx(1.0)
        assert (np.diff(variances) < 0).all()


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_normalized_rows_go_in_and_come_out(kernel, pair):
    source, target = pair()
    fitted = TCA(kernel=kernel, n_components=3, normalize=True).fit(source, target)
    inside = TCA(kernel=kernel, n_components=3).fit(Domain(unit(source.x)), Domain(unit(target.x)))
    expected = unit(inside.transform(unit(target.x)))
    np.testing.assert_allclose(fitted.transform(target.x), expected, atol=1e-10)
    np.testing.assert_allclose(fitted.transform(5.0 * target.x), expected, atol=1e-10)


def test_with_every_sample_a_landmark_the_approximate_kernel_is_exact(pair):
    source, target = pair(40, 50, 6)
    exact = both(TCA(kernel="rbf", n_components=5).fit(source, target), source, target)
    found = both(TCA(kernel="rbf", n_components=5, features=90).fit(source, target), source, target)
    np.testing.assert_allclose(np.abs(found), np.abs(exact), atol=1e-6)
    angles = []
    for features in (10, 40, 80):
        rough = both(TCA(kernel="rbf", n_components=5, features=features).fit(source, target), source, target)
        angles.append(np.sin(subspace_angles(rough[:, :2], exact[:, :2])).max())
    assert angles == sorted(angles, reverse=True)
    assert angles[-1] < 0.05 < angles[0]


def test_landmarks_are_drawn_by_the_seed_and_for_large_domains_unasked(pair, monkeypatch):
    source, target = pair(60, 60, 6)

    def fit(**options):
        return TCA(kernel="rbf", n_components=3, **options).fit(source, target).transform(target.x)

    np.testing.assert_array_equal(fit(features=10), fit(features=10))
    assert np.abs(fit(features=10) - fit(features=10, random_state=1)).max() > 1e-3
    exact = fit()
    monkeypatch.setattr(mmd_components, "LANDMARKS", 10)
    np.testing.assert_array_equal(fit(), exact)
    monkeypatch.setattr(mmd_components, "EXACT", 119)
    np.testing.assert_array_equal(fit(), fit(features=10))


@pytest.mark.parametrize("options", [{"kernel": "linear"}, {"kernel": "primal"}, {"kernel": "rbf", "features": 30}])
def test_a_pass_in_small_blocks_gives_the_same(options, pair, monkeypatch):
    source, target = pair(70, 90, 5)
    whole = TCA(n_components=4, **options).fit(source, target)
    expected = both(whole, source, target)
    monkeypatch.setattr(features_module, "BLOCK", 35)
    monkeypatch.setattr(features_module, "HELD", 0)
    found = both(TCA(n_components=4, **options).fit(source, target), source, target)
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("options", [{"kernel": "linear"}, {"kernel": "rbf", "features": 16}])
def test_memory_does_not_grow_with_mapped_domains(options, tmp_path, monkeypatch):
    monkeypatch.setattr(features_module, "BLOCK", 20_000)
    monkeypatch.setattr(features_module, "HELD", 0)
    rng = np.random.default_rng(0)
    peaks = []
    for n in (4_000, 40_000):
        halves = []
        for side in "st":
            x = np.lib.format.open_memmap(tmp_path / f"{side}{n}.npy", "w+", np.float32, (n // 2, 20))
            x[:] = rng.normal(size=x.shape) + (side == "t")
            halves.append(Domain(x))
        tracemalloc.start()
        TCA(n_components=5, **options).fit(*halves)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 8 * 40_000 * 3  # a few numbers a sample to draw landmarks, where its features are 20


def test_tensors_stay_tensors_in_every_route(pair, monkeypatch):
    monkeypatch.setattr(mmd_spaces, "DENSE", 0)
    source, target = pair(50, 60, 6)
    tensors = [Domain(torch.as_tensor(d.x)) for d in (source, target)]
    for options in ({"kernel": "rbf"}, {"kernel": "rbf", "features": 40}, {"kernel": "linear"}):
        expected = TCA(n_components=4, **options).fit(source, target).transform(target.x)
        found = TCA(n_components=4, **options).fit(*tensors).transform(tensors[1].x)
        assert isinstance(found, torch.Tensor)
        np.testing.assert_allclose(np.abs(found.numpy()), np.abs(expected), atol=1e-5)


def adapter(mu):
    pytest.importorskip("skada")
    from skada._subspace import TransferComponentAnalysisAdapter

    return TransferComponentAnalysisAdapter(n_components=3, mu=mu)  # its Gaussian is exp(-|a - b|^2 / d)


def test_agrees_with_skada_where_skada_solves_the_problem(pair):
    r"""skada maximises tr W' K H K W for W' (I + mu K M_0 K) W = I: our regularization is 1 / (mu ||M_0||).

    It hands the matrix B^-1 A, which is not symmetric, to a solver for symmetric ones. As mu goes to 0 that is no
    harm, and both agree to 1e-6; at 10 our components solve its equation to 1e-9, and its own miss it by a percent.
    """
    source, target = (Domain(0.3 * d.x) for d in pair(30, 40, 4))
    x, which = np.vstack([source.x, target.x]), np.repeat([1, -2], [30, 40])
    h = np.eye(70) - 1 / 70
    e = np.r_[np.full(30, 1 / 30), np.full(40, -1 / 40)]
    for mu in (1e-9, 10.0):
        with quietly():
            theirs = adapter(mu).fit(x, sample_domain=which)
        z_theirs = theirs.K_ @ theirs.eigvects_
        ours = TCA(kernel="rbf", n_components=3, bandwidth=2**0.5, regularization=1 / (mu * (e @ e))).fit(
            source, target
        )
        z = both(ours, source, target)
        np.testing.assert_allclose(theirs.K_, theirs.K_.T, atol=1e-12)

        def violation(w, mu=mu, k=theirs.K_):
            solved = np.linalg.solve(np.eye(70) + mu * k @ np.outer(e, e) @ k, k @ h @ k) @ w
            return np.linalg.norm(solved - w @ np.linalg.lstsq(w, solved, rcond=None)[0]) / np.linalg.norm(solved)

        assert violation(ours.embedding_.axes.axes) < 1e-9
        if mu < 1e-6:
            assert np.sin(subspace_angles(z, z_theirs)).max() < 1e-6
        else:
            assert violation(theirs.eigvects_) > 1e-2


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("origin", "other"), [("mnist", "usps"), ("usps", "mnist")])
def test_a_thousand_landmarks_read_digits_as_well_as_the_exact_kernel(origin, other, published):
    """10 000 digits: 80.82 and 64.52 % exactly, 80.72 and 64.32 % by 1000 landmarks."""
    task = MnistUsps(source=origin, target=other, usps_size=20, limit=5000).load()
    source, target = task.sources[0].train, task.target.train
    found = []
    for features in (None, 1000):
        fitted = TCA(kernel="rbf", features=features).fit(source, target.without_labels())
        z_s, z_t = fitted.transform(source.x, domain="source"), fitted.transform(target.x)
        found.append(
            100 * np.mean(KNeighborsClassifier(1, algorithm="brute").fit(z_s, source.y).predict(z_t) == target.y)
        )
    assert found[1] == pytest.approx(found[0], abs=0.5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kernel": "rfb"}, "no kernel 'rfb'; did you mean 'rbf'?"),
        ({"regularization": 0.0}, "TCA needs `regularization` above 0, got 0.0."),
        ({"n_components": 0}, "TCA needs `n_components` above 0, got 0."),
        ({"kernel": "rbf", "bandwidth": -1.0}, "TCA needs `bandwidth` above 0, got -1.0."),
        ({"kernel": "rbf", "features": 0}, "TCA needs `features` above 0, got 0."),
    ],
)
def test_bad_parameters(options, sentence, pair):
    with pytest.raises(UsageError) as raised:
        TCA(**options).fit(*pair())
    assert sentence in str(raised.value)


def test_bad_domains(pair):
    source, target = pair()
    with pytest.raises(DataError, match="The target is empty"):
        TCA().fit(source, Domain(target.x[:0]))
    with pytest.raises(DataError, match="4 features and target inputs 3"):
        TCA().fit(source, Domain(target.x[:, :3]))


def test_no_rows_to_map(pair):
    source, target = pair()
    assert TCA(n_components=3).fit(source, target).transform(target.x[:0]).shape == (0, 3)
