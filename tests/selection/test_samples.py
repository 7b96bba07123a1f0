import numpy as np
import pytest

from da.selection._samples import rows, spaced


def test_the_same_samples_are_taken_in_the_same_order_however_they_lie():
    z = np.random.default_rng(0).normal(size=(101, 4))
    order = np.random.default_rng(1).permutation(101)
    for limit in (10, 101, 500):
        np.testing.assert_array_equal(z[order][spaced(z[order], limit)], z[spaced(z, limit)])


@pytest.mark.parametrize(("n", "limit", "taken"), [(7, 10, 7), (10, 10, 10), (11, 10, 10), (1999, 1000, 1000)])
def test_no_more_than_the_limit_and_no_fewer_than_there_are(n, limit, taken):
    index = spaced(np.random.default_rng(0).normal(size=(n, 2)), limit)
    assert len(set(index.tolist())) == len(index) == taken


def test_they_are_spread_over_the_samples():
    z = np.arange(1000.0)[:, None]
    np.testing.assert_array_equal(np.sort(spaced(z, 10)), np.sort(z[spaced(z, 10), 0]))
    assert np.diff(np.sort(spaced(z, 10))).tolist() == [100] * 9


def test_features_of_any_shape_are_rows():
    assert rows(np.zeros((5, 2, 3), np.float32)).shape == (5, 6)
    assert rows(np.zeros(5)).shape == (5, 1)
