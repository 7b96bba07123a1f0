"""Classifiers that choose their C by cross-validation."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model, svm
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from da.config import catalog
from da.domain import Domain
from da.errors import UsageError
from da.estimators.base import FeatureMapping
from da.estimators.boosting.tradaboost import TrAdaBoost
from da.estimators.classifiers.choice import LEAST, MOST, USUAL, choose, settled, spanned
from da.estimators.classifiers.linear import SVC, LinearSVC, LogisticRegression
from da.estimators.classifiers.recalls import Recalls
from da.estimators.classifiers.sizes import change_of_size, decades_of, size_of, unit_of
from da.estimators.folds import folds_of, stratified
from da.estimators.labelling.self_training import SelfTraining
from da.estimators.subspace.coral import CORAL
from da.estimators.subspace.meda import MEDA
from da.estimators.subspace.pca import PCA
from da.estimators.subspace.subspace_alignment import SubspaceAlignment
from da.estimators.transfer import Transfer
from da.estimators.transport.ot_kernel_mapping import KernelTransport
from da.estimators.transport.ot_linear import LinearTransport
from da.estimators.transport.ot_sinkhorn import SinkhornTransport
from da.estimators.weighting.bbse import BBSE
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.setting import FEW, MANY

THEIRS = {
    LogisticRegression: lambda size: lambda C: linear_model.LogisticRegression(C=C, max_iter=5000),
    LinearSVC: lambda size: lambda C: svm.LinearSVC(C=C, intercept_scaling=size, max_iter=20000, random_state=0),
    SVC: lambda size: lambda C: svm.SVC(C=C, kernel="linear"),
}
"""scikit-learn's, by the size of the features: that of the one that stands for a penalised bias."""
GRID = [10.0**power for power in range(LEAST, USUAL + 1)]


