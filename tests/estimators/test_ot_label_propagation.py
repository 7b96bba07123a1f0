import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from witness import quietly

from da.domain import Domain
from da.estimators.transport.ot_emd import OptimalTransport
from da.estimators.transport.ot_label_propagation import TransportedLabels

ot = pytest.importorskip("ot")


@pytest.mark.parametrize("entropy", [0.0, 0.3])
def test_labels_are_what_pot_carries(entropy, pair):
    source, target = pair(30, 41)
    if entropy:
        peer = ot.da.SinkhornTransport(reg_e=entropy, norm="median", tol=1e-12, max_iter=5000)
    else:
        peer = ot.da.EMDTransport()
    with quietly():
        peer.fit(Xs=source.x, Xt=target.x)
    fitted = TransportedLabels(entropy=entropy, tol=1e-12, max_iter=5000).fit(source, target)
    np.testing.assert_allclose(fitted.labels_, peer.transform_labels(source.y), atol=1e-8)
    np.testing.assert_allclose(fitted.predict_proba(target.x), fitted.labels_, atol=0)


def test_as_many_samples_of_a_class_arrive_as_there_were(pair):
    source, target = pair(30, 41)
    fitted = TransportedLabels().fit(Domain(source.x, np.arange(30) // 10), target)
    np.testing.assert_allclose(fitted.labels_.mean(0), np.full(3, 1 / 3), atol=1e-10)


def test_a_shuffled_and_shifted_copy_gets_its_labels_back(pair):
    source, _ = pair(40)
    order = np.random.default_rng(0).permutation(40)
    fitted = TransportedLabels().fit(source, Domain(source.x[order] + 5.0))
    assert fitted.predict(source.x[order] + 5.0).tolist() == source.y[order].tolist()


@pytest.mark.parametrize("classifier", [LogisticRegression(), LinearSVC()])
def test_a_classifier_learns_the_likeliest_labels(classifier, pair):
    source, target = pair(30, 41)
    y = np.array([2, 5])[source.y]
    fitted = TransportedLabels(classifier=classifier).fit(Domain(source.x, y), target)
    carried = OptimalTransport().fit(source, target).plan_.T @ (y[:, None] == [2, 5])
    direct = classifier.fit(target.x, np.array([2, 5])[carried.argmax(1)])
    fresh = np.random.default_rng(1).normal(size=(50, 4))
    assert fitted.predict(fresh).tolist() == direct.predict(fresh).tolist()


def test_where_one_class_wins_everywhere_it_is_the_answer(pair):
    source, target = pair(30, 3)
    y = (np.arange(30) == 0).astype(int)
    fitted = TransportedLabels(classifier=LogisticRegression()).fit(Domain(source.x, y), target)
    assert fitted.predict(target.x).tolist() == [0, 0, 0]
    assert fitted.predict_proba(target.x)[:, 1].sum() == pytest.approx(0.1)
