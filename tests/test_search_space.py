import pytest

from da.search_space import choice, log_uniform, uniform


@pytest.mark.parametrize("make", [uniform, log_uniform])
def test_ranges_are_closed_intervals_of_numbers(make):
    space = make(0.5, 8)
    assert all(value in space for value in (0.5, 1, 8, 8.0))
    assert not any(value in space for value in (0.49, 8.01, -1, "1", None, [1]))


def test_only_one_of_the_ranges_is_logarithmic():
    assert (uniform(1.0, 2.0).log, log_uniform(1.0, 2.0).log) == (False, True)
    assert uniform(1.0, 2.0) != log_uniform(1.0, 2.0)


def test_choices():
    space = choice("a", 2, None)
    assert space.values == ("a", 2, None)
    assert all(value in space for value in ("a", 2, None))
    assert "b" not in space
    assert 3 not in space