def noisy(n=200, d=30, seed=0, scale=1.0):
    """Three classes, two directions that matter among many that do not."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = rng.normal(size=(n, d))
    x[:, :2] += 1.5 * np.array([[0.0, 1.0], [1.0, -0.5], [-1.0, -0.5]])[y]
    return scale * x, y


def held_out(make, x, y, weights, C):
    """Which samples are told right, each fold by a classifier of the others."""
    fold, right = folds_of(x, y, 5), np.zeros(len(y))
    for k in range(5):
        train, held = fold != k, fold == k
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # at the largest C their optimiser may end early
            model = make(C).fit(x[train], y[train], sample_weight=weights[train])
        right[held] = model.predict(x[held]) == y[held]
    return right


def recalls(right, y, weights):
    """The textbook: the weighted share of each class that is told right, their mean, and its standard error."""
    shares, squares = [], []
    for label in np.unique(y):
        of, w = right[y == label], weights[y == label]
        shares.append(np.average(of, weights=w))
        squares.append(shares[-1] * (1.0 - shares[-1]) * (w @ w) / w.sum() ** 2)
    return np.mean(shares), np.sqrt(np.sum(squares)) / len(shares)


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("scale", "unit"), [(0.02, 100.0), (0.2, 1.0), (2.0, 0.01)])
def test_takes_the_smallest_within_a_standard_error_of_the_best_by_the_textbook(kind, weighted, scale, unit):
    x, y = noisy(scale=scale)
    weights = np.random.default_rng(1).uniform(0.0, 3.0, size=len(y)) if weighted else np.ones(len(y))
    model = kind().fit(x, y, sample_weight=weights if weighted else None)
    assert unit_of(x) == pytest.approx(unit)
    tried = [unit * C for C in GRID]
    found = [recalls(held_out(THEIRS[kind](scale), x, y, weights, C), y, weights) for C in tried]
    scores = np.array([score for score, _ in found])
    goal = scores.max() - found[int(scores.argmax())][1]
    few = 1.5 / len(y)  # fits that are only compared are shorter, and may differ by a sample
    allowed = [C for k, C in enumerate(tried) if scores[k] >= goal - few and (scores[:k] < goal + few).all()]
    assert any(pytest.approx(C) == model.C_ for C in allowed)
    assert model.C == "cv", "what was asked for stays asked for"
    bias = {"intercept_scaling": size_of(x)} if kind is LinearSVC else {}
    fixed = kind(C=model.C_, **bias).fit(x, y, sample_weight=weights if weighted else None)
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
    assert LogisticRegression().fit(x, np.array(y)).C_ in [unit_of(x) * 10.0**power for power in range(LEAST, MOST)]


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
    TrAdaBoost(classifier=LogisticRegression(), n_estimators=5).fit(source, None, Domain(x[:6], y[:6]))
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
        assert found.diagnostics()["C"] == 10.0, "a map that averages makes rows smaller, and their units no others"
        np.testing.assert_array_equal(estimator.transform(target.x), target.x)
        assert not seen
    Transfer(PCA(n_components=2), LogisticRegression()).fit((source,), target)
    assert seen.pop().shape == (60, 2)


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("scale", [1e-2, 0.1, 10.0])
def test_a_source_that_is_moved_to_other_units_takes_its_C_along(kind, scale):
    x, y = load_digits(return_X_y=True)
    x = x / 16.0
    accuracy = {}
    for size in (1.0, scale):
        model = Transfer(LinearTransport(), kind()).fit((Domain(x[:600], y[:600]),), Domain(size * x[600:1200]))
        accuracy[size] = np.mean(model.answer(size * x[600:1200]).labels == y[600:1200])
    assert accuracy[1.0] > 0.9
    assert accuracy[scale] > accuracy[1.0] - 0.02


def test_a_map_that_averages_is_no_change_of_units():
    """Samples moved by a plan are means of target samples, of smaller variance; a larger C would fit what is left."""
    x, y = noisy(200)
    target = x[100:] + 0.5
    model = Transfer(SinkhornTransport(entropy=1.0), LogisticRegression()).fit(
        (Domain(x[:100], y[:100]),), Domain(target)
    )
    moved = model.estimator.transform(x[:100], domain="source")
    assert change_of_size(x[:100], moved) > 1.0
    assert model.classifier.C_ == LogisticRegression().fit(x[:100], y[:100]).C_


def turned(seed):
    """Three directions tell four classes in both domains, eight more in the source alone, where the target has others.

    Alignment makes the eight 30 times smaller in the source, and those of the target keep their size.
    """
    rng = np.random.default_rng(seed)
    both, alone = rng.normal(size=(4, 3)), rng.normal(size=(4, 8))

    def draw(means):
        y = rng.integers(0, 4, 300)
        first = 3.0 * (both[y] + 0.8 * rng.normal(size=(300, 3)))
        return np.c_[first, means[y] + 0.8 * rng.normal(size=(300, 8)), 0.05 * rng.normal(size=(300, 13))], y

    (x_s, y_s), (x_t, y_t) = draw(alone), draw(np.zeros((4, 8)))
    x_t[:, 3:11] *= 1.5
    angle = np.deg2rad(88.0)
    turn = np.eye(24)
    for i, j in zip(range(3, 11), range(13, 21), strict=True):
        turn[[i, j], [i, j]], turn[i, j], turn[j, i] = np.cos(angle), np.sin(angle), -np.sin(angle)
    return Domain(x_s, y_s), Domain(x_t @ turn), y_t


@pytest.mark.parametrize("seed", range(3))
def test_directions_that_alignment_made_small_are_not_told_by_a_large_C(seed):
    source, target, y = turned(seed)

    def accuracy(C):
        model = Transfer(SubspaceAlignment(n_components=11), LogisticRegression(C=C)).fit((source,), target)
        return np.mean(model.answer(target.x).labels == y)

    aligned = SubspaceAlignment(n_components=11).fit(source, target).transform(source.x, domain="source")
    tempted = choose(LogisticRegression(), aligned, source.y)
    assert accuracy("cv") > max(accuracy(C) for C in (0.001, 0.01, 0.1, 1.0, 10.0)) - 0.12
    assert accuracy("cv") > accuracy(tempted) + 0.15


def test_only_estimators_that_leave_the_target_say_so(pair):
    for entry in catalog.entries("method").values():
        make = entry.locate()
        if issubclass(make, FeatureMapping) and entry.access.target_y != FEW:
            source, target = pair()
            sources = (source,) if entry.access.sources == MANY else source
            mapped = np.asarray(make().fit(sources, target).transform(target.x))
            same = mapped.shape == target.x.shape and bool((mapped == target.x).all())
            assert make.target_stays == (same and entry.name != "unadapted"), entry.name


def test_the_score_of_a_C_is_weighted_as_the_training_is():
    """Many samples of almost no weight have labels by chance: counted evenly, no C is better than another."""
    x, y = noisy(300)
    rng = np.random.default_rng(2)
    both, labels = np.vstack([x, rng.normal(size=(1500, 30))]), np.r_[y, rng.integers(0, 3, 1500)]
    both[:, :2] /= 10.0  # what tells the classes takes a larger C than the rest
    weights = np.r_[np.ones(300), np.full(1500, 1e-4)]
    chosen = choose(LogisticRegression(), both, labels, weights)
    make = THEIRS[LogisticRegression](1.0)
    grid = [unit_of(both) * step for step in GRID]
    found = [recalls(held_out(make, both, labels, weights, C), labels, weights) for C in (*grid, chosen)]
    best, error = max(found)
    assert found[-1][0] >= best - 2.0 * error > found[0][0] + 0.1
    with pytest.warns(UserWarning, match="seen to be the best"):
        choose(LogisticRegression(), both, labels, np.r_[np.full(300, 1e-4), np.ones(1500)])


@pytest.mark.parametrize(
    ("weighted", "C"), [([0.7, 0.72, 0.76], 1.0), ([0.5, 0.5, 0.76], 10.0), ([0.76], 1.0)], ids=str
)
def test_weights_move_C_only_where_they_tell(monkeypatch, weighted, C):
    """The one chosen without them, 1, is kept unless it is told from the best with them."""

    def compared(classifier, x, index, weights, least=0.0):
        score = Recalls(index, weights, 5)
        shares = [0.5, 0.9, 0.9] if (weights == 1.0).all() else [*weighted, weighted[-1], weighted[-1]][:3]
        for share in shares:
            score.add(np.tile(np.arange(100) < 100 * share, 2))
        assert least in ((0.0,) if (weights == 1.0).all() else (1.0,))
        return [0.1, 1.0, 10.0, 100.0], score

    monkeypatch.setattr("da.estimators.classifiers.choice._compared", compared)
    x, y = np.zeros((200, 1)), np.repeat([0, 1], 100)
    assert choose(LogisticRegression(), x, y) == 1.0
    assert choose(LogisticRegression(), x, y, np.full(200, 2.0)) == C


def test_the_mean_recall_and_its_error_by_hand():
    index, weights = np.array([0, 0, 0, 0, 1, 1, 2]), np.array([1.0, 1.0, 1.0, 3.0, 2.0, 2.0, 1.0])
    score = Recalls(index, weights, least=2)
    score.add(np.array([1, 1, 1, 0, 1, 0, 0]))
    assert score.best == pytest.approx((3 / 6 + 2 / 4) / 2), "the class of one sample is not looked at"
    assert score.error == pytest.approx(np.sqrt(0.25 / 3.0 + 0.25 / 2.0) / 2)
    assert score.chance == 0.5
    score.add(np.array([1, 1, 1, 1, 1, 1, 0]))
    assert score.best == 1.0
    assert score.error == 0.0
    assert score.simplest == 1
    assert score.enough(usual=False)
    every = Recalls(np.array([0, 0, 1]), np.ones(3), least=2)
    every.add(np.array([1, 1, 0]))
    assert every.best == 0.5, "one class alone is no comparison"


def rare(share, n=800, seed=1):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(int)
    x = rng.normal(size=(n, 20))
    x[:, 0] += 2.0 * y
    x[:, 1] += 1.5 * y
    return x, y


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("share", [0.05, 0.02])
def test_a_rare_class_is_not_left_unnamed(kind, share):
    """Plain accuracy takes the C that always names the frequent class as one of the best."""
    (x, y), (held, labels) = rare(share), rare(share, 4000, 2)
    found = {C: kind(C=C).fit(x, y).predict(held) for C in ("cv", 1e-4)}
    balanced = {C: np.mean([np.mean(p[labels == k] == k) for k in (0, 1)]) for C, p in found.items()}
    assert balanced[1e-4] < 0.51
    assert balanced["cv"] > 0.6


def test_few_of_a_class_that_is_told_apart_warn_of_nothing():
    y = (np.arange(455) % 38 == 0).astype(int)
    x = np.random.default_rng(0).normal(size=(455, 3)) + 8.0 * y[:, None]
    assert y.sum() == 12
    LogisticRegression().fit(x, y)


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
def test_the_size_of_the_features_does_not_matter(kind):
    """Digits, with pixels that hardly vary beside those that do, in any unit: one model."""
    x, y = load_digits(return_X_y=True)
    train, test = slice(0, 400), slice(400, 1000)
    usual = kind().fit(x[train], y[train])
    assert usual.score(x[test], y[test]) > 0.85
    for scale in (1e-6, 1e-4, 1e-2, 0.1, 0.3, 3.0, 10.0, 1e2, 1e4):
        model = kind().fit(scale * x[train], y[train])
        assert np.mean(model.predict(scale * x[test]) != usual.predict(x[test])) < 0.02, scale
        assert model.C_ * unit_of(x[train]) / unit_of(scale * x[train]) == pytest.approx(usual.C_)


@pytest.mark.parametrize("scale", [1e-2, 1.0, 10.0])
def test_a_number_as_C_means_what_it_does_in_scikit_learn(scale):
    x, y = load_digits(return_X_y=True)
    x = scale * x[:500] / 16.0
    for C in (0.01, 1.0):
        ours = LinearSVC(C=C).fit(x, y[:500])
        theirs = svm.LinearSVC(C=C, random_state=0, max_iter=10000).fit(x, y[:500])
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3 * np.abs(theirs.coef_).max())
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-3 * np.abs(theirs.intercept_).max())


def test_units_by_hand():
    rows = np.array([[-1.0, -1.0, -1.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
    for sizes, unit, size, decades in (
        ((1.0, 1.0, 1.0), 1.0, 1.0, 0),
        ((0.003, 0.1, 0.1), 100.0, 0.1, 0),
        ((0.01, 0.01, 100.0), 1e-4, 100.0, 8),
        ((1e-9, 1e-9, 1e-9), 1e18, 1e-9, 0),
    ):
        x = rows * [*sizes, 7.0] + [0.0, 0.0, 0.0, 5.0]
        assert unit_of(x) == pytest.approx(unit)
        assert size_of(x) == pytest.approx(size)
        assert decades_of(x) == decades
        assert change_of_size(x, x / 100.0) == pytest.approx(100.0)
    for constant in (np.full((4, 2), 5.0), np.full((1000, 3), 1e6 / 3.0), np.zeros((3, 1))):
        assert (unit_of(constant), size_of(constant), decades_of(constant)) == (1.0, 1.0, 0)
    assert unit_of(sparse.csr_matrix([[0.1, 0.0], [0.0, 0.01]])) == pytest.approx(1000.0)


def test_the_same_rows_have_the_same_C_sparse_or_dense():
    """Counts, whose means are far from 0, and a constant: neither is a feature's size."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = np.c_[rng.poisson(5 + np.eye(3)[y] @ rng.random((3, 40))).astype(float), np.full(300, 1000.0)]
    for size in (unit_of, size_of, decades_of):
        assert size(x) == size(sparse.csr_matrix(x))
    for kind in (LogisticRegression, LinearSVC, SVC):
        dense, few = kind().fit(x, y), kind().fit(sparse.csr_matrix(x), y)
        assert dense.C_ == few.C_
        assert np.mean(dense.predict(x) == few.predict(sparse.csr_matrix(x))) > 0.98
    assert unit_of(sparse.csr_matrix(np.full((1000, 3), 1e6 / 3.0))) == 1.0


