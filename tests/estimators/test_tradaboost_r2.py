import math

import numpy as np
import pytest
from scipy import sparse
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from da.domain import Domain, Withheld
from da.errors import UsageError
from da.estimators.adapter import TransferRegressor
from da.estimators.boosting.pooling import adjusted, weighted_median
from da.estimators.boosting.tradaboost_r2 import TrAdaBoostR2
from da.estimators.boosting.two_stage_tradaboost_r2 import TwoStageTrAdaBoostR2, boost, lower_source

HIDDEN = Withheld("target", "the method does not need it")
TREE = DecisionTreeRegressor(max_depth=3, random_state=0)
DEEP = DecisionTreeRegressor(max_depth=6, random_state=0)
SMOOTH = KernelRidge(kernel="rbf", alpha=0.1)  # of a tree's splits rounding may decide


def draw(rng, size, a, b, c):
    """Friedman's first function of five of ten inputs, with factors and offsets as in the paper's test."""
    x = rng.random((size, 10))
    z = x[:, :5] * b + c
    y = (
        a[0] * 10 * np.sin(np.pi * z[:, 0] * z[:, 1])
        + a[1] * 20 * (z[:, 2] - 0.5) ** 2
        + a[2] * 10 * z[:, 3]
        + a[3] * 5 * z[:, 4]
    )
    return Domain(x, y + rng.normal(size=size))


def friedman(n=120, m=20, seed=0):
    rng = np.random.default_rng(seed)
    source = draw(rng, n, np.array([1.3, 0.7, 1.2, 0.8]), np.ones(5), np.array([0.1, 0, 0, 0, 0]))
    return source, *(draw(rng, size, np.ones(4), np.ones(5), np.zeros(5)) for size in (m, 400))


def median(answers, votes):
    """The least answer with half the votes at or under it, a point at a time."""
    found = []
    for column in np.array(answers).T:
        total = 0.0
        for value, vote in sorted(zip(column, votes, strict=True)):
            total += vote
            if total >= 0.5 * sum(votes):
                found.append(value)
                break
    return np.array(found)


def errors(y, predicted):
    worst = max(abs(a - b) for a, b in zip(y, predicted, strict=True))
    return [abs(a - b) / worst for a, b in zip(y, predicted, strict=True)]


def textbook(source, labelled, queries, n_estimators):
    """TrAdaBoost.R2 of Pardoe & Stone."""
    n, m = len(source), len(labelled)
    x, y = np.vstack([source.x, labelled.x]), np.concatenate([source.y, labelled.y])
    w = [1.0 / (n + m)] * (n + m)
    beta = 1.0 / (1.0 + math.sqrt(2.0 * math.log(n) / n_estimators))
    answers, votes = [], []
    for _ in range(n_estimators):
        h = SMOOTH.fit(x, y, sample_weight=(n + m) * np.array(w))
        e = errors(y, h.predict(x))
        error = sum(w[i] * e[i] for i in range(n, n + m)) / sum(w[n:])
        if error >= 0.5:
            break
        beta_t = error / (1 - error)
        w = [v * (beta ** e[i] if i < n else beta_t ** -e[i]) for i, v in enumerate(w)]
        w = [v / sum(w) for v in w]
        answers.append(h.predict(queries))
        votes.append(math.log(1 / beta_t))
    first = math.ceil(len(votes) / 2) - 1
    return median(answers[first:], votes[first:])


@pytest.mark.parametrize("n_estimators", [1, 5, 20])
def test_it_is_the_algorithm_of_the_paper(n_estimators):
    source, labelled, queries = friedman()
    expected = textbook(source, labelled, queries.x, n_estimators)
    fitted = TrAdaBoostR2(classifier=SMOOTH, n_estimators=n_estimators, resample=False).fit(source, HIDDEN, labelled)
    np.testing.assert_allclose(fitted.predict(queries.x), expected, rtol=1e-9)


def frozen(x, y, w, n, queries, n_estimators):
    """AdaBoost.R2 (Drucker) that leaves the first n weights alone."""
    w = [v / sum(w) for v in w]
    share = sum(w[n:])
    answers, votes = [], []
    for _ in range(n_estimators):
        h = SMOOTH.fit(x, y, sample_weight=len(w) * np.array(w))
        e = errors(y, h.predict(x))
        error = sum(a * b for a, b in zip(w, e, strict=True))
        if error >= 0.5:
            break
        beta_t = error / (1 - error)
        raised = [w[i] * beta_t ** (1 - e[i]) for i in range(n, len(w))]
        w = w[:n] + [v * share / sum(raised) for v in raised]
        answers.append(h.predict(queries))
        votes.append(math.log(1 / beta_t))
    return median(answers, votes)


