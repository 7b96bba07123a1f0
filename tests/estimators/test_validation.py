import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

from da.data.toy import Toy, covariate_ratio
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.adapter import TransferClassifier, TransferRegressor
from da.estimators.subspace.coral import CORAL
from da.estimators.subspace.feature_augmentation import FeatureAugmentation
from da.estimators.subspace.subspace_alignment import SubspaceAlignment
from da.estimators.validation import DomainScorer, _folds, importance_weighted_validation, reverse_validation, whole
from da.estimators.weighting.logistic_ratio import LogisticRatio


def line():
    return LogisticRegression(max_iter=1000)


def domains(shift, samples=200, seed=0, classes=3):
    task = Toy(shift=shift, samples=samples, split_seed=seed, classes=classes).load()
    parts = (task.sources[0].train, task.target.train, task.target.test)
    return tuple(Domain(d.x.astype(np.float64), d.y) for d in parts)


def test_folds_partition_and_balance():
    y = np.r_[np.zeros(31, dtype=int), np.ones(11, dtype=int), [2, 2]]
    tests = [test for train, test in _folds(y, 4, 0) if not np.intersect1d(train, test).size]
    assert np.sort(np.concatenate(tests)).tolist() == list(range(44))
    for test in tests:
        assert len(test) == 11
        assert np.all(np.abs(np.bincount(y[test], minlength=3) - np.array([31, 11, 2]) / 4) < 1.0)


def test_importance_weighting_without_shift_is_cross_validation():
    source, target, _ = domains("covariate")
    scores = [line().fit(source.x[a], source.y[a]).score(source.x[b], source.y[b]) for a, b in _folds(source.y, 4, 3)]
    found = importance_weighted_validation(
        source, target, estimator=None, classifier=line(), weights=np.ones(200), folds=4, random_state=3
    )
    assert found == pytest.approx(np.mean(scores), abs=1e-12)


def test_importance_weighting_by_hand():
    source, target, _ = domains("covariate")
    w = covariate_ratio(source.x)
    risks = []
    for a, b in _folds(source.y, 5, 0):
        wrong = line().fit(source.x[a], source.y[a]).predict(source.x[b]) != source.y[b]
        risks.append(sum(w[i] * float(v) for i, v in zip(b, wrong, strict=True)) / len(b))
    found = importance_weighted_validation(source, target, estimator=None, classifier=line(), weights=w)
    assert found == pytest.approx(1.0 - np.mean(risks), abs=1e-12)


def test_with_the_true_ratio_it_is_unbiased_and_plain_cross_validation_is_not():
    """The mean over 30 draws of 200 lies within 3 standard errors of the true risk; without weights it is far off."""
    weighted, plain, truth = [], [], []
    (test,) = domains("covariate", samples=20000, seed=1000)[2:]
    for seed in range(30):
        source, target, _ = domains("covariate", seed=seed)
        for found, w in ((weighted, covariate_ratio(source.x)), (plain, np.ones(len(source)))):
            found.append(importance_weighted_validation(source, target, estimator=None, classifier=line(), weights=w))
        kept = np.arange(160)  # as many as each fold trains on
        truth.append(line().fit(source.x[kept], source.y[kept]).score(test.x, test.y))
    error = np.std(np.subtract(weighted, truth)) / np.sqrt(30)
    assert error < 0.03
    assert abs(np.mean(weighted) - np.mean(truth)) < 3.0 * error
    assert np.mean(plain) - np.mean(truth) > 0.05
    assert np.mean(plain) - np.mean(truth) > 3.0 * error


def test_weights_may_be_learned():
    source, target, _ = domains("covariate")
    weights = LogisticRatio().fit(source, target).weights_
    given = importance_weighted_validation(source, target, estimator=None, classifier=line(), weights=weights)
    weighting = LogisticRatio()
    learned = importance_weighted_validation(source, target, estimator=None, classifier=line(), weights=weighting)
    assert learned == given
    assert not hasattr(weighting, "weights_")


def test_reverse_validation_by_hand():
    source, target, _ = domains("subspace")
    scores = []
    for a, b in _folds(source.y, 5, 0):
        forward = CORAL().fit(Domain(source.x[a], source.y[a]), target.without_labels())
        model = line().fit(forward.transform(source.x[a], domain="source"), source.y[a])
        told = model.predict(forward.transform(target.x))
        back = CORAL().fit(Domain(target.x, told), Domain(source.x[a]))
        model = line().fit(back.transform(target.x, domain="source"), told)
        scores.append(np.mean(model.predict(back.transform(source.x[b])) == source.y[b]))
    found = reverse_validation(source, target, estimator=CORAL(), classifier=line())
    assert found == pytest.approx(np.mean(scores), abs=1e-12)


def test_reverse_validation_tells_a_good_hyper_parameter_from_a_bad_one():
    """k of k-nearest neighbours: 10 is right, 150 of 160 drowns all but the largest class."""
    source, target, test = domains("rotation")
    said, true = {}, {}
    for k in (10, 150):
        said[k] = reverse_validation(source, target, estimator=None, classifier=KNeighborsClassifier(k))
        true[k] = KNeighborsClassifier(k).fit(source.x, source.y).score(test.x, test.y)
    assert true[10] > true[150] + 0.1
    assert said[10] > said[150] + 0.1


