import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.adapter import TransferRegressor
from da.estimators.base import FeatureMapping, Predictor, Weighting
from da.estimators.classifiers import linear
from da.estimators.subspace.pooled import Pooled
from da.estimators.transfer import Transfer
from da.estimators.weighting.kmm import KMM
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.setting import ALL, MANY, Access


class Counting(FeatureMapping):
    """Remembers what it was handed."""

    needs = Access(source_y=ALL, target_x=True, sources=MANY)

    def __init__(self, *, classifier=None):
        self.classifier = classifier

    def fit(self, source, target):
        self.sizes_ = [len(s) for s in source]
        return self

    def transform(self, x, *, domain="target"):
        return x


class Majority(Predictor):
    needs = Access(source_y=ALL, target_x=True)

    def fit(self, source, target):
        self.classes_, counts = np.unique(source.y, return_counts=True)
        self.share_ = counts / counts.sum()
        return self

    def predict_proba(self, x):
        return np.tile(self.share_, (len(x), 1))


def test_several_sources_stay_apart_where_that_is_asked_and_are_pooled_for_the_classifier(pair):
    source, target = pair(30)
    model = Transfer(Counting(), LogisticRegression()).fit(
        (source.take(np.arange(10)), source.take(np.arange(10, 30))), target
    )
    assert model.estimator.sizes_ == [10, 20]
    assert model.classifier.n_features_in_ == 4
    assert np.array_equal(model.classifier.coef_, LogisticRegression().fit(source.x, source.y).coef_)


def test_the_classifier_of_the_run_reaches_an_estimator_that_has_none(pair):
    assert isinstance(Transfer(Counting(), KNeighborsClassifier(3)).estimator.classifier, KNeighborsClassifier)
    own = LogisticRegression()
    assert Transfer(Counting(classifier=own), KNeighborsClassifier(3)).estimator.classifier is own


def test_few_labelled_target_samples_train_the_classifier_too(pair):
    source, target = pair()
    labelled = Domain(target.x[:4], np.array([2, 2, 0, 1]))
    model = Transfer(Pooled(), KNeighborsClassifier(1)).fit((source,), target, labelled)
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.answer(labelled.x).labels.tolist() == [2, 2, 0, 1]


def test_a_predictor_answers_alone(pair):
    source, target = pair()
    source = Domain(source.x, (np.arange(30) < 10).astype(int))
    model = Transfer(Majority(), LogisticRegression()).fit((source,), target)
    answer = model.answer(target.x)
    assert not answer.labels.any()
    assert answer.proba[0].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert not hasattr(model.classifier, "classes_")


def test_weights_need_a_classifier_that_takes_them(pair):
    with pytest.raises(UsageError, match="LogisticRatio weighs samples, and KNeighborsClassifier takes no weights"):
        Transfer(LogisticRatio(), KNeighborsClassifier()).fit(pair()[:1], pair()[1])


class Given(Weighting):
    """Weighs the source as it is told."""

    needs = Access(source_y=ALL, target_x=True)

    def __init__(self, *, raw=None, min_effective=0.0):
        self.raw, self.min_effective = raw, min_effective

    def fit(self, source, target):
        self._set_weights(self.raw, source.x)
        return self


def test_the_weights_that_train_the_classifier_have_their_say_on_its_strength():
    """Few samples of much weight are told by the small feature, the many others by the large one."""
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 300)
    sign = 2 * y - 1
    small, large = 0.02 * rng.normal(size=600), 1.0 * sign
    raw = np.full(600, 1e-3)
    raw[:60] = 1.0
    small[:60], large[:60] = 0.02 * sign[:60] * (1.0 + rng.random(60)), rng.choice([-1, 1], 60)
    x = np.c_[small, large + 0.3 * rng.normal(size=600)]
    source, target = Domain(x, y), Domain(x + 0.1)

    def trained(estimator):
        return Transfer(estimator, linear.LogisticRegression()).fit((source,), target)

    plain, believed, drawn = (trained(e) for e in (None, Given(raw=raw), Given(raw=raw, min_effective=0.9)))
    assert believed.estimator.trust_ == 1.0 > drawn.estimator.trust_
    for found in (believed, drawn):
        expected = linear.LogisticRegression().fit(x, y, found.estimator.weights_)
        assert found.diagnostics()["C"] == found.classifier.C_ == expected.C_
        assert np.array_equal(found.classifier.coef_, expected.coef_)
        assert not np.allclose(found.classifier.coef_, plain.classifier.coef_)
    assert believed.classifier.C_ > plain.classifier.C_


def test_a_source_without_labels_is_refused(pair):
    source, target = pair()
    with pytest.raises(DataError, match="The source has no labels"):
        Transfer(None, LogisticRegression()).fit((source.without_labels(),), target)


def test_regression_with_weights_meets_the_target(pair):
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=300), rng.normal(1.5, 0.5, size=300)][:, None]
    y = np.square(x[:, 0]) + 0.01 * rng.normal(size=600)
    domain = np.r_[np.zeros(300), np.ones(300)].astype(int)
    hidden = np.where(domain == 1, np.nan, y)
    errors = [
        np.abs(TransferRegressor(e, LinearRegression()).fit(x, hidden, domain=domain).predict(x[300:]) - y[300:]).mean()
        for e in (None, KMM())
    ]
    assert errors[1] < 0.3 * errors[0]