def test_kernels_that_measure_the_size_of_features_keep_their_grid():
    x, y = noisy(60)
    assert SVC(kernel="rbf").fit(1e-3 * x, y).C_ in [10.0**power for power in range(LEAST, MOST + 1)]


@pytest.mark.parametrize("kind", [LogisticRegression, LinearSVC])
@pytest.mark.parametrize("scale", [1e2, 1e3, 1e4])
def test_one_column_in_larger_units_hides_no_other(kind, scale):
    """In units of the large one the others are small, and a solver that stops at a gradient of 1e-4 sees none."""
    (x, y), (held, labels) = (noisy(400, 6, seed) for seed in (0, 1))
    units = np.array([1.0, 1.0, 1.0, 1.0, 1.0, scale])
    usual = THEIRS[kind](1.0)(1.0).fit(x, y).score(held, labels)
    for C in ("cv", 1.0):
        model = kind(C=C).fit(x * units, y)
        assert model.score(held * units, labels) > usual - 0.03, C
    theirs = linear_model.LogisticRegression(C=1.0, max_iter=5000, tol=1e-6).fit(x * units, y)
    if kind is LogisticRegression:
        assert np.mean(model.predict(held * units) != theirs.predict(held * units)) < 0.01


@pytest.mark.parametrize("kind", [LogisticRegression, LinearSVC])
@pytest.mark.filterwarnings("ignore:No C up to")  # the largest is the best
def test_a_direction_a_thousand_times_smaller_is_found(kind):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 900)
    z = 1e-3 * rng.normal(size=(900, 20))
    z[:, 0] = 10.0 * ((y == 0) + 0.3 * rng.normal(size=900))
    z[:, 1] = 0.01 * ((y == 1) + 0.3 * rng.normal(size=900))
    x = z @ np.linalg.qr(rng.normal(size=(20, 20)))[0]
    assert kind().fit(x[:400], y[:400]).score(x[400:], y[400:]) > 0.88


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
def test_classes_of_few_samples_have_their_say(kind):
    """Two classes of ten have more samples; told apart at once, they alone would take the smallest C."""
    x, y = load_digits(return_X_y=True)
    x, accuracy = x / 16.0, {"cv": [], 1.0: []}
    for draw in range(4):
        order = np.random.default_rng(draw).permutation(len(y))
        few = np.concatenate([order[y[order] == k][: 6 if k < 2 else 4] for k in range(10)])
        rest = np.setdiff1d(order, few)
        for C, found in accuracy.items():
            found.append(kind(C=C).fit(x[few], y[few]).score(x[rest], y[rest]))
    assert np.mean(accuracy["cv"]) > np.mean(accuracy[1.0]) - 0.03


