from __future__ import annotations

import numpy as np
import pytest

from da.analysis.distance import proxy_a_distance
from da.errors import UsageError


def sample(n, shift=0.0, seed=0, d=4):
    return np.random.default_rng(seed).normal(shift, 1.0, (n, d))


def test_one_distribution_is_at_distance_zero():
    assert proxy_a_distance(sample(1000, seed=0), sample(1000, seed=1)) < 0.1
    z = sample(50)
    assert proxy_a_distance(z, z) < 0.2


def test_far_apart_is_two():
    assert proxy_a_distance(sample(200), sample(100, shift=20.0)) == 2.0


def test_in_between_is_what_the_best_linear_error_gives():
    # One dimension, means 0 and 2, deviation 1: the best error is Phi(-1) = 0.1587, so 2 (1 - 2 err) = 1.365.
    found = proxy_a_distance(sample(20_000, d=1), sample(20_000, shift=2.0, seed=1, d=1))
    assert found == pytest.approx(1.365, abs=0.03)


def test_unequal_sizes_do_not_look_like_a_distance():
    assert proxy_a_distance(sample(2000, seed=0), sample(400, seed=1)) < 0.25


def test_the_same_seed_gives_the_same_value_and_inputs_stay():
    z_s, z_t = sample(60), sample(80, shift=0.5, seed=1)
    before = z_s.copy(), z_t.copy()
    assert proxy_a_distance(z_s, z_t, seed=3) == proxy_a_distance(z_s, z_t, seed=3)
    np.testing.assert_array_equal(z_s, before[0])
    np.testing.assert_array_equal(z_t, before[1])


@pytest.mark.parametrize(("n", "d"), [(3, 4), (20, 5)])
def test_features_that_cannot_be_compared_are_refused(n, d):
    with pytest.raises(UsageError, match=r"features have shapes|at least 4"):
        proxy_a_distance(sample(20), sample(n, d=d))