def two_stages(source, labelled, queries, n_estimators, steps, folds):
    """Two-stage TrAdaBoost.R2 of Pardoe & Stone."""
    n, m = len(source), len(labelled)
    x, y = np.vstack([source.x, labelled.x]), np.concatenate([source.y, labelled.y])
    w = [1.0 / (n + m)] * (n + m)
    fold = np.empty(m, dtype=int)
    fold[np.argsort(labelled.y)] = np.arange(m) % folds
    scores, shares, best = [], [], None
    for t in range(1, steps + 1):
        shares.append(sum(w[n:]) / sum(w))
        squares = []
        for k in range(folds):
            kept = [i for i in range(n + m) if i < n or fold[i - n] != k]
            held = [i for i in range(n, n + m) if fold[i - n] == k]
            answer = frozen(x[kept], y[kept], [w[i] for i in kept], n, x[held], n_estimators)
            squares += list((answer - y[held]) ** 2)
        scores.append(np.mean(squares))
        if scores[-1] == min(scores):
            best = frozen(x, y, w, n, queries, n_estimators)
        if t == steps:
            break
        e = errors(y, SMOOTH.fit(x, y, sample_weight=(n + m) * np.array(w)).predict(x))
        goal = m / (n + m) + t / (steps - 1) * (1 - m / (n + m))
        low, high = 0.0, 1.0
        for _ in range(100):
            beta = (low + high) / 2
            total = sum(w[i] * beta ** e[i] for i in range(n))
            low, high = (beta, high) if sum(w[n:]) / (total + sum(w[n:])) > goal else (low, beta)
        w = [w[i] * beta ** e[i] if i < n else w[i] for i in range(n + m)]
        w = [v / sum(w) for v in w]
    return best, scores, shares


def test_two_stages_are_the_algorithm_of_the_paper():
    source, labelled, queries = friedman(n=60, m=15)
    expected, scores, shares = two_stages(source, labelled, queries.x, 5, 5, 3)
    fitted = TwoStageTrAdaBoostR2(classifier=SMOOTH, n_estimators=5, steps=5, folds=3, resample=False).fit(
        source, HIDDEN, labelled
    )
    np.testing.assert_allclose(shares[:-1], 0.2 + np.arange(4) / 4 * 0.8, rtol=1e-6)
    np.testing.assert_allclose(fitted.scores_[:-1], scores[:-1], rtol=1e-6)  # in the last the source has no weight left
    assert fitted.step_ == int(np.argmin(scores))
    np.testing.assert_allclose(fitted.predict(queries.x), expected, rtol=1e-6)


def test_the_targets_share_is_exact_and_better_source_samples_lose_less():
    rng = np.random.default_rng(0)
    weights, wrong = np.full(50, 0.02), rng.random(50)
    for share in (0.25, 0.6, 1.0):
        new = lower_source(weights, wrong, 40, share)
        assert new.sum() == pytest.approx(1.0)
        assert new[40:].sum() == pytest.approx(share, rel=1e-12)
        assert np.ptp(new[40:]) == pytest.approx(0.0, abs=1e-15)
        if share < 1:
            assert (np.diff(new[:40][np.argsort(wrong[:40])]) <= 0).all()
    even = lower_source(weights, np.zeros(50), 40, 0.6)
    assert even[40:].sum() == pytest.approx(0.6)


def test_the_source_keeps_its_weight_inside_a_step():
    source, labelled, _ = friedman(n=40, m=10)
    x, y = np.vstack([source.x, labelled.x]), np.concatenate([source.y, labelled.y])
    seen = []

    class Spy(DecisionTreeRegressor):
        def fit(self, X, y, sample_weight=None):
            seen.append(sample_weight / sample_weight.sum())
            return super().fit(X, y, sample_weight=sample_weight)

    boost(Spy(max_depth=2, random_state=0), x, y, np.ones(50), 40, 6, None)
    assert len(seen) == 6
    for weights in seen:
        np.testing.assert_allclose(weights[:40], 0.02, rtol=1e-9)
    assert np.ptp(seen[-1][40:]) > 0.01


