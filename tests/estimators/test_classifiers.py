"""Classifiers that choose their C by cross-validation."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model, svm
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from da import catalog
from da.domain import Domain
from da.errors import UsageError
from da.estimators.base import Mapping
from da.estimators.boosting.tradaboost import TrAdaBoost
from da.estimators.classifiers.choice import GRID, USUAL, choose, settled, spanned, unit_of
from da.estimators.classifiers.linear import SVC, LinearSVC, LogisticRegression
from da.estimators.folds import folds_of, stratified
from da.estimators.labelling.self_training import SelfTraining
from da.estimators.subspace.coral import CORAL
from da.estimators.subspace.meda import MEDA
from da.estimators.subspace.pca import PCA
from da.estimators.transfer import Transfer
from da.estimators.transport.ot_kernel_mapping import KernelTransport
from da.estimators.transport.ot_linear import LinearTransport
from da.estimators.transport.ot_sinkhorn import SinkhornTransport
from da.estimators.weighting.bbse import BBSE
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.setting import FEW, MANY

THEIRS = {
    LogisticRegression: lambda C: linear_model.LogisticRegression(C=C, max_iter=5000),
    LinearSVC: lambda C: svm.LinearSVC(C=C, max_iter=20000, random_state=0),
    SVC: lambda C: svm.SVC(C=C, kernel="linear"),
}


def noisy(n=200, d=30, seed=0, scale=1.0):
    """Three classes, two directions that matter among many that do not."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = rng.normal(size=(n, d))
    x[:, :2] += 1.5 * np.array([[0.0, 1.0], [1.0, -0.5], [-1.0, -0.5]])[y]
    return scale * x, y


def right(make, x, y, weights, C):
    """The textbook: weighted share of held-out samples that are told right, each fold by a classifier of the others."""
    fold = folds_of(x, y, 5)
    found = 0.0
    for k in range(5):
        train, held = fold != k, fold == k
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # at the largest C their optimiser may end early
            model = make(C).fit(x[train], y[train], sample_weight=weights[train])
        found += weights[held] @ (model.predict(x[held]) == y[held])
    return found / weights.sum()


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("scale", "unit"), [(0.02, 1e3), (0.2, 10.0), (2.0, 0.1)])
def test_takes_the_smallest_within_a_standard_error_of_the_best_by_the_textbook(kind, weighted, scale, unit):
    x, y = noisy(scale=scale)
    weights = np.random.default_rng(1).uniform(0.0, 3.0, size=len(y)) if weighted else np.ones(len(y))
    model = kind().fit(x, y, sample_weight=weights if weighted else None)
    tried = [C * unit for C in GRID if C <= USUAL]
    scores = np.array([right(THEIRS[kind], x, y, weights, C) for C in tried])
    n = weights.sum() ** 2 / (weights @ weights)
    goal = scores.max() - np.sqrt(scores.max() * (1.0 - scores.max()) / n)
    few = 1.5 / len(y)  # fits that are only compared are shorter, and may differ by a sample
    allowed = [C for k, C in enumerate(tried) if scores[k] >= goal - few and (scores[:k] < goal + few).all()]
    assert any(pytest.approx(C) == model.C_ for C in allowed)
    assert model.C == "cv", "what was asked for stays asked for"
    fixed = kind(C=model.C_).fit(x, y, sample_weight=weights if weighted else None)
    np.testing.assert_array_equal(model.decision_function(x), fixed.decision_function(x))


def test_weights_decide():
    """Half of the samples follow a rule of their own; where they weigh nothing, theirs is not looked at."""
    x, y = noisy(300)
    y = np.where(np.arange(300) < 150, y, np.random.default_rng(0).integers(0, 3, 300))
    weights = np.where(np.arange(300) < 150, 2.0, 0.0)
    assert choose(LogisticRegression(), x, y, weights) == choose(LogisticRegression(), x[:150], y[:150])


def test_small_features_get_a_large_c():
    """Components of unit length, of which C = 0.01 would make a classifier that knows the most frequent class alone."""
    x, y = noisy(600, 4)
    kept = (y == 0) | (np.arange(600) % 7 == 0)
    x, y = x[kept], y[kept]
    tiny = x / np.linalg.norm(x)  # a matrix, not a row, of unit length
    model = LogisticRegression().fit(tiny, y)
    assert model.C_ >= 10.0
    assert model.score(tiny, y) > linear_model.LogisticRegression(C=0.01).fit(tiny, y).score(tiny, y) + 0.1


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
def test_order_and_names_of_classes_do_not_matter(kind):
    x, y = noisy(120)
    mixed = np.random.default_rng(3).permutation(120)
    names = np.array(["c", "a", "b"])
    chosen = choose(kind(), x, y)
    assert choose(kind(), x[mixed], y[mixed]) == chosen
    assert kind().fit(x, names[y]).classes_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
