"""Criteria of the predicted classes: nuclear norm, class correlation, clusters and silhouettes."""

import math

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from da.selection import Evidence, score


def logits(labels, k=4, margin=50.0):
    return margin * np.eye(k)[np.asarray(labels)]


def judged(rule, z, labels, k=4):
    return score(rule, Evidence(target_z=np.asarray(z, dtype=float), target_logits=logits(labels, k)))


def blobs(n=20, k=4, d=3, gap=10.0, seed=0):
    """``n`` samples around each of ``k`` corners, and their labels."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(k), n)
    return gap * np.eye(max(d, k))[y] + rng.normal(size=(k * n, max(d, k))), y


# --- nuclear norm and class correlation of predictions


@pytest.mark.parametrize("rule", ["bnm", "corr_c"])
def test_certain_and_balanced_is_one_and_undecided_or_collapsed_least(rule):
    assert judged(rule, np.zeros((40, 2)), [0, 1, 2, 3] * 10) == pytest.approx(1.0)
    least = 0.5  # 1 / sqrt(4)
    assert judged(rule, np.zeros((40, 2)), [2] * 40) == pytest.approx(least)
    uniform = score(rule, Evidence(target_logits=np.zeros((40, 4))))
    assert uniform == pytest.approx(0.25 if rule == "bnm" else least)  # the nuclear norm sees confidence, too


def test_nuclear_norm_of_an_unbalanced_case():
    # 9 certain samples of one class and 1 of another: singular values 3 and 1, of sqrt(10 * 2) at most.
    assert judged("bnm", np.zeros((10, 2)), [0] * 9 + [1], k=2) == pytest.approx(4.0 / math.sqrt(20.0))


def test_class_correlation_of_an_unbalanced_case():
    # C = diag(0.9, 0.1): trace 1, norm sqrt(0.82).
    assert judged("corr_c", np.zeros((10, 2)), [0] * 9 + [1], k=2) == pytest.approx(1.0 / math.sqrt(2.0 * 0.82))


# --- clusters


def test_ami_is_one_where_classes_are_clusters_and_about_zero_where_they_are_not():
    z, y = blobs()
    assert judged("class_ami", z, y) == pytest.approx(1.0)
    assert judged("class_ami", z, (y + 1) % 4) == pytest.approx(1.0)  # names of clusters do not matter
    assert abs(judged("class_ami", z, np.random.default_rng(0).permutation(y))) < 0.15


def test_ami_falls_as_labels_leave_the_clusters():
    z, y = blobs(n=50)
    rng = np.random.default_rng(0)
    scores = [
        judged("class_ami", z, np.where(rng.random(200) < share, rng.integers(0, 4, 200), y))
        for share in (0.0, 0.3, 0.6)
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] - scores[2] > 0.3


@pytest.mark.parametrize("rule", ["class_ami", "class_silhouette"])
def test_a_single_class_has_no_score_even_where_the_space_collapsed_with_it(rule):
    assert judged(rule, np.ones((20, 3)), [1] * 20) is None
    assert judged(rule, blobs()[0], [1] * 80) is None


def test_silhouette_of_a_worked_case():
    # On a line: 0 and 1 are one class, 10 and 11 the other; a = 1, b = 10.5, 9.5, 9.5, 10.5.
    expected = (2 * (1 - 1 / 10.5) + 2 * (1 - 1 / 9.5)) / 4
    assert judged("class_silhouette", [[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]) == pytest.approx(expected)


def test_silhouette_is_high_for_apart_and_negative_for_wrong_classes():
    z, y = blobs()
    right = judged("class_silhouette", z, y)
    assert right == pytest.approx(silhouette_samples(z, y).mean())
    assert right > 0.6
    assert judged("class_silhouette", z, np.arange(80) % 4) < 0.0


@pytest.mark.parametrize("rule", ["class_ami", "class_silhouette"])
def test_cost_is_bounded_and_the_score_about_the_same(rule):
    z, y = blobs(n=750, gap=6.0)
    part = np.random.default_rng(0).permutation(3000)[:1000]
    assert judged(rule, z, y) == pytest.approx(judged(rule, z[part], y[part]), abs=0.03)
