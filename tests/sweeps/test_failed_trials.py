"""Trials that fail: they are named, cost no budget, and are run again on request."""

import pytest
from records import scored
from small import SMALL

from da.cli import train as entry
from da.config.compose import compose
from da.config.validate import validate
from da.results import store
from da.sweeps.job import Outcome
from da.sweeps.search import NAMED, Search

optuna = pytest.importorskip("optuna")


def study(folder, *overrides, trials=2):
    given = [*SMALL, "method=coral", f"output={folder}", *overrides]
    return Search(trials=trials).study([validate(compose(given))], folder)


def drive(found, *outcomes):
    """Tell each trial the next outcome, the last one for all others; returns the settings that were tried."""
    left, tried = list(outcomes), []
    for job in found:
        tried.append(job.plan.config["method"]["regularization"])
        found.done(job, left.pop(0) if len(left) > 1 else left[0])
    return tried


FAILED = Outcome("failed", "method=coral seed=0: the loss is not finite")
FINISHED = Outcome("finished", record=scored("infomax", 1.0))


def test_a_failed_trial_is_replaced_and_named_with_its_error(tmp_path):
    found = study(tmp_path)
    tried = drive(found, FAILED, FINISHED)
    assert len(tried) == 3, "two that count"
    said = found.verdict()
    assert "best of 2 finished trials" in said
    assert f"failed: method.regularization={tried[0]}: method=coral seed=0: the loss is not finite" in said
    assert "rerun=failed tries failed ones again" in said
    assert list(study(tmp_path)) == [], "the budget is used up"


def test_where_all_fail_it_ends_and_the_next_driver_tries_others(tmp_path):
    first = drive(study(tmp_path), FAILED)
    found = study(tmp_path)
    second = drive(found, FAILED)
    assert len(first) == len(second) == 2
    assert not set(first) & set(second)
    assert "no trial finished" in found.verdict()
    assert found.verdict().count("failed: method.regularization=") == 4


def test_a_long_list_of_failures_is_cut(tmp_path):
    found = study(tmp_path, trials=NAMED + 2)
    drive(found, FAILED)
    assert found.verdict().count("failed: ") == NAMED
    assert "and 2 more failed" in found.verdict()


def test_rerun_failed_tries_the_same_settings_again_even_where_the_budget_is_used_up(tmp_path):
    tried = drive(study(tmp_path), FAILED, FINISHED)
    found = study(tmp_path, "rerun=failed")
    assert found.total == 1
    assert drive(found, FINISHED) == tried[:1]
    assert "best of 3 finished trials" in found.verdict()
    assert "failed: " not in found.verdict()
    assert list(study(tmp_path, "rerun=failed")) == []


def test_a_search_in_which_nothing_finishes_exits_with_1_every_time(tmp_path, capsys):
    diverging = ["-m", *SMALL, "launcher=in_process", "logger=none", "method=dann", "optimizer=sgd",
                 "optimizer.lr=1e30", f"output={tmp_path}"]  # fmt: skip
    options = [*diverging, "sweep=optuna", "sweep.trials=1"]
    assert entry.train(options) == 1
    assert entry.train(options) == 1
    assert len(store.load(tmp_path)) == 2, "the second command tried another setting"
    capsys.readouterr()
    assert entry.train([*options, "rerun=failed"]) == 1
    said = capsys.readouterr().out
    assert "dann on toy: no trial finished." in said
    assert "failed: method.weight=" in said
    assert len(store.load(tmp_path)) == 2, "the third ran one of them again"
