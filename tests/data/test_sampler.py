import numpy as np
import pytest

from da.data.sampler import EndlessOrder


def passes(order, count):
    return order.take(0, count * order.n).reshape(count, order.n)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_every_pass_is_a_permutation(n):
    for row in passes(EndlessOrder(n, 0, "a"), 5):
        assert sorted(row.tolist()) == list(range(n))


def test_passes_differ():
    assert len({tuple(row) for row in passes(EndlessOrder(20, 0, "a"), 10)}) == 10


def test_positions_are_even_over_passes():
    first = passes(EndlessOrder(4, 0, "a"), 2000)[:, 0]
    assert np.bincount(first).min() > 400  # 500 each, give or take


@pytest.mark.parametrize("seed", range(5))
def test_chunks_are_slices_of_one_sequence_in_whatever_order_they_are_asked_for(seed):
    rng = np.random.default_rng(seed)
    whole = EndlessOrder(7, 3, "a").take(0, 100)
    order = EndlessOrder(7, 3, "a")
    for _ in range(50):
        start, stop = np.sort(rng.choice(101, size=2, replace=False))
        np.testing.assert_array_equal(order.take(int(start), int(stop)), whole[start:stop])


def test_a_far_position_needs_no_walk_through_those_before():
    assert len(EndlessOrder(3, 0, "a").take(10**15, 10**15 + 10)) == 10


def test_depends_on_seed_and_name():
    orders = [EndlessOrder(50, seed, name).take(0, 50).tolist() for seed in (0, 1) for name in ("source0", "target")]
    assert len({tuple(order) for order in orders}) == 4
    assert EndlessOrder(50, 0, "target").take(0, 50).tolist() == orders[1]