def test_where_nothing_is_told_C_is_that_of_the_usual_feature():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 9)) * np.r_[1e3, np.ones(8)]
    with pytest.warns(UserWarning, match=r"some classes are rare .* C is 0.1\.$"):
        assert choose(LogisticRegression(), x, rng.integers(0, 2, 300)) == 0.1


def test_lists_and_frames_are_rows_too():
    x, y = noisy(60)
    assert LogisticRegression().fit((0.01 * x).tolist(), y.tolist()).C_ == LogisticRegression().fit(0.01 * x, y).C_


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
@pytest.mark.filterwarnings("ignore:Solver terminated early")  # where nothing varies
def test_constant_rows_and_features_of_all_sizes_come_to_an_end(kind):
    y = np.arange(120) % 2
    rng = np.random.default_rng(0)
    with pytest.warns(UserWarning, match="seen to be the best"):
        kind().fit(np.full((120, 4), 1e6 / 3.0), y)
    x = rng.normal(size=(120, 9)) * 10.0 ** np.arange(-4, 5)
    x[:, 0] += 2e-4 * y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of C at the end of its grid, and of solvers cut short
        assert np.isfinite(kind().fit(x, y).decision_function(x)).all()


def apart(size):
    """Two classes told apart by a feature of this size, beside one of size 1 that tells nothing."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    return np.c_[rng.normal(size=200), size * (2.0 * y - 1.0 + 0.5 * rng.normal(size=200))], y


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("size", [0.3, 0.03, 0.003])
@pytest.mark.filterwarnings("ignore:Solver terminated early")  # of SVC, at the smallest
def test_chance_is_no_reason_to_stop(kind, size):
    x, y = apart(size)
    model = kind().fit(x, y)
    assert model.score(x, y) > 0.9
    assert model.C_ * size**2 > 0.001


def test_where_no_C_helps_that_is_said():
    said = (
        r"^No C up to 1e\+\d+ is seen to be the best: .* are by chance. The features differ much in size \(data.stand"
    )
    x, y = apart(1e-6)  # which takes a C of 1e10, and two features of three say that none is needed
    with pytest.warns(UserWarning, match=said):
        LogisticRegression().fit(np.c_[x, x[::-1, 0]], y)
    x = np.random.default_rng(2).normal(size=(200, 3))
    with pytest.warns(UserWarning, match="seen to be the best"):
        LogisticRegression().fit(x, np.arange(200) % 2)
    LogisticRegression().fit(x[:60], np.arange(60) % 2)  # so few are told no better than by chance, by chance


def test_methods_that_train_the_classifier_themselves_say_which_C(pair):
    source, target = pair(60, 40)
    transfer = Transfer(SelfTraining(rounds=2), LogisticRegression()).fit((source,), target.without_labels())
    assert transfer.diagnostics()["C"] > 0.0
    transfer = Transfer(MEDA(n_components=2), LogisticRegression()).fit((source,), target.without_labels())
    assert transfer.diagnostics()["C"] == transfer.estimator.C_
    assert "C" not in Transfer(MEDA(n_components=2), KNeighborsClassifier()).fit((source,), target).diagnostics()
    boosted = Transfer(TrAdaBoost(n_estimators=3), LogisticRegression())
    boosted.fit((source,), target.without_labels(), Domain(target.x[:9], source.y[:9]))
    found = boosted.diagnostics()
    assert found["C"] > 0.0
    w = boosted.estimator.weights_[:60]
    assert found["effective_sample_size"] == pytest.approx(w.sum() ** 2 / (w**2).sum())
