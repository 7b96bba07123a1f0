import numpy as np
import pytest
from scipy import sparse

from da.selection import Evidence, score
from da.selection.mixval import mixed


def probed(x, answer, z=None):
    logits = answer(x)
    return score("mixval", Evidence(target_x=x, target_z=x if z is None else z, target_logits=logits, answer=answer))


def line(boundary):
    """Two classes on a line."""
    return lambda x: np.stack([boundary - x[:, 0], x[:, 0] - boundary], axis=1)


def two_clusters(n=50, width=0.1):
    rng = np.random.default_rng(0)
    return np.r_[-1.0 + width * rng.normal(size=n), 1.0 + width * rng.normal(size=n)][:, None]


def test_a_boundary_in_the_middle_of_two_clusters_is_consistent():
    # Mixtures of the two lie at -0.1 and 0.1, of one at -1 or 1.
    assert probed(two_clusters(width=0.01), line(0.0)) == 100.0


def test_a_boundary_beside_one_cluster_is_inconsistent_for_pairs_of_two_classes():
    # Of mixed pairs those that start in the right cluster lie at 0.1, on the left of 0.5: half of them.
    assert probed(two_clusters(width=0.01), line(0.5)) == pytest.approx(75.0, abs=5.0)


def test_a_class_of_two_clusters_around_another_is_inconsistent_within():
    # Class 1 is at both ends, class 0 in the middle: mixtures of two ends are labelled 0.
    x = np.r_[two_clusters(width=0.01), np.linspace(-0.01, 0.01, 20)[:, None]]
    inner_bad = probed(x, lambda x: np.stack([0.5 - np.abs(x[:, 0]), np.abs(x[:, 0]) - 0.5], axis=1))
    assert inner_bad < 80.0


def test_one_predicted_class_has_no_score():
    assert probed(two_clusters(), line(-9.0)) is None


def test_inputs_are_asked_once_at_the_given_mixture():
    asked = []
    x = two_clusters()

    def answer(inputs):
        asked.append(inputs)
        return line(0.0)(inputs)

    logits = line(0.0)(x)
    score("mixval", Evidence(target_x=x, target_z=x, target_logits=logits, answer=answer))
    assert len(asked) == 1
    possible = 0.55 * x + 0.45 * x.T
    assert all(np.abs(possible - value).min() < 1e-6 for value in asked[0][:, 0])
    assert len(asked[0]) <= 2 * len(x)


def test_large_targets_are_asked_about_few_samples():
    asked = []
    x = two_clusters(n=2000)
    score(
        "mixval",
        Evidence(
            target_x=x, target_z=x, target_logits=line(0.0)(x), answer=lambda m: asked.append(len(m)) or line(0.0)(m)
        ),
    )
    assert sum(asked) <= 1000


def test_images_are_mixed_as_fractions_and_sparse_rows_stay_sparse():
    first, second = np.array([0]), np.array([1])
    images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    np.testing.assert_allclose(mixed(images, first, second), [[[[0.45]]]], rtol=1e-6)
    rows = sparse.csr_matrix([[1.0, 0.0], [0.0, 2.0]])
    found = mixed(rows, first, second)
    assert sparse.issparse(found)
    np.testing.assert_allclose(found.toarray(), [[0.55, 0.9]])


def test_codes_cannot_be_mixed():
    x = two_clusters()
    words = np.arange(100).reshape(100, 1)
    assert score("mixval", Evidence(target_x=words, target_z=x, target_logits=line(0.0)(x), answer=line(0.0))) is None
