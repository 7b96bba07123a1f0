import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from da.domain import Domain
from da.errors import DataError
from da.estimators.labelling.pred import PRED


@pytest.fixture
def domains():
    rng = np.random.default_rng(0)

    def draw(n, turn):
        x = rng.normal(size=(n, 20))
        y = np.digitize(x.sum(1), [-2.0, 2.0])
        return Domain(x, (y + turn) % 3)

    return draw(300, 0), draw(30, 1), draw(500, 1)


@pytest.mark.parametrize("soft", [False, True])
def test_equals_two_classifiers_by_hand(soft, domains):
    source, few, test = domains
    first = LogisticRegression(max_iter=1000).fit(source.x, source.y)

    def augmented(x):
        said = first.predict_proba(x) if soft else np.eye(3)[first.predict(x)]
        return np.c_[x, said]

    second = LogisticRegression(max_iter=1000).fit(augmented(few.x), few.y)
    found = PRED(soft=soft, classifier=LogisticRegression(max_iter=1000)).fit(source, None, few)
    assert found.classes_.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.predict_proba(test.x), second.predict_proba(augmented(test.x)), atol=1e-12)


def test_classes_renamed_in_the_target_are_learned_from_few(domains):
    source, few, test = domains
    found = np.mean(PRED().fit(source, None, few).predict(test.x) == test.y)
    alone = LogisticRegression(max_iter=1000).fit(few.x, few.y).score(test.x, test.y)
    assert found > alone + 0.1


def test_classes_that_one_side_lacks(domains):
    source, few, test = domains
    lacking = Domain(few.x[few.y > 0], few.y[few.y > 0])
    proba = PRED().fit(source, None, lacking).predict_proba(test.x)
    assert proba.shape == (500, 3)
    assert not proba[:, 0].any()
    two = Domain(source.x[source.y < 2], source.y[source.y < 2])
    found = PRED(soft=True).fit(two, None, few)
    assert found.classes_.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.predict_proba(test.x).sum(1), 1.0)


def test_one_labelled_class_is_the_answer(domains):
    source, few, test = domains
    found = PRED().fit(source, None, Domain(few.x, np.ones(len(few), dtype=int)))
    assert set(found.predict(test.x)) == {1}


def test_a_classifier_with_margins_alone_serves(domains):
    source, few, test = domains
    found = PRED(classifier=SVC(kernel="linear"), soft=True).fit(source, None, few).predict_proba(test.x)
    np.testing.assert_allclose(found.sum(1), 1.0)


def test_a_source_of_one_class_is_refused(domains):
    source, few, _ = domains
    with pytest.raises(DataError, match="The source has samples of class 0 only"):
        PRED().fit(Domain(source.x, np.zeros(len(source), dtype=int)), None, few)
