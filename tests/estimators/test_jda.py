import numpy as np
import pytest
from mmd_textbook import mmd, rounds_of_jda, unit
from scipy.linalg import subspace_angles
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.subspace import mmd_spaces
from da.estimators.subspace.contrasts import conditional, grouped, marginal, to_unit_norm
from da.estimators.subspace.jda import JDA
from da.estimators.subspace.tca import TCA


@pytest.fixture
def classes():
    """Three classes whose target is moved: source, target, its labels."""
    rng = np.random.default_rng(3)
    y_s, y_t = rng.integers(3, size=70), rng.integers(3, size=60)
    means = 1.5 * rng.normal(size=(3, 6))
    x_s = means[y_s] + rng.normal(size=(70, 6))
    x_t = (means[y_t] + rng.normal(size=(60, 6))) @ np.diag([1.0, 2.0, 1.0, 0.5, 1.0, 1.0]) + 1.0
    return Domain(x_s, y_s), Domain(x_t), y_t


def both(fitted, source, target):
    return np.vstack([fitted.transform(source.x, domain="source"), fitted.transform(target.x)])


@pytest.mark.parametrize(("n_s", "n_t"), [(20, 30), (30, 9)])
def test_contrasts_by_group_are_those_by_sample(n_s, n_t):
    rng = np.random.default_rng(0)
    y_s, y_t = rng.integers(4, size=n_s), rng.integers(3, size=n_t)  # the target lacks a class
    groups = np.r_[y_s, 4 + y_t]
    counts = np.bincount(groups, minlength=8)
    found = grouped(*np.split(counts, 2))[groups]
    np.testing.assert_allclose(found[:, 0], marginal(n_s, n_t))
    np.testing.assert_allclose(found[:, 1:], conditional(y_s, y_t, np.arange(4)))
    for weights, priors in (((4.0, 1.0), False), ((0.3, 0.7), True), ((0.0, 1.0), True)):
        e = to_unit_norm(grouped(*np.split(counts, 2), *weights, priors=priors), counts)[groups]
        np.testing.assert_allclose(e @ e.T, mmd(y_s, y_t, n_s, n_t, *weights, priors=priors), atol=1e-14)


@pytest.mark.parametrize("rounds", [1, 2, 4])
@pytest.mark.parametrize("kernel", ["primal", "linear", "rbf"])
def test_equals_the_textbook_round_by_round(kernel, rounds, classes):
    source, target, _ = classes
    labels, expected = rounds_of_jda(source.x, source.y, target.x, kernel, 0.1, 3, rounds, bandwidth=1.2)
    fitted = JDA(kernel=kernel, n_components=3, rounds=rounds, bandwidth=1.2).fit(source, target)
    z = both(fitted, source, target)
    signs = np.sign((z * expected).sum(0))
    np.testing.assert_allclose(z * signs, expected, atol=1e-7)
    again = KNeighborsClassifier(1).fit(z[:70], source.y).predict(z[70:])
    np.testing.assert_array_equal(again, labels[-1])
    assert rounds == 1 or (labels[0] != labels[1]).any()  # pseudo-labels do matter here


def test_rounds_that_start_from_the_last_space_equal_fresh_ones(classes, monkeypatch):
    source, target, _ = classes
    options = {"kernel": "rbf", "n_components": 3, "rounds": 5, "bandwidth": 1.2}
    monkeypatch.setattr(mmd_spaces, "DENSE", 10_000)
    dense = both(JDA(**options).fit(source, target), source, target)
    monkeypatch.setattr(mmd_spaces, "DENSE", 0)
    fitted = JDA(**options).fit(source, target)
    assert fitted.n_rounds_ > 2
    np.testing.assert_allclose(np.abs(both(fitted, source, target)), np.abs(dense), atol=1e-4)