def test_sparse_rows_and_wide_rows(kind):
    x, y = noisy(60, 400)
    assert choose(kind(), sparse.csr_matrix(x), y) == choose(kind(), x, y)
    turned = spanned(x)
    assert turned.shape == (60, 60)
    np.testing.assert_allclose(turned @ turned.T, x @ x.T, atol=1e-9)


def test_many_samples_are_thinned_and_classes_keep_their_shares(monkeypatch):
    x, y = noisy(3000, 3)
    seen = []
    monkeypatch.setattr(
        linear_model.LogisticRegression,
        "fit",
        lambda self, x, y, sample_weight=None, fit=linear_model.LogisticRegression.fit: (
            seen.append(len(y)),
            fit(self, x, y, sample_weight),
        )[1],
    )
    LogisticRegression().fit(x, y)
    assert set(seen[:-1]) == {1600}
    assert seen[-1] == 3000
    picked = stratified(x, y, 300)
    assert np.bincount(y[picked]).tolist() == [100, 100, 100]


@pytest.mark.parametrize("y", [[0, 1], [0, 0, 0, 1], [0, 0, 1, 1]], ids=str)
def test_too_few_samples_to_choose_take_1_or_what_there_is(y):
    x = np.arange(len(y), dtype=float)[:, None]
    assert LogisticRegression().fit(x, np.array(y)).C_ in GRID


def test_what_c_may_be():
    x, y = noisy(60)
    for wrong in (0.0, -1.0, "CV", None):
        with pytest.raises(UsageError, match=r"^C must be a number above 0, or 'cv' to choose it"):
            LogisticRegression(C=wrong).fit(x, y)
    assert LogisticRegression(C=3).fit(x, y).C_ == 3.0
    assert clone(LogisticRegression()).C == "cv"
    assert settled(linear_model.LogisticRegression(), x, y).C == 1.0


def test_what_trains_many_times_on_the_same_samples_chooses_once(monkeypatch):
    calls = []
    monkeypatch.setattr("da.estimators.classifiers.choice.choose", lambda *given: calls.append(len(given[2])) or 10.0)
    x, y = noisy(120)
    source, target = Domain(x, y), Domain(x + 0.1)
    BBSE(classifier=LogisticRegression()).fit(source, target)
    SelfTraining(classifier=LogisticRegression()).fit(source, target)
    TrAdaBoost(classifier=LogisticRegression(), rounds=5).fit(source, None, Domain(x[:6], y[:6]))
    assert calls == [120, 120, 126]


def test_a_model_says_what_was_chosen_and_what_is_in_effect():
    x, y = noisy(120)
    found = Transfer(PCA(), LogisticRegression())
    assert found.fit((Domain(x, y),), Domain(x + 0.1)).diagnostics() == {"C": found.classifier.C_}
    found = Transfer(LogisticRatio(), LogisticRegression()).fit((Domain(x, y),), Domain(x[:60] + 0.3)).diagnostics()
    assert found.keys() == {"C", "effective_sample_size", "estimated_sample_size", "trust"}
    assert found["effective_sample_size"] >= max(60.0 - 1e-9, found["estimated_sample_size"])


def test_where_the_source_is_moved_to_the_target_c_is_chosen_before_it_was(monkeypatch):
    """Mapped samples that are held out were not held out from the map."""
    seen = []
    monkeypatch.setattr(
        "da.estimators.classifiers.choice.choose", lambda model, x, *rest: seen.append(np.array(x)) or 10.0
    )
    x, y = noisy(60)
    source, target = Domain(x, y), Domain(x[::2] + 1.0)
    for estimator in (SinkhornTransport(), CORAL(), LinearTransport(), KernelTransport()):
        found = Transfer(estimator, LogisticRegression()).fit((source,), target)
        np.testing.assert_array_equal(seen.pop(), x)
        assert found.diagnostics()["C"] == 10.0
        np.testing.assert_array_equal(estimator.transform(target.x), target.x)
        assert not seen
    Transfer(PCA(components=2), LogisticRegression()).fit((source,), target)
    assert seen.pop().shape == (60, 2)


def test_only_estimators_that_leave_the_target_say_so(pair):
    for entry in catalog.entries("method").values():
        make = entry.locate()
        if issubclass(make, Mapping) and entry.access.target_y != FEW:
            source, target = pair()
            sources = (source,) if entry.access.sources == MANY else source
            mapped = np.asarray(make().fit(sources, target).transform(target.x))
            same = mapped.shape == target.x.shape and bool((mapped == target.x).all())
            assert make.target_stays == (same and entry.name != "unadapted"), entry.name


