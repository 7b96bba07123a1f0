import math

import numpy as np
import pytest
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from da.data.toy import Toy
from da.domain import Domain, Withheld
from da.errors import DataError, UsageError
from da.estimators.boosting.tradaboost import TrAdaBoost, linear_svm

STUMP = DecisionTreeClassifier(max_depth=1, random_state=0)
HIDDEN = Withheld("target", "the method does not need it")


def conflict(n=60, m=24, seed=0, classes=2):
    """A source half of whose labels are wrong for the target beyond a line, few target samples, and test samples."""
    rng = np.random.default_rng(seed)

    def draw(size, wrong):
        x = rng.normal(size=(size, 3))
        y = np.digitize(x[:, 0] + 0.4 * x[:, 1], np.linspace(-1, 1, classes + 1)[1:-1])
        y = np.where(rng.random(size) < 0.1, rng.integers(classes, size=size), y)
        if wrong:
            y = np.where(x[:, 2] > 0.3, (y + 1) % classes, y)
        return Domain(x, y)

    return draw(n, True), draw(m, False), draw(200, False)


def textbook(learner, source, labelled, queries, n_estimators, confident):
    """TrAdaBoost of Dai et al. as printed, for classes 0 and 1; h(x) is in {0, 1}, or [0, 1] by confidence."""
    n, m = len(source), len(labelled)
    x = np.vstack([source.x, labelled.x])
    c = np.concatenate([source.y, labelled.y])
    w = [1.0] * (n + m)
    beta = 1.0 / (1.0 + math.sqrt(2.0 * math.log(n) / n_estimators))
    left, right = [0.0] * len(queries), 0.0
    for t in range(1, n_estimators + 1):
        total = sum(w)
        p = [v / total for v in w]
        h = learner.fit(x, c, sample_weight=(n + m) * np.array(p))

        def answer(points, model=h):
            return model.predict_proba(points)[:, 1] if confident else model.predict(points)

        gap = [abs(a - b) for a, b in zip(answer(x), c, strict=True)]
        error = sum(w[i] * gap[i] for i in range(n, n + m)) / sum(w[n:])
        assert 0.0 < error < 0.5
        beta_t = error / (1.0 - error)
        for i in range(n):
            w[i] *= beta ** gap[i]
        for i in range(n, n + m):
            w[i] *= beta_t ** -gap[i]
        if t >= math.ceil(n_estimators / 2):
            for j, a in enumerate(answer(queries)):
                left[j] += -a * math.log(beta_t)
            right += -0.5 * math.log(beta_t)
    return np.array(left) >= right, np.array(left) / (2.0 * right), np.array(w)


@pytest.mark.parametrize("n_estimators", [1, 2, 7, 20])
@pytest.mark.parametrize(("learner", "confident"), [(STUMP, False), (GaussianNB(), True), (LogisticRegression(), True)])
def test_it_is_the_algorithm_of_the_paper(learner, confident, n_estimators):
    source, labelled, queries = conflict()
    vote, share, weights = textbook(learner, source, labelled, queries.x, n_estimators, confident)
    fitted = TrAdaBoost(classifier=learner, n_estimators=n_estimators, confidence=confident).fit(
        source, HIDDEN, labelled
    )
    np.testing.assert_allclose(fitted.predict_proba(queries.x)[:, 1], share, rtol=1e-7, atol=1e-12)
    decided = np.abs(share - 0.5) > 1e-9
    np.testing.assert_array_equal(fitted.predict(queries.x)[decided], vote[decided])
    np.testing.assert_allclose(fitted.weights_ / fitted.weights_.sum(), weights / weights.sum(), rtol=1e-6, atol=1e-11)


def test_source_samples_that_contradict_the_target_lose_their_weight():
    source, labelled, queries = conflict(n=200, m=40)
    fitted = TrAdaBoost(classifier=STUMP).fit(source, HIDDEN, labelled)
    wrong = source.x[:, 2] > 0.3
    source_weights = fitted.weights_[:200]
    assert source_weights[wrong].mean() < 0.5 * source_weights[~wrong].mean()
    both = LogisticRegression().fit(np.r_[source.x, labelled.x], np.r_[source.y, labelled.y])
    boosted = TrAdaBoost(classifier=LogisticRegression()).fit(source, HIDDEN, labelled)
    assert np.mean(boosted.predict(queries.x) == queries.y) > both.score(queries.x, queries.y) + 0.1


@pytest.mark.parametrize("classifier", [None, STUMP, LogisticRegression(), LinearSVC(dual=False)])
def test_several_classes(classifier):
    task = Toy(shift="concept", samples=200, classes=4).load()
    source, target = task.sources[0].train, task.target.train
    labelled, rest = target.take(np.arange(40)), target.take(np.arange(40, 200))
    fitted = TrAdaBoost(classifier=classifier).fit(source, HIDDEN, labelled)
    assert np.mean(fitted.predict(rest.x) == rest.y) > 0.9
    assert fitted.predict_proba(rest.x).shape == (160, 4)


