from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from da.metrics import METRICS, accuracy, cluster_accuracy, cluster_information, mean_class_accuracy


def test_accuracy_is_the_share_of_equal_entries_in_percent():
    y = np.array([0, 1, 2, 2])
    assert accuracy(y, y) == 100.0
    assert accuracy(y, np.array([0, 1, 2, 0])) == 75.0
    assert accuracy(y, np.array([1, 2, 0, 0])) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_mean_class_accuracy_is_scikit_learns_balanced_accuracy(seed):
    rng = np.random.default_rng(seed)
    y = np.setdiff1d(np.arange(7), [3])[rng.integers(6, size=40)]  # no sample is of class 3
    predicted = np.where(rng.random(40) < 0.5, y, rng.permutation(y))
    assert mean_class_accuracy(y, predicted) == pytest.approx(100 * balanced_accuracy_score(y, predicted))
    assert mean_class_accuracy(y, y) == 100.0


def test_rare_classes_count_as_much_as_frequent_ones():
    y, predicted = np.array([0] * 9 + [1]), np.zeros(10, dtype=int)
    assert (METRICS["accuracy"](y, predicted), METRICS["mean_class_accuracy"](y, predicted)) == (90.0, 50.0)


@pytest.mark.parametrize("seed", range(10))
def test_cluster_accuracy_equals_the_best_of_all_namings(seed):
    rng = np.random.default_rng(seed)
    classes, clusters = rng.integers(2, 6, size=2)
    y, cluster = rng.integers(classes, size=25), rng.integers(clusters, size=25)
    names = range(max(classes, clusters))
    best = max(np.mean(y == np.array(naming)[cluster]) for naming in permutations(names))
    assert cluster_accuracy(y, cluster) == pytest.approx(100.0 * best)


def test_cluster_scores_do_not_depend_on_names():
    rng = np.random.default_rng(0)
    y, cluster = rng.integers(4, size=50), rng.integers(4, size=50)
    renamed = np.array([2, 0, 3, 1])[cluster]
    assert cluster_accuracy(y, cluster) == cluster_accuracy(y, renamed)
    assert cluster_information(y, cluster) == pytest.approx(cluster_information(y, renamed))
    assert cluster_accuracy(y, np.array([1, 2, 3, 0])[y]) == 100.0


def test_clusters_may_be_more_or_fewer_than_classes():
    y = np.array([0, 0, 1, 1])
    assert cluster_accuracy(y, np.array([0, 3, 1, 1])) == 75.0
    assert cluster_accuracy(y, np.zeros(4, dtype=int)) == 50.0


def test_information_at_the_extremes():
    y = np.array([0, 0, 1, 1])
    assert cluster_information(y, np.array([5, 5, 2, 2])) == pytest.approx(100.0)
    assert cluster_information(y, np.zeros(4, dtype=int)) == pytest.approx(0.0)
    assert cluster_information(y, np.array([0, 1, 0, 1])) == pytest.approx(0.0)


def test_information_is_normalised_by_the_mean_of_the_entropies():
    y, cluster = np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3])
    # I = log 2, H(y) = log 2, H(cluster) = 2 log 2
    assert cluster_information(y, cluster) == pytest.approx(100.0 / 1.5)
