"""Titles shorten numbers, and never so far that two runs look the same."""

import pytest

from da.config.compose import compose
from da.config.titles import distinct_titles, run_title
from da.config.validate import validate
from da.results.scores import brief, digits_apart


def plans(*values):
    return [validate(compose(["method=coral", "data=toy", f"method.regularization={v}"])) for v in values]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00018273645, "0.000183"), (0.1, "0.1"), (2.0, "2.0"), (1e-05, "1e-05"), (1234.5, "1.23e+03"),
        (123456, "123456"), (True, "True"), (None, "None"), ("0.12345", "0.12345"), (float("inf"), "inf"),
        (-0.98765, "-0.988"),
    ],
)  # fmt: skip
def test_a_float_has_three_digits_and_all_else_is_as_it_is(value, text):
    assert brief(value) == text


@pytest.mark.parametrize(
    ("values", "digits"),
    [((), 3), ((0.1, 0.2), 3), ((0.12341, 0.12349), 4), ((0.123, 0.12345), 4), ((0.1, 0.1 + 1e-15), 15), ((1, "a"), 3)],
)
def test_as_many_digits_as_tell_values_apart(values, digits):
    assert digits_apart(values) == digits
    assert len({brief(value, digits) for value in values}) == len(values)


def test_titles_are_short_and_stay_distinct():
    few = distinct_titles(plans(0.00018273645, 0.5))
    assert few[0] == "method=coral method.regularization=0.000183 data=toy seed=0"
    close = distinct_titles(plans(0.00018273645, 0.00018299, 0.000183))
    assert len(set(close)) == 3
    assert "method.regularization=0.00018274 " in close[0]


def test_a_run_by_itself_is_told_from_any_other():
    (plan,) = plans(0.00018273645)
    assert "method.regularization=0.00018273645 " in run_title(plan)
