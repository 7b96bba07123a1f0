"""Sweeps from the command line."""

import json
import re
from contextlib import ExitStack
from itertools import product

import hydra
import pytest
from processes import finished, started
from records import scored
from small import SMALL

from da.cli import train as entry
from da.config.compose import Composer, compose, expand
from da.config.validate import plain_of, validate
from da.estimators.subspace.pca import PCA
from da.results import record, store
from da.sweeps.job import Job, Outcome, by_data, exit_code
from da.sweeps.launchers import shares
from da.sweeps.status import FOLDER, SweepStatus, drivers, text

pytestmark = pytest.mark.versions

HERE = ["launcher=in_process", "logger=none"]


def sweep(tmp_path, *overrides):
    return entry.train(["-m", *SMALL, *HERE, f"output={tmp_path}", *overrides])


def test_a_sweep_runs_everything_once_and_says_so(tmp_path, capsys):
    assert sweep(tmp_path, "method=unadapted,coral", "data.split_seed=0,1") == 0
    assert len(store.load(tmp_path)) == 4
    assert "4 finished" in capsys.readouterr().out
    assert sweep(tmp_path, "method=unadapted,coral", "data.split_seed=0,1,2") == 0
    assert "2 finished, 4 skipped" in capsys.readouterr().out


def test_what_draws_nothing_runs_once_for_many_seeds_and_says_so(tmp_path, capsys):
    assert sweep(tmp_path, "method=coral,source_only", "seed=3,1,2") == 0
    said = capsys.readouterr().out
    assert (
        "ONCE     method=coral data=toy data.samples=60 seed=3: it draws nothing, so this run stands for seeds 1, 2 too"
        in said
    )
    assert "source_only" not in "".join(line for line in said.splitlines() if line.startswith("ONCE"))
    assert sorted((r.method, r.seed) for r in store.load(tmp_path)) == [("coral", 3), *(("source_only", s) for s in (1, 2, 3))]  # fmt: skip


def test_runs_made_by_other_code_are_skipped_aloud(tmp_path, capsys, monkeypatch):
    jobs = ["method=coral", "data.split_seed=0,1"]
    assert sweep(tmp_path, *jobs) == 0
    monkeypatch.setattr("da.engine.codehash.of_config", lambda config: "other")
    assert sweep(tmp_path, *jobs) == 0
    said = capsys.readouterr().out
    assert "2 skipped, made by other code; rerun=stale runs them again" in said
    assert sweep(tmp_path, *jobs, "rerun=stale") == 0
    assert "2 finished" in capsys.readouterr().out


def test_what_cannot_go_together_is_left_out_with_its_reason(tmp_path, capsys):
    assert entry.train(["-m", *HERE, f"output={tmp_path}", "method=coral", "data=toy,toy_dimensions"]) == 0
    said = capsys.readouterr()
    assert "LEFT OUT method=coral cannot run on data=toy_dimensions" in said.err
    assert "1 finished" in said.out


def test_what_is_refused_is_named_at_the_end_and_stops_nothing_else(tmp_path, capsys):
    assert sweep(tmp_path, "method=coral,pca", "data.classes=3,70") == 2
    assert [r.status for r in store.load(tmp_path)] == ["finished"] * 2
    said = capsys.readouterr()
    assert "2 finished, 2 refused" in said.out
    assert re.search(r"\[\d/4.*\] REFUSED  method=coral data=toy", said.err)
    last = said.err.splitlines()[-1]
    assert last.startswith("REFUSED  method=coral data=toy data.samples=60 data.classes=70 seed=0 and 1 more: ")
    assert "at least 2 classes and as many samples, got 70 and 60" in last