def test_reverse_validation_tells_a_method_that_helps_from_one_that_does_not():
    """One direction cannot hold three classes; all six hold the signal."""
    source, target, test = domains("subspace")
    said, true = [], []
    for size in (1, 6):
        estimator = SubspaceAlignment(n_components=size)
        said.append(reverse_validation(source, target, estimator=estimator, classifier=line()))
        fitted = estimator.fit(source, target)
        model = line().fit(fitted.transform(source.x, domain="source"), source.y)
        true.append(model.score(fitted.transform(test.x), test.y))
    assert true[1] > true[0] + 0.1
    assert said[1] > said[0] + 0.1


def test_a_model_that_says_one_class_is_scored_as_constant():
    source = domains("covariate")[0]
    far = Domain(np.tile([50.0, -100.0], (30, 1)))
    found = reverse_validation(source, far, estimator=None, classifier=line())
    assert found == pytest.approx(np.mean(source.y == 0), abs=0.01)


@pytest.mark.parametrize("criterion", [reverse_validation, importance_weighted_validation])
def test_target_labels_and_given_parts_are_left_alone(criterion):
    source, target, _ = domains("subspace")
    estimator, classifier = CORAL(), line()
    extra = {} if criterion is reverse_validation else {"weights": LogisticRatio()}
    scores = [
        criterion(source, t, estimator=estimator, classifier=classifier, **extra)
        for t in (target, Domain(target.x, np.full(200, 99)), target.without_labels())
    ]
    assert scores[0] == scores[1] == scores[2]
    assert not hasattr(estimator, "map_")
    assert not hasattr(classifier, "coef_")


def test_in_a_grid_search():
    """The search agrees with the criteria called by hand, and does not see the target's labels."""
    source, target, _ = domains("subspace")
    X, y = np.vstack([source.x, target.x]), np.array(["a", "b", "c"])[np.r_[source.y, target.y]]
    domain = np.r_[np.zeros(200), np.ones(200)]
    mix = np.random.default_rng(0).permutation(400)
    X, y, domain = X[mix], y[mix], domain[mix]
    y[domain == 1] = "?"
    order = mix[mix < 200]
    grid = {"estimator__n_components": [1, 6]}
    for criterion, options in (
        (reverse_validation, {}),
        (importance_weighted_validation, {"weights": LogisticRatio()}),
    ):
        scorer = DomainScorer(criterion, domain, folds=3, **options)
        model = TransferClassifier(SubspaceAlignment(), line())
        search = GridSearchCV(model, grid, scoring=scorer, cv=whole(400), error_score="raise").fit(X, y, domain=domain)
        expected = [
            criterion(
                source.take(order),
                Domain(X[domain == 1]),
                estimator=SubspaceAlignment(n_components=k),
                classifier=line(),
                folds=3,
                **options,
            )
            for k in (1, 6)
        ]
        np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected, atol=1e-12)
        assert search.best_params_ == {"estimator__n_components": 6}
        assert search.best_estimator_.score(target.x, np.array(["a", "b", "c"])[target.y]) > 0.9


def test_regression():
    rng = np.random.default_rng(0)
    x_s, x_t = rng.normal(size=(60, 3)), rng.normal(size=(50, 3)) + 0.5
    y = x_s @ np.array([1.0, -2.0, 0.5]) + 0.1 * rng.normal(size=60)
    source, target = Domain(x_s, y), Domain(x_t)
    good, bad = (
        importance_weighted_validation(source, target, estimator=None, classifier=Ridge(alpha), weights=np.ones(60))
        for alpha in (0.1, 1e4)
    )
    assert -0.1 < good < 0.0
    assert bad < -1.0
    assert reverse_validation(source, target, estimator=None, classifier=Ridge(0.1)) == pytest.approx(good, abs=0.01)
    X, domain = np.vstack([x_s, x_t]), np.r_[np.zeros(60), np.ones(50)]
    model = TransferRegressor(classifier=Ridge(0.1)).fit(X, np.r_[y, np.full(50, np.nan)], domain=domain)
    scorer = DomainScorer(importance_weighted_validation, domain, weights=np.ones(60))
    assert scorer(model, X, np.r_[y, np.full(50, np.nan)]) == pytest.approx(good, abs=1e-12)


def test_what_cannot_be_is_refused():
    source, target, _ = domains("subspace", samples=20)
    with pytest.raises(UsageError, match="FeatureAugmentation learns from labelled target samples"):
        reverse_validation(source, target, estimator=FeatureAugmentation(), classifier=line())
    with pytest.raises(DataError, match="20 source samples do not make 21 folds"):
        reverse_validation(source, target, estimator=None, classifier=line(), folds=21)
    with pytest.raises(DataError, match=r"20 samples but weights of shape \(3,\)"):
        importance_weighted_validation(source, target, estimator=None, classifier=line(), weights=np.ones(3))
    model = TransferClassifier().fit(source.x, source.y)
    with pytest.raises(UsageError, match=r"give the search cv=whole\(len\(X\)\)"):
        DomainScorer(reverse_validation, np.zeros(9))(model, source.x, source.y)
    with pytest.raises(UsageError, match="compares one source, 0, with one target, 1"):
        DomainScorer(reverse_validation, np.zeros(20))(model, source.x, source.y)
