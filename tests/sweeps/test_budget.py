from types import SimpleNamespace

import pytest

from da.errors import ConfigError
from da.sweeps.budget import Budget, seconds_of


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("10min", 600.0), ("1.5h", 5400.0)])
def test_budgets_have_units(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "10 min", "0s", "-1h", "10days", "min", "1e3s"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="write a number above 0 and its unit"):
        seconds_of(text)


def test_jobs_begin_while_there_is_time_counted_from_the_first():
    now = SimpleNamespace(time=100.0)
    budget = Budget(["a", "b", "c", "d"], 10.0, clock=lambda: now.time)
    assert budget.left == 10.0
    begun = []
    now.time = 500.0  # looking at the data took long
    for job in budget:
        begun.append(job)
        now.time += 6.0
    assert begun == ["a", "b"]
    assert (budget.left, budget.left_over) == (0.0, ["c", "d"])
