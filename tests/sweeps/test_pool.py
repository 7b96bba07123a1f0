"""What may befall a run, and what then becomes of the others; all in real processes."""

import os
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from processes import HANGING
from small import SMALL

from da.config.compose import compose
from da.config.validate import validate
from da.engine.lock import held
from da.results import record, store
from da.sweeps.job import Grid, Job
from da.sweeps.pool import Pool
from da.sweeps.status import SweepStatus, drivers

pytestmark = pytest.mark.usefixtures("mortal")


def job(tmp_path, *overrides, watch=None):
    return Job(validate(compose([*SMALL, "method=source_only", f"output={tmp_path}", *overrides])), watch)


class Driven:
    """A pool that notes what came of each job; its clock stands still until a test puts it ahead, or something hangs."""

    def __init__(self, tmp_path, total, **keywords):
        self.status = SweepStatus(tmp_path, total, 1, "test")
        self.ahead, self.begun = 0.0, time.monotonic()
        options = {"threads": 1, "timeout": None, "memory": None} | keywords
        self.pool = Pool(1, status=self.status, clock=self.clock, **options)
        self.outcomes = {}

    def clock(self):
        return self.ahead + max(0.0, time.monotonic() - self.begun - HANGING)

    def run(self, jobs):
        try:
            self.pool.run(Grid(jobs), lambda job, outcome: self.outcomes.setdefault(job.plan.config["seed"], outcome))
        finally:
            self.status.close()
            assert self.clock() == self.ahead, "something hung"
        return {seed: outcome.kind for seed, outcome in self.outcomes.items()}

    @property
    def worker(self):
        (worker,) = self.pool.workers
        return worker


def failures(tmp_path):
    return {r.seed: r for r in store.load(tmp_path) if r.status == "failed"}


def test_a_crash_a_kill_and_a_hang_cost_their_own_run_only(tmp_path):
    """Segmentation fault, SIGKILL as by the kernel out of memory, a process that stops dead; then one that is well."""
    driven = Driven(tmp_path, 4, timeout=10_000.0)

    def send(number):
        def watch(epoch, scores):
            os.kill(driven.worker.process.pid, number)
            driven.ahead += 10_001.0 if number == signal.SIGSTOP else 0.0
            return False

        return watch

    long = ["trainer.max_epochs=2"]
    jobs = [
        job(tmp_path, "seed=1", *long, watch=send(signal.SIGSEGV)),
        job(tmp_path, "seed=2", *long, watch=send(signal.SIGKILL)),
        job(tmp_path, "seed=3", *long, watch=send(signal.SIGSTOP)),
        job(tmp_path, "seed=4"),
    ]
    assert driven.run(jobs) == {1: "failed", 2: "failed", 3: "failed", 4: "finished"}
    found = failures(tmp_path)
    assert {seed: r.error_kind for seed, r in found.items()} == {1: "crashed", 2: "oom", 3: "timeout"}
    assert "SIGSEGV" in found[1].error
    assert "Segmentation fault" in found[1].traceback
    assert "launcher.timeout=10000" in found[3].error
    assert all(r.fingerprint for r in found.values())  # they were lost after the data were loaded
    assert not driven.pool.workers


@pytest.mark.slow
def test_a_lost_run_goes_on_from_its_checkpoint_when_it_is_run_again(tmp_path):
    kill = Driven(tmp_path, 1)

    def watch(epoch, scores):
        if epoch == 2:
            kill.worker.process.kill()
        return False

    options = ["trainer.max_epochs=3"]
    assert kill.run([job(tmp_path, *options, watch=watch)]) == {0: "failed"}
    seen = []
    again = Driven(tmp_path, 1)
    assert again.run([job(tmp_path, *options, "rerun=failed", watch=lambda e, s: bool(seen.append(e)))]) == {
        0: "finished"
    }
    assert seen[-1] == 3
    made = again.outcomes[0].record
    whole = Driven(tmp_path / "whole", 1)
    whole.run([job(tmp_path / "whole", *options)])
    expected = whole.outcomes[0].record
    assert [e.scores for e in made.epochs] == [e.scores for e in expected.epochs]


