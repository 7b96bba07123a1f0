"""What ``--dry-run`` says: what would run, what is there, and CPU hours by records of such runs."""

import json
from dataclasses import replace

import pytest
from small import SMALL

from da.cli import train as entry
from da.results import record, store

HERE = ["launcher=in_process", "logger=none"]


@pytest.fixture
def plan(tmp_path, capsys):
    def said(*words):
        assert entry.train([*SMALL, *HERE, f"output={tmp_path}", *words, "--dry-run"]) == 0
        return capsys.readouterr().out.splitlines()

    return said


def test_runs_are_told_apart_by_the_keys_in_which_they_differ(plan):
    asked = ["-m", "optimizer=sgd,adam", "optimizer.lr=0.5,0.25", "schedule=constant,cosine_decay", "seed=0,1"]
    runs = [line.split() for line in plan("method=dann", *asked) if line.startswith("  method=")]
    assert len({tuple(run) for run in runs}) == len(runs) == 16
    assert " ".join(runs[0]) == (
        "method=dann data=toy data.samples=60 optimizer=sgd optimizer.lr=0.5 schedule=constant seed=0"
    )
    runs = [line for line in plan("-m", "method=dann", "network=mlp,lenet", "batch_size=8,16") if "  method" in line]
    assert runs[1] == "  method=dann data=toy data.samples=60 network=mlp batch_size=16 seed=0"
    assert "seed=0" in plan("method=dann", "network=mlp")[1], "a run by itself has its usual name"


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
    (finished,) = (r for r in store.load(tmp_path) if r.is_finished)
    seconds = {"train": 1800.0, "evaluate": 1800.0, "load": 0.0}
    record.write(finished.place, replace(finished, seconds=seconds, threads=2))
    said = plan("-m", "method=source_only,coral", "seed=1,2", "trainer.max_epochs=3")
    assert "3 runs: 3 to run" in said
    assert "about 12 CPU hours for 2 of them, by what such runs took before" in said
    assert "CPU hours unknown of 1 of method=coral on data=toy: none has finished here" in said


def test_costs_go_by_steps(plan, tmp_path):
    assert entry.train([*SMALL, *HERE, f"output={tmp_path}", "method=source_only", "steps_per_epoch=2"]) == 0
    (file,) = tmp_path.rglob("record.json")
    made = json.loads(file.read_text())
    made["seconds"] = {"load": 0.0, "train": 3600.0, "evaluate": 360.0}
    file.write_text(json.dumps(made | {"threads": 2}))

    def cost(*words):
        return plan("method=source_only", *words, "seed=1")[-1]

    assert cost("steps_per_epoch=2").startswith("about 2.2 CPU hours")
    assert cost("steps_per_epoch=20").startswith("about 20.2 CPU hours")
    assert cost("steps_per_epoch=20", "trainer.max_epochs=3").startswith("about 60.6 CPU hours")
    assert cost("steps_per_epoch=null").startswith("CPU hours unknown of 1"), "a pass over the data takes more"


def test_one_run_and_a_search(plan):
    assert plan("method=coral")[0] == "1 run: 1 to run"
    said = plan("-m", "method=dann", "seed=0,1", "sweep=optuna", "sweep.trials=5")
    assert said[0] == "2 runs in each of at most 5 trials: 10 runs"
    assert said[1].startswith("CPU hours unknown of 10 of method=dann")


def test_many_runs_are_not_all_named(plan):
    said = plan("-m", "method=source_only", "seed=range(30)")
    assert "  ... and 10 more" in said
    assert len(said) < 30
