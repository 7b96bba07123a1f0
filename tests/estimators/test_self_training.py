import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC

from da.data.toy import Toy
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.classifiers.linear import LogisticRegression as ChoosingC
from da.estimators.labelling.parts import probabilities
from da.estimators.labelling.self_training import SelfTraining, surest


@pytest.fixture(scope="module")
def rotated():
    task = Toy(shift="rotation", samples=150, split_seed=2).load()
    source, target = (Domain(d.x.astype(np.float64), d.y) for d in (task.sources[0].train, task.target.train))
    return source, target.without_labels(), target.y


def textbook(source, x_t, rounds, threshold):
    """The rounds by loops over classes and samples."""
    model = GaussianNB().fit(source.x, source.y)
    for t in range(1, rounds + 1):
        proba = model.predict_proba(x_t)
        chosen = []
        for c in range(proba.shape[1]):
            of_class = [(proba[i, c], i) for i in range(len(x_t)) if proba[i].argmax() == c]
            of_class.sort(reverse=True)
            count = math.ceil(round(t * len(of_class) / rounds, 9))
            chosen += [(i, c) for p, i in of_class[:count] if p >= threshold]
        if not chosen:
            break
        x = np.vstack([source.x, *(x_t[i][None] for i, _ in sorted(chosen))])
        model = GaussianNB().fit(x, np.r_[source.y, [c for _, c in sorted(chosen)]])
    return model


@pytest.mark.parametrize(("rounds", "threshold"), [(1, 0.0), (7, 0.0), (10, 0.6), (10, 0.9999)])
def test_equals_the_textbook(rounds, threshold, rotated):
    source, target, _ = rotated
    expected = textbook(source, target.x, rounds, threshold).predict_proba(target.x)
    found = SelfTraining(rounds=rounds, threshold=threshold, classifier=GaussianNB()).fit(source, target)
    np.testing.assert_allclose(found.predict_proba(target.x), expected, atol=1e-9)


def test_one_round_is_one_iteration_of_scikit_learn(rotated):
    source, target, _ = rotated
    theirs = SelfTrainingClassifier(LogisticRegression(max_iter=1000), threshold=0.8, max_iter=1)
    theirs.fit(np.vstack([source.x, target.x]), np.r_[source.y, np.full(len(target), -1)])
    plain = LogisticRegression(max_iter=1000)
    ours = SelfTraining(rounds=1, threshold=0.8, classifier=plain).fit(source, target)
    assert ours.added_ == [int((theirs.labeled_iter_ == 1).sum())]
    np.testing.assert_allclose(ours.predict_proba(target.x), theirs.predict_proba(target.x), atol=1e-6)


def test_the_share_is_of_every_class():
    proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.4, 0.6], [0.45, 0.55]])
    assert surest(proba, 0.5).tolist() == [True, True, False, False, True, False]
    assert surest(proba, 0.51).tolist() == [True, True, True, False, True, True]
    assert surest(proba, 1.0).all()
    tied = np.array([[0.8, 0.2], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    assert surest(tied, 0.25).tolist() == [True, True, False, False]


def test_it_follows_a_rotation_that_the_source_alone_does_not(rotated):
    source, target, truth = rotated
    fitted = SelfTraining().fit(source, target)
    plain = np.mean(LogisticRegression().fit(source.x, source.y).predict(target.x) == truth)
    assert np.mean(fitted.predict(target.x) == truth) > plain + 0.05
    assert fitted.added_ == sorted(fitted.added_)
    assert fitted.added_[-1] == len(target)


def test_it_stops_when_nothing_is_added(rotated):
    source, target, _ = rotated
    unsure = SelfTraining(threshold=1.1).fit(source, target)
    assert unsure.added_ == []
    assert (unsure.labels_ == -1).all()
    plain = ChoosingC().fit(source.x, source.y)
    np.testing.assert_array_equal(unsure.predict_proba(target.x), plain.predict_proba(target.x))
    means = np.array([source.x[source.y == c].mean(axis=0) for c in range(3)])
    assert SelfTraining(rounds=50).fit(source, Domain(means)).added_ == [3]  # one of every class: all in at once


def test_the_threshold_holds(rotated):
    source, target, _ = rotated
    fitted = SelfTraining(threshold=0.95, rounds=5).fit(source, target)
    assert 0 < fitted.added_[-1] < len(target)


@pytest.mark.parametrize(
    "classifier", [SVC(), KNeighborsClassifier(1), SVC(kernel="linear", decision_function_shape="ovo")]
)
def test_other_classifiers(classifier, rotated):
    source, target, _ = rotated
    two = Domain(source.x[source.y < 2], source.y[source.y < 2])
    for domain in (two, source) if getattr(classifier, "decision_function_shape", "ovr") == "ovr" else (two,):
        proba = SelfTraining(classifier=classifier, rounds=2).fit(domain, target).predict_proba(target.x)
        np.testing.assert_allclose(proba.sum(1), 1.0)


def test_margins_keep_the_order_of_probabilities(rotated):
    source = rotated[0]
    two = Domain(source.x[source.y < 2], source.y[source.y < 2])
    model = SVC(kernel="linear").fit(two.x, two.y)
    found = probabilities(model, two.x, np.array([0, 1]))[:, 1]
    assert np.array_equal(np.argsort(found), np.argsort(model.decision_function(two.x)))


def test_a_classifier_that_is_never_sure_is_refused(rotated):
    class Mute(NearestCentroid):
        decision_function = predict_proba = property()

    with pytest.raises(UsageError, match="Mute has neither predict_proba nor decision_function"):
        SelfTraining(classifier=Mute()).fit(*rotated[:2])


def test_what_cannot_be_is_refused(rotated):
    source, target, _ = rotated
    with pytest.raises(UsageError, match="at least one round"):
        SelfTraining(rounds=0).fit(source, target)
    with pytest.raises(DataError, match="samples of class 0 only"):
        SelfTraining().fit(Domain(source.x, np.zeros(len(source), dtype=int)), target)