@pytest.mark.parametrize("kernel", ["primal", "linear", "rbf"])
def test_the_first_round_is_tca(kernel, classes):
    source, target, _ = classes
    options = {"kernel": kernel, "n_components": 4, "regularization": 0.3}
    first = JDA(rounds=1, normalize=False, **options).fit(source, target)
    np.testing.assert_allclose(
        both(first, source, target), both(TCA(**options).fit(source, target), source, target), atol=1e-9
    )


def test_pseudo_labels_bring_the_classes_together(classes):
    source, target, y_t = classes
    x = both(TCA(kernel="primal", n_components=3).fit(source, target), source, target)
    z = both(
        JDA(n_components=3, normalize=False, regularization=1e-3, classifier=GaussianNB()).fit(source, target),
        source,
        target,
    )

    def gap(z):
        means = [np.linalg.norm(z[:70][source.y == c].mean(0) - z[70:][y_t == c].mean(0)) for c in range(3)]
        return np.mean(means) / z.std()

    assert gap(z) < 0.7 * gap(x)


def test_it_ends_when_the_labels_stay(classes):
    source, target, _ = classes
    far = JDA(rounds=50).fit(source, target)
    assert 2 < far.n_rounds_ < 50
    np.testing.assert_array_equal(
        far.transform(target.x), JDA(rounds=far.n_rounds_).fit(source, target).transform(target.x)
    )


def test_the_classifier_labels(classes):
    source, target, _ = classes
    plain = JDA(n_components=3).fit(source, target).transform(target.x)
    assert (
        np.abs(JDA(n_components=3, classifier=GaussianNB()).fit(source, target).transform(target.x) - plain).max()
        > 1e-3
    )
    by_name = JDA(n_components=3, classifier=KNeighborsClassifier(1)).fit(source, target).transform(target.x)
    np.testing.assert_array_equal(by_name, plain)


def test_one_class_is_tca(classes):
    source, target, _ = classes
    single = Domain(source.x, np.full(70, 2))
    found = JDA(n_components=3, normalize=False, classifier=GaussianNB()).fit(single, target)
    expected = TCA(kernel="primal", regularization=0.1, n_components=3).fit(source, target)
    np.testing.assert_allclose(both(found, source, target), both(expected, source, target), atol=1e-9)


def test_names_of_classes_do_not_matter(classes):
    source, target, _ = classes
    renamed = Domain(source.x, np.array([7, 2, 40])[source.y])
    a, b = (both(JDA(n_components=3).fit(d, target), source, target) for d in (source, renamed))
    np.testing.assert_allclose(np.abs(a), np.abs(b), atol=1e-7)


def test_lengths_of_samples_do_not_matter(classes):
    source, target, _ = classes
    stretched = np.random.default_rng(0).uniform(0.1, 10.0, size=(70, 1))
    a = JDA().fit(source, target).transform(target.x)
    b = JDA().fit(Domain(source.x * stretched, source.y), target).transform(target.x)
    np.testing.assert_allclose(a, b, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(a, axis=1), 1.0)
    np.testing.assert_allclose(unit(a), a)


def test_a_streamed_fit_gives_the_same(classes, monkeypatch):
    from da.estimators import features

    source, target, _ = classes
    for options in ({}, {"kernel": "rbf", "features": 30, "normalize": False}):
        whole = both(JDA(n_components=3, **options).fit(source, target), source, target)
        with monkeypatch.context() as patch:
            patch.setattr(features, "BLOCK", 50)
            patch.setattr(features, "HELD", 0)
            found = both(JDA(n_components=3, **options).fit(source, target), source, target)
        assert np.sin(subspace_angles(whole, found)).max() < 1e-6


def test_bad_calls(classes):
    source, target, _ = classes
    with pytest.raises(UsageError, match="JDA needs `rounds` above 0, got 0."):
        JDA(rounds=0).fit(source, target)
    with pytest.raises(DataError, match="The source has no labels"):
        JDA().fit(source.without_labels(), target)
