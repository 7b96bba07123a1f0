"""What ``--dry-run`` says: what would run, what is there, and CPU hours by records of such runs."""

import json

import pytest
from small import SMALL

from da import entry
from da.results import store

HERE = ["launcher=in_process", "logger=none"]


@pytest.fixture
def plan(tmp_path, capsys):
    def said(*words):
        assert entry.train([*SMALL, *HERE, f"output={tmp_path}", *words, "--dry-run"]) == 0
        return capsys.readouterr().out.splitlines()

    return said


def test_nothing_is_run_or_written(plan, tmp_path):
    said = plan("-m", "method=coral,kmm,source_only", "classifier=one_nn", "seed=0,1")
    assert said[0].startswith("LEFT OUT method=kmm weighs samples, and KNeighborsClassifier takes no weights")
    assert any(line.startswith("ONCE     method=coral") for line in said)
    assert "3 runs: 3 to run" in said
    assert "  method=source_only data=toy data.samples=60 seed=1" in said
    assert "CPU hours unknown of 2 of method=source_only on data=toy: none has finished here" in said
    assert not list(tmp_path.iterdir())


def test_finished_and_failed_runs_are_known_and_the_rest_is_costed(plan, tmp_path, capsys):
    given = ["method=source_only", "optimizer=sgd", "optimizer.lr=0.01,1e30"]
    assert entry.train(["-m", *SMALL, *HERE, f"output={tmp_path}", *given]) == 1
    capsys.readouterr()
    assert "2 runs: 1 finished, skipped, 1 failed before, not tried again (rerun=failed does)" in plan("-m", *given)
    assert "2 runs: 1 to run, 1 finished, skipped" in plan("-m", *given, "rerun=failed")
    assert "2 runs: 2 to run" in plan("-m", *given, "rerun=all")
    (finished,) = (r for r in store.load(tmp_path) if r["status"] == "finished")
    content = finished | {"seconds": {"train": 1800.0, "evaluate": 1800.0, "load": 0.0}, "threads": 2}
    directory = content.pop("directory")
    with open(f"{directory}/record.json", "w") as stream:
        json.dump(content, stream)
    said = plan("-m", "method=source_only,coral", "seed=1,2", "trainer.max_epochs=3")
    assert "3 runs: 3 to run" in said
    assert "about 12 CPU hours for 2 of them, by what such runs took before" in said
    assert "CPU hours unknown of 1 of method=coral on data=toy: none has finished here" in said


def test_one_run_and_a_search(plan):
    assert plan("method=coral")[0] == "1 run: 1 to run"
    said = plan("-m", "method=dann", "seed=0,1", "sweep=optuna", "sweep.trials=5")
    assert said[0] == "2 runs in each of at most 5 trials: 10 runs"
    assert said[1].startswith("CPU hours unknown of 10 of method=dann")


def test_many_runs_are_not_all_named(plan):
    said = plan("-m", "method=source_only", "seed=range(30)")
    assert "  ... and 10 more" in said
    assert len(said) < 30