def test_with_two_classes_the_extension_is_the_paper_and_with_more_it_is_samme():
    source, labelled, _ = conflict(n=90, m=30, classes=3)
    fitted = TrAdaBoost(classifier=STUMP, n_estimators=1, confidence=False).fit(source, HIDDEN, labelled)
    x, y = np.r_[source.x, labelled.x], np.r_[source.y, labelled.y]
    missed = STUMP.fit(x, y).predict(x) != y
    error = missed[90:].mean()
    assert 0.0 < error < 2 / 3
    assert fitted.errors_[0] == pytest.approx(error)
    assert fitted.votes_[0] == pytest.approx(math.log((1 - error) / error) + math.log(2))  # SAMME, step 2c
    raised = fitted.weights_[90:][missed[90:]].mean() / fitted.weights_[90:][~missed[90:]].mean()
    assert raised == pytest.approx(math.exp(fitted.votes_[0]))


def test_rounds_no_better_than_chance_have_no_vote_and_spare_the_target():
    source, labelled, queries = conflict()
    worst = DummyClassifier(strategy="constant", constant=0)
    labelled = Domain(labelled.x, np.r_[np.zeros(1, dtype=int), np.ones(23, dtype=int)])
    fitted = TrAdaBoost(classifier=worst, n_estimators=5, confidence=False).fit(source, HIDDEN, labelled)
    np.testing.assert_array_equal(fitted.votes_, 0.0)
    np.testing.assert_allclose(fitted.weights_[60:], fitted.weights_[60])
    assert fitted.weights_[:60][source.y == 1].max() < fitted.weights_[:60][source.y == 0].min()
    np.testing.assert_array_equal(fitted.predict(queries.x), 0)  # equal votes, where none has any


def test_without_errors_on_the_target_hard_votes_boost_nothing():
    """What befalls a linear learner in high dimensions; confidence is for that."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 500)), np.arange(40) % 2
    source, labelled = Domain(x[:30], y[:30]), Domain(x[30:], y[30:])
    svm = LinearSVC(dual=False)
    hard = TrAdaBoost(classifier=svm, n_estimators=10, confidence=False).fit(source, HIDDEN, labelled)
    np.testing.assert_array_equal(hard.errors_, 0.0)
    np.testing.assert_array_equal(hard.weights_, 1.0)
    soft = TrAdaBoost(classifier=svm, n_estimators=10).fit(source, HIDDEN, labelled)
    assert soft.errors_[0] > 0.0
    assert np.ptp(soft.weights_) > 0.05


def test_margins_are_confidence():
    source, labelled, queries = conflict()
    svm = LinearSVC(dual=False)
    fitted = TrAdaBoost(classifier=svm, n_estimators=1).fit(source, HIDDEN, labelled)
    margin = svm.fit(np.r_[source.x, labelled.x], np.r_[source.y, labelled.y]).decision_function(queries.x)
    np.testing.assert_allclose(fitted.predict_proba(queries.x)[:, 1], np.clip(0.5 + margin / 2, 0, 1), atol=1e-9)


class SparseOnly(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        assert sparse.issparse(X)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        assert sparse.issparse(X)
        return super().predict_proba(X)


def test_sparse_inputs_stay_sparse():
    source, labelled, queries = (Domain(sparse.csr_matrix(np.where(d.x > 0, d.x, 0)), d.y) for d in conflict())
    thin = TrAdaBoost(classifier=SparseOnly(), n_estimators=5).fit(source, HIDDEN, labelled).predict_proba(queries.x)
    dense = [Domain(d.x.toarray(), d.y) for d in (source, labelled)]
    full = TrAdaBoost(classifier=LogisticRegression(), n_estimators=5).fit(dense[0], HIDDEN, dense[1])
    np.testing.assert_allclose(thin, full.predict_proba(queries.x.toarray()), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e8])
def test_the_default_learner_has_no_unit(scale):
    source, labelled, queries = conflict()
    moved = [Domain(scale * d.x, d.y) for d in (source, labelled)]
    expected = TrAdaBoost(n_estimators=10).fit(source, HIDDEN, labelled).predict_proba(queries.x)
    found = TrAdaBoost(n_estimators=10).fit(moved[0], HIDDEN, moved[1]).predict_proba(scale * queries.x)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert linear_svm(np.ones((5, 4))).C == 0.25
    assert linear_svm(sparse.csr_matrix(np.ones((5, 4)))).C == 0.25


def test_what_cannot_be_boosted_is_refused():
    source, labelled, _ = conflict()
    with pytest.raises(UsageError, match="KNeighborsClassifier takes no weights"):
        TrAdaBoost(classifier=KNeighborsClassifier()).fit(source, HIDDEN, labelled)
    with pytest.raises(UsageError, match="at least 1 estimator, got 0"):
        TrAdaBoost(n_estimators=0).fit(source, HIDDEN, labelled)
    with pytest.raises(DataError, match="All samples are of class 3"):
        TrAdaBoost().fit(Domain(source.x, np.full(60, 3)), HIDDEN, Domain(labelled.x, np.full(24, 3)))
    with pytest.raises(DataError, match="3 features and labelled target inputs 2"):
        TrAdaBoost().fit(source, HIDDEN, Domain(labelled.x[:, :2], labelled.y))
    with pytest.raises(DataError, match="labelled target is empty"):
        TrAdaBoost().fit(source, HIDDEN, labelled.take(np.arange(0)))
    with pytest.raises(DataError, match="labelled target has no labels"):
        TrAdaBoost().fit(source, HIDDEN, labelled.without_labels())
