import numpy as np
import pytest

from da.analysis.two_sample import two_sample_test
from da.errors import UsageError


def sample(n, shift=0.0, scale=1.0, seed=0, d=3):
    return np.random.default_rng(seed).normal(shift, scale, (n, d))


def test_p_is_uniform_where_both_samples_are_of_one_distribution():
    found = np.array([two_sample_test(sample(15, seed=2 * k), sample(20, seed=2 * k + 1), permutations=99, seed=k).p
                      for k in range(300)])  # fmt: skip
    # Shares below a tenth, a quarter, a half: binomial with n = 300, so within three standard errors.
    for level in (0.1, 0.25, 0.5, 0.9):
        assert np.mean(found <= level) == pytest.approx(level, abs=3 * (level * (1 - level) / 300) ** 0.5)


@pytest.mark.parametrize("changes", [{"shift": 1.0}, {"scale": 2.5}], ids=["mean", "deviation"])
def test_p_is_small_where_the_distribution_changed(changes):
    found = two_sample_test(sample(100), sample(80, seed=1, **changes))
    assert found.p == 1 / 500
    assert found.sizes == (100, 80)


def test_equal_samples_are_as_alike_as_can_be():
    found = two_sample_test(sample(30), sample(30))
    assert found.statistic == pytest.approx(0.0, abs=1e-12)
    assert found.p == 1.0


def test_the_statistic_is_the_distance_of_mean_embeddings():
    x, y = np.array([[-1.0], [-1.0], [0.0], [0.0]]), np.array([[1.0], [1.0], [0.0], [0.0]])
    # Deviation sqrt(1/2): values -+1.41421 and 0, median distance of different pairs 1.41421, so k(1) = exp(-1/2) one
    # step apart and exp(-2) two steps apart. Differences of weights: -1/2 at -1, 1/2 at 1.
    expected = 0.25 + 0.25 - 2 * 0.25 * np.exp(-2.0)
    assert two_sample_test(x, y).statistic == pytest.approx(expected)


def test_units_do_not_matter_and_constant_features_are_ignored():
    x, y = sample(40), sample(40, shift=0.5, seed=1)
    scale = np.array([1.0, 1e6, 1e-6])
    wide = two_sample_test(*(np.c_[part * scale, np.full(40, 0.1)] for part in (x, y)))
    assert wide[:2] == pytest.approx(two_sample_test(x, y)[:2])
    assert two_sample_test(np.ones((5, 2)), np.ones((6, 2))).p == 1.0


def test_many_samples_are_drawn_from():
    assert two_sample_test(sample(700), sample(600, seed=1), permutations=9).sizes == (500, 500)


@pytest.mark.parametrize(
    ("x", "y", "permutations", "what"),
    [
        (sample(9, d=2), sample(9), 9, r"\(9, 2\) and \(9, 3\)"),
        (sample(3), sample(9), 9, "3 and 9 samples"),
        (sample(9), sample(9), 0, "0 permutations"),
    ],
)
def test_what_tells_nothing_is_refused(x, y, permutations, what):
    with pytest.raises(UsageError, match=what):
        two_sample_test(x, y, permutations=permutations)