def test_a_memory_limit_fails_the_run_that_passes_it(tmp_path):
    driven = Driven(tmp_path, 2, memory=2.0)
    plan = (
        job(tmp_path, "method=ot_sinkhorn", "seed=1"),
        job(tmp_path, "method=ot_sinkhorn", "data.samples=40000", "seed=2"),
    )
    assert driven.run(plan) == {1: "finished", 2: "failed"}
    assert failures(tmp_path)[2].error_kind == "oom"


def test_one_ctrl_c_saves_what_is_running_and_leaves_no_process(tmp_path):
    driven = Driven(tmp_path, 3)

    def watch(epoch, scores):
        os.kill(os.getpid(), signal.SIGINT)
        pids.append(driven.worker.process.pid)
        return False

    pids = []
    jobs = [job(tmp_path, "trainer.max_epochs=50", watch=watch), job(tmp_path, "seed=1"), job(tmp_path, "seed=2")]
    with pytest.raises(KeyboardInterrupt):
        driven.run(jobs)
    assert {seed: o.kind for seed, o in driven.outcomes.items()} == {0: "interrupted"}
    assert list(tmp_path.rglob("last.ckpt"))
    assert not list(tmp_path.rglob("record.json"))
    assert not alive(pids[0])
    assert not drivers(tmp_path)  # the status file goes with its driver
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_the_second_ctrl_c_ends_at_once_what_does_not_stop(tmp_path):
    driven = Driven(tmp_path, 1)

    def watch(epoch, scores):
        os.kill(driven.worker.process.pid, signal.SIGSTOP)  # so it cannot obey the first
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return False

    with pytest.raises(KeyboardInterrupt):
        driven.run([job(tmp_path, "trainer.max_epochs=50", watch=watch)])
    assert driven.outcomes[0].kind == "interrupted"


def test_what_somebody_else_is_at_is_waited_for(tmp_path):
    first = Driven(tmp_path, 1)
    first.run([job(tmp_path)])
    directory = record.ROOT / first.outcomes[0].directory
    second = Driven(tmp_path, 2)
    holder = held(directory, "the other one")
    holder.__enter__()
    busy = []

    class Watched(SweepStatus):
        def ended(self, job, outcome):
            if outcome.kind == "busy":
                busy.append(outcome.message)
                if len(busy) == 2:
                    holder.__exit__(None, None, None)
            super().ended(job, outcome)

    second.status.close()
    second.status = second.pool.status = Watched(tmp_path, 2, 1, "test")
    assert second.run([job(tmp_path), job(tmp_path, "seed=1")]) == {1: "finished", 0: "skipped"}
    assert len(busy) == 2
    assert f"process {os.getpid()}" in busy[0]


@pytest.mark.slow
def test_a_watch_gives_a_run_up_and_leaves_no_record(tmp_path):
    driven = Driven(tmp_path, 1)
    seen = []

    def watch(epoch, scores):
        seen.append((epoch, set(scores) >= {"entropy", "last"}))
        return epoch == 2

    assert driven.run([job(tmp_path, "trainer.max_epochs=5", watch=watch)]) == {0: "pruned"}
    assert seen == [(1, True), (2, True)]
    assert not list(tmp_path.rglob("record.json"))


@pytest.mark.slow
def test_a_run_without_data_fails_by_itself(tmp_path):
    driven = Driven(tmp_path, 2)
    wrong = job(tmp_path, "seed=1")
    wrong = replace(
        wrong,
        plan=replace(wrong.plan, config=wrong.plan.config | {"data": wrong.plan.config["data"] | {"shift": "none"}}),
    )
    assert driven.run([wrong, job(tmp_path)]) == {1: "refused", 0: "finished"}
    assert "ConfigError" in driven.outcomes[1].trace
    assert "none" in driven.outcomes[1].message


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_record_of_a_later_version_survives_a_lost_process(tmp_path):
    file = tmp_path / "record.json"
    file.write_text('{"schema": 99}')
    outcome = Pool._record_loss(SimpleNamespace(begun=(tmp_path, {})), None, "crashed", "It is gone.")
    assert (outcome.kind, "update da" in outcome.message) == ("refused", True)
    assert file.read_text() == '{"schema": 99}'
