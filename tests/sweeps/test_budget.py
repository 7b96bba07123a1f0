from types import SimpleNamespace

import pytest

from da.errors import ConfigError
from da.sweeps import budget
from da.sweeps.budget import Budget, seconds_of
from da.sweeps.launchers import Processes


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("10min", 600.0), ("1.5h", 5400.0)])
def test_budgets_have_units(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "10 min", "0s", "-1h", "10days", "min", "1e3s"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="write a number above 0 and its unit"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("given", "seconds", "timeout"), [(None, 600.0, 150.0), (None, 100.0, 60.0), (30.0, 600.0, 30.0)]
)
def test_a_run_may_take_a_quarter_of_the_budget_and_a_minute_or_what_is_given(monkeypatch, given, seconds, timeout):
    made = {}

    class Pool:
        def __init__(self, size, **options):
            made.update(options)

        def run(self, jobs, done):
            pass

    monkeypatch.setattr(budget, "Pool", Pool)
    budget.run(Budget([], seconds), Processes(timeout=given), SimpleNamespace(close=lambda: None), None)
    assert made["timeout"] == timeout
    assert bool(made["limit"]) == (given is None)
    assert f"{timeout:g} seconds, its share of the budget" in made["limit"] or given


def test_jobs_begin_while_there_is_time_counted_from_the_first():
    now = SimpleNamespace(time=100.0)
    jobs = Budget(["a", "b", "c", "d"], 10.0, clock=lambda: now.time)
    assert jobs.left == 10.0
    begun = []
    now.time = 500.0  # looking at the data took long
    for job in jobs:
        begun.append(job)
        now.time += 6.0
    assert begun == ["a", "b"]
    assert (jobs.left, jobs.left_over) == (0.0, ["c", "d"])