def test_weighted_median():
    values = np.array([[3.0, 1.0], [1.0, 1.0], [2.0, 5.0]])
    assert weighted_median(values, np.array([1.0, 1.0, 1.0])).tolist() == [2.0, 1.0]
    assert weighted_median(values, np.array([3.0, 1.0, 1.0])).tolist() == [3.0, 1.0]
    assert weighted_median(values, np.array([1.0, 1.0, 3.0])).tolist() == [2.0, 5.0]
    assert weighted_median(np.array([[1.0], [2.0]]), np.ones(2)).tolist() == [1.0]
    assert adjusted(np.ones(3), np.ones(3)).tolist() == [0.0, 0.0, 0.0]


def test_two_stages_beat_one_and_the_target_alone():
    """Friedman's function with factors of 1 +- 0.1 and offsets of +- 0.05 in five sources: means of two draws."""
    found = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        near = [draw(rng, 100, rng.normal(1, 0.1, 5), rng.normal(1, 0.1, 5), rng.normal(0, 0.05, 5)) for _ in range(5)]
        source = Domain(np.vstack([d.x for d in near]), np.concatenate([d.y for d in near]))
        labelled, queries = (draw(rng, size, np.ones(5), np.ones(5), np.zeros(5)) for size in (25, 400))
        alone = boost(DEEP, labelled.x, labelled.y, np.ones(25), 0, 20, np.random.default_rng(0))
        one = TrAdaBoostR2(n_estimators=30).fit(source, HIDDEN, labelled)
        two = TwoStageTrAdaBoostR2(n_estimators=8, steps=4, folds=3).fit(source, HIDDEN, labelled)
        answers = (m.predict(queries.x) for m in (alone, one, two))
        found.append([float(np.sqrt(np.mean(np.square(a - queries.y)))) for a in answers])
    target_only, one, two = np.mean(found, axis=0)
    assert two < 0.9 * target_only
    assert two < 0.9 * one  # as the paper finds


@pytest.mark.parametrize("make", [TrAdaBoostR2, lambda: TwoStageTrAdaBoostR2(n_estimators=5, steps=3, folds=2)])
def test_as_a_scikit_learn_regressor(make):
    source, labelled, queries = friedman(n=60, m=15)
    x, y = np.vstack([source.x, labelled.x, queries.x]), np.concatenate([source.y, labelled.y, np.full(400, np.nan)])
    domain = np.repeat([0, 2, 1], [60, 15, 400])
    fitted = TransferRegressor(make(), TREE).fit(x, y, domain=domain)
    direct = make().set_params(classifier=TREE).fit(source, HIDDEN, labelled)
    np.testing.assert_array_equal(fitted.predict(queries.x), direct.predict(queries.x))
    linear = TransferRegressor(make()).fit(x, y, domain=domain)
    assert isinstance(linear.estimator_.classifier, Ridge)


@pytest.mark.parametrize("make", [TrAdaBoostR2, lambda: TwoStageTrAdaBoostR2(n_estimators=4, steps=3, folds=2)])
def test_odd_data(make):
    source, labelled, queries = friedman(n=30, m=6)
    for a, b in (
        (source, labelled.take(np.arange(1))),
        (source.take(np.arange(1)), labelled),
        (Domain(source.x, np.ones(30)), Domain(labelled.x, np.ones(6))),
        (Domain(source.x, 1e8 * source.y), Domain(labelled.x, 1e-8 * labelled.y)),
        (Domain(np.zeros_like(source.x), source.y), labelled),
        (Domain(sparse.csr_matrix(source.x), source.y), Domain(sparse.csr_matrix(labelled.x), labelled.y)),
    ):
        assert np.isfinite(make().fit(a, HIDDEN, b).predict(queries.x)).all()


def test_what_cannot_be_boosted_is_refused():
    source, labelled, _ = friedman(n=30, m=6)
    with pytest.raises(UsageError, match="KNeighborsRegressor takes no weights"):
        TrAdaBoostR2(classifier=KNeighborsRegressor(), resample=False).fit(source, HIDDEN, labelled)
    with pytest.raises(UsageError, match="at least 1 estimator"):
        TrAdaBoostR2(n_estimators=0).fit(source, HIDDEN, labelled)
    with pytest.raises(UsageError, match="steps >= 2"):
        TwoStageTrAdaBoostR2(steps=1).fit(source, HIDDEN, labelled)