def test_the_score_of_a_C_is_weighted_as_the_training_is():
    """Many samples of almost no weight are of one class wherever they lie: counted evenly, what always names it wins."""
    x, y = noisy(300, scale=0.03)
    light = np.tile(np.flatnonzero(y > 0), 5)
    both, labels = np.vstack([x, x[light]]), np.r_[y, np.zeros(len(light), int)]
    weights = np.r_[np.where(y == 0, 1.3, 1.0), np.full(len(light), 1e-3)]
    chosen = choose(LogisticRegression(), both, labels, weights)
    fold, evenly = folds_of(both, labels, 5), []
    for C in GRID:
        model = linear_model.LogisticRegression(C=C, max_iter=1000)
        parts = [(fold != k, fold == k) for k in range(5)]
        right = [model.fit(both[a], labels[a], weights[a]).predict(both[b]) == labels[b] for a, b in parts]
        evenly.append(np.mean(np.concatenate(right)))
    assert chosen >= 1.0 > GRID[int(np.argmax(evenly))]


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
def test_the_size_of_the_features_does_not_matter(kind):
    """Digits in any unit: pixels that all are small, or all large, give the model of those in between."""
    x, y = load_digits(return_X_y=True)
    x = x[:, x.std(axis=0) > 1.0] / 16.0
    train, test = slice(0, 400), slice(400, 1000)
    usual = kind().fit(x[train], y[train])
    assert usual.score(x[test], y[test]) > 0.83
    for scale in (1e-4, 1e-3, 1e-2, 0.1, 10.0, 1e2, 1e4):
        model = kind().fit(scale * x[train], y[train])
        assert abs(model.score(scale * x[test], y[test]) - usual.score(x[test], y[test])) < 0.035, scale
        assert USUAL * unit_of(model, scale * x[train]) > model.C_


def test_the_unit_is_that_of_features_of_size_1_where_there_are_any():
    rows = np.array([[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]])
    for sizes, unit in (((0.3, 3.0), 1.0), ((0.001, 0.1), 100.0), ((10.0, 1000.0), 0.01), ((0.0, 0.01), 1e4)):
        x = rows * [*sizes, 7.0] + 5.0
        assert unit_of(LogisticRegression(), x) == pytest.approx(unit)
        assert unit_of(SVC(kernel="rbf"), x) == 1.0, "it measures the size of features itself"
    assert unit_of(LogisticRegression(), np.ones((4, 2))) == 1.0
    assert unit_of(LogisticRegression(), sparse.csr_matrix([[0.1, 0.0], [0.0, 0.01]])) == pytest.approx(100.0)


def apart(size):
    """Two classes told apart by a feature of this size, beside one of size 1 that tells nothing."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    return np.c_[rng.normal(size=200), size * (2.0 * y - 1.0 + 0.5 * rng.normal(size=200))], y


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("size", [0.3, 0.03, 0.003])
def test_chance_is_no_reason_to_stop(kind, size):
    x, y = apart(size)
    model = kind().fit(x, y)
    assert model.score(x, y) > 0.9
    assert model.C_ * size**2 > 0.001


def test_where_no_C_helps_that_is_said():
    said = r"^No C up to 1e\+06 is seen to be the best: .* of one class. The features differ much in size \(data.stand"
    with pytest.warns(UserWarning, match=said):
        LogisticRegression().fit(*apart(1e-6))  # which takes a C of 1e10
    x = np.random.default_rng(2).normal(size=(200, 3))
    with pytest.warns(UserWarning, match="seen to be the best"):
        LogisticRegression().fit(x, np.arange(200) % 2)
    LogisticRegression().fit(x[:60], np.arange(60) % 2)  # so few are told no better than by chance, by chance


def test_methods_that_train_the_classifier_themselves_say_which_C(pair):
    source, target = pair(60, 40)
    transfer = Transfer(SelfTraining(rounds=2), LogisticRegression()).fit((source,), target.without_labels())
    assert transfer.diagnostics()["C"] in GRID
    transfer = Transfer(MEDA(components=2), LogisticRegression()).fit((source,), target.without_labels())
    assert transfer.diagnostics()["C"] == transfer.estimator.C_
    assert "C" not in Transfer(MEDA(components=2), KNeighborsClassifier()).fit((source,), target).diagnostics()
    boosted = Transfer(TrAdaBoost(rounds=3), LogisticRegression())
    boosted.fit((source,), target.without_labels(), Domain(target.x[:9], source.y[:9]))
    found = boosted.diagnostics()
    assert found["C"] in GRID
    w = boosted.estimator.weights_[:60]
    assert found["effective_sample_size"] == pytest.approx(w.sum() ** 2 / (w**2).sum())