def test_a_failure_is_recorded_and_gives_exit_code_1(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(PCA, "fit", lambda *_: int("x"))
    assert sweep(tmp_path, "method=coral,pca", "data.shift=covariate") == 1
    assert {r.status for r in store.load(tmp_path)} == {"finished", "failed"}
    assert "FAILED   method=pca data=toy" in capsys.readouterr().err
    assert [exit_code(c) for c in ({"failed": 1, "refused": 1}, {"refused": 1}, {"finished": 1})] == [1, 2, 0]


def test_a_search_whose_trials_are_refused_says_so_with_its_exit_code(tmp_path, capsys):
    assert sweep(tmp_path, "method=dann", "data.samples=1", "sweep=optuna", "sweep.trials=1") == 2
    assert "no trial finished" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_to_is_said_before_anything_runs(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert sweep(tmp_path / "file", "method=coral", "data.samples=1") == 2
    assert capsys.readouterr().err.splitlines() == [
        f"train: output={tmp_path}/file cannot be a folder: '{tmp_path}/file' is a file; name another folder."
    ]


def test_a_sweep_counts(tmp_path, capsys):
    made = scored("last", 1.0)
    status = SweepStatus(tmp_path, 3, 1, "x")
    status.seconds = [60.0]
    (plan,) = expand(["method=coral", "data=toy"], multirun=False).plans
    called = "method=coral data=toy seed=0"
    status.ended(Job(plan, name="a on b, seed 0"), Outcome("finished", directory="there", record=made))
    status.ended(Job(plan, name="a on b, seed 1"), Outcome("failed", f"{called}: It broke."))
    status.ended(Job(plan), Outcome("failed", f"{called}: It broke."))
    status.close()
    said = capsys.readouterr()
    assert said.out.startswith(
        "[1/3, 1:00 left] finished a on b, seed 0: 0 target samples predicted, no labels to score (last, 2.0 s"
    )
    assert said.err.splitlines() == [
        "[2/3, 0:30 left] FAILED   a on b, seed 1: It broke.",
        f"[3/3] FAILED   {called}: It broke.",
    ]
    assert SweepStatus(tmp_path, None, 1, "x").place == "[0]"


@pytest.mark.parametrize("key", ["output=a,b", "launcher=in_process,processes"])
def test_one_launcher_and_one_folder(tmp_path, capsys, key, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert entry.train(["-m", *SMALL, "method=coral", key]) == 2
    assert f"'{key.partition('=')[0]}' must be the same in all runs" in capsys.readouterr().err


def test_a_search_from_the_command_line(tmp_path, capsys):
    options = ["method=dann", "seed=0,1", "sweep=optuna", "sweep.trials=2", "sweep.objective=entropy"]
    assert sweep(tmp_path, *options) == 0
    assert "dann on toy: best of 2 finished trials by entropy" in capsys.readouterr().out
    assert len(store.load(tmp_path)) == 4
    assert sweep(tmp_path, *options) == 0
    assert len(store.load(tmp_path)) == 4
    assert entry.train(["-m", *SMALL, "method=coral", "sweep=optuna", "launcher=submitit", f"output={tmp_path}"]) == 2
    assert "launcher=processes" in capsys.readouterr().err


def test_seeds_and_launchers_are_no_part_of_a_run(tmp_path):
    def identity(*overrides):
        return record.run_id(validate(compose([*SMALL, "method=coral", *overrides])).config, "data")

    assert identity() == identity("launcher=submitit") == identity("launcher.jobs=7") == identity("sweep=optuna")
    assert identity() != identity("seed=1")


def test_quick_composition_is_hydras():
    """A grid composes the choice of groups once and sets values on copies; the result must be Hydra's own."""
    grid = [
        "method=coral,dann",
        "data=toy,digits",
        "seed=0,1",
        "trainer.max_epochs=3,4",
        "experiment=mnist_usps,digits_dann",
    ]
    for more in ([], ["+trainer.benchmark=true"], ["++batch_size=32", "optimizer.lr=0.5"]):
        jobs = [
            [*job, *more]
            for job in product(*([f"{o.partition('=')[0]}={v}" for v in o.partition("=")[2].split(",")] for o in grid))
        ]
        with Composer() as composer:
            for job in jobs[::5]:
                assert composer.compose(job) == plain_of(hydra.compose("train", job))


def test_jobs_on_the_same_data_follow_each_other_and_shares_are_even():
    plans = expand(["method=coral,tca,pca", "data=toy,digits", "classifier.C=1,2"], multirun=True).plans
    jobs = by_data(Job(plan) for plan in plans)
    names = [job.plan.data.name for job in jobs]
    assert names == ["toy"] * 6 + ["digits"] * 6
    parts = shares(jobs, 5)
    assert [job for part in parts for job in part] == jobs
    assert {len(part) for part in parts} <= {2, 3}
    assert len(shares(jobs[:2], 5)) == 2


def test_the_state_of_a_sweep_is_read_by_another_process(tmp_path):
    status = SweepStatus(tmp_path, 7, 2, "train.py -m method=coral")
    status.began("method=coral seed=3")
    for kind in ("failed", "pruned"):
        status.ended(Job(*expand(["method=coral", "data=toy"], multirun=False).plans), Outcome(kind, "why"))
    done = finished(record.ROOT / "scripts" / "sweep_status.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "train.py -m method=coral: 2 of 7 done (1 failed, 1 pruned), 1 running" in done.stdout
    assert "method=coral seed=3" in done.stdout
    status.heartbeat(force=True)  # the other process may have taken its time
    (said,) = drivers(tmp_path)
    assert said["alive"]
    old = json.loads(status.file.read_text()) | {"beat": 0.0}
    status.file.write_text(json.dumps(old))
    (said,) = drivers(tmp_path)
    assert not said["alive"]
    assert "silent" in text(said)
    status.close()
    assert not list((tmp_path / FOLDER).glob("*.json"))


def test_a_new_driver_buries_the_dead_ones_of_its_machine(tmp_path):
    with started("-c", "") as dead:
        dead.ended()
    first = SweepStatus(tmp_path, 1, 1, "alive")
    first.heartbeat(force=True)
    left = first.file.with_name(f"{first.file.stem.rpartition('-')[0]}-{dead.process.pid}.json")
    elsewhere = first.file.with_name("elsewhere-1.json")
    for file in (left, elsewhere):
        file.write_text(first.file.read_text())
    SweepStatus(tmp_path, 1, 1, "new").close()
    assert {file.name for file in (tmp_path / FOLDER).glob("*.json")} == {elsewhere.name}


def test_time_left_follows_what_finished(tmp_path):
    status = SweepStatus(tmp_path, 10, 2, "x")
    assert status.left is None
    status.seconds = [4.0, 6.0]
    status.counts["finished"] = 2
    assert status.left == 8 * 5.0 / 2
    status.close()


@pytest.mark.slow
@pytest.mark.usefixtures("mortal")
def test_tasks_of_a_cluster_on_this_machine(tmp_path, capsys):
    """submitit's local executor: two tasks, each with a process of its own; what is refused stops nothing else."""
    pytest.importorskip("submitit")
    local = ["launcher=submitit", "launcher.cluster=local", "launcher.tasks=2", "launcher.minutes=60"]
    given = ["-m", *SMALL, "logger=none", f"output={tmp_path}", "method=coral,pca", "data.classes=3,70", *local]
    assert entry.train(given) == 2
    assert [r.status for r in store.load(tmp_path)] == ["finished", "finished"]
    said = capsys.readouterr()
    assert "2 finished, 2 refused" in said.out
    assert entry.train(given) == 2
    assert "2 skipped, 2 refused" in capsys.readouterr().out


@pytest.mark.slow
def test_two_drivers_on_one_folder_share_the_work(tmp_path):
    """Started at once on the same grid: every run is run by exactly one of them."""
    arguments = [
        "-m",
        *SMALL,
        "logger=none",
        f"output={tmp_path}",
        "method=coral,pca,tca,unadapted",
        "data.split_seed=0,1,2",
    ]
    with ExitStack() as stack:
        both = [stack.enter_context(started(record.ROOT / "scripts" / "train.py", *arguments)) for _ in range(2)]
        done = [process.ended() for process in both]
    assert [each.returncode for each in done] == [0, 0], done
    assert sum(each.stdout.count("finished method=") for each in done) == 12
    assert len(store.load(tmp_path)) == 12
