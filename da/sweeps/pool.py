"""A pool of reused worker processes, and the driver that replaces them when they die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

from da.config.catalog import ROOT
from da.engine.result import load_failure_directory, write_failure
from da.results import record
from da.results.schema import NewerRecord
from da.sweeps.job import Done, Job, Outcome, Source
from da.sweeps.status import SweepStatus

TICK = 0.5  # seconds between checks of clocks and signals
GRACE = 30.0  # seconds that a process has for stopping when requested
LOG_TAIL = 20_000  # bytes of a dead process's log that are stored in the record
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Worker:
    """A worker process and its current job.

    Args:
        threads: number of numerical threads.
        memory: GiB it may allocate, or None.
    """

    def __init__(self, threads: int, memory: float | None):
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        here, there = Pipe()
        numbers = (there.fileno(), os.getpid(), *([memory] if memory else []))
        command = [sys.executable, "-m", "da.sweeps.worker", *map(str, numbers)]
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": path}
        self.process = subprocess.Popen(
            command,
            pass_fds=[there.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,  # Ctrl-C reaches the driver only, which stops the workers
        )
        there.close()
        self.connection: Connection = here
        self.job: Job | None = None
        self.ready = False
        self.since = 0.0
        self.begun: tuple[Path, dict[str, Any]] | None = None

    def give(self, job: Job, now: float) -> None:
        """Start a job."""
        self.job, self.since, self.begun, self.ready = job, now, None, False
        self.log.truncate(0)
        self.log.seek(0)
        self.connection.send((job.plan.config, job.watch is not None))

    def ask_to_stop(self) -> None:
        """Interrupt the process as by Ctrl-C: a deep run saves its checkpoint."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> int:
        """Kill the process and its group; returns its exit code."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.connection.close()
        return self.process.wait()

    def tail(self) -> str:
        """The end of the process's output, without the list of libraries that a crash prints."""
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, size - LOG_TAIL))
        lines = self.log.read().decode(errors="replace").splitlines()
        return "\n".join(line for line in lines if not line.startswith("Extension modules:"))


class Pool:
    """Run jobs in reused processes; a process that dies is replaced, and its job is recorded as failed.

    Args:
        size: number of processes.
        threads: numerical threads of each; None divides the cores among them.
        timeout: seconds a job may take, or None.
        limit: what a job that took longer is said to have exceeded; by default ``launcher.timeout``.
        memory: GiB a process may allocate, or None.
        status: updated with the state of the jobs.
        clock: function that returns the time in seconds.
    """

    def __init__(
        self,
        size: int,
        *,
        threads: int | None,
        timeout: float | None,
        memory: float | None,
        status: SweepStatus,
        limit: str = "",
        clock: Callable[[], float] = time.monotonic,
    ):
        self.limit = limit or f"launcher.timeout={timeout or 0.0:g} seconds"
        self.size, self.timeout, self.memory, self.status, self.clock = size, timeout, memory, status, clock
        self.threads = threads or max(1, (os.cpu_count() or 1) // size)
        self.workers: list[Worker] = []
        self.stops = 0
        self.asked_at = 0.0

    def run(self, jobs: Source, done: Done) -> None:
        """Run all jobs; ``done`` is called with each as it ends.

        Raises:
            KeyboardInterrupt: it was interrupted, and has stopped.
        """
        waiting, busy = iter(jobs), list[Job]()
        try:
            with self._signals():
                while True:
                    if not self.stops:
                        waiting, busy = self._feed(waiting, busy)
                    if not any(w.job for w in self.workers):
                        if self.stops or not busy:
                            break
                        time.sleep(TICK)  # other drivers run the remaining jobs
                    self._listen(done, busy)
                    self._watch_clocks(done)
                    self.status.heartbeat()
        finally:
            for worker in list(self.workers):
                self._drop(worker)
        if self.stops:
            raise KeyboardInterrupt

    def _feed(self, waiting: Iterator[Job], busy: list[Job]) -> tuple[Iterator[Job], list[Job]]:
        """Give every idle process a job; jobs that other drivers run come last, and are tried repeatedly."""
        while sum(w.job is not None for w in self.workers) < self.size:
            job = next(waiting, None)
            if job is None:
                if not busy:
                    return waiting, busy
                if not any(w.job for w in self.workers):
                    self.status.waiting(len(busy))
                    time.sleep(TICK)
                waiting, busy = iter(busy), []
                continue
            idle = next((w for w in self.workers if w.job is None), None)
            if idle is None:
                idle = Worker(self.threads, self.memory)
                self.workers.append(idle)
            try:
                idle.give(job, self.clock())
            except OSError:  # the process died while idle
                self._drop(idle)
                waiting = _before(job, waiting)
                continue
            self.status.began(job.title)
        return waiting, busy

    def _listen(self, done: Done, busy: list[Job]) -> None:
        """Receive the messages of processes within a tick."""
        working = {w.connection: w for w in self.workers if w.job}
        for connection in wait(list(working), timeout=TICK):
            assert isinstance(connection, Connection)
            worker = working[connection]
            try:
                word, *rest = connection.recv()
            except (EOFError, OSError):
                self._lost(worker, done, "crashed", "")
                continue
            if word == "ready":
                worker.ready, worker.since = True, self.clock()
            elif word == "started":
                worker.begun = (Path(rest[0]), rest[1])
            elif word == "epoch":
                self._epoch(worker, *rest)
            else:
                self._end(worker, rest[0], done, busy)

    def _epoch(self, worker: Worker, epoch: int, scores: dict[str, float | None]) -> None:
        assert worker.job is not None
        if worker.job.watch is not None:
            worker.connection.send(worker.job.watch(epoch, scores))

    def _end(self, worker: Worker, outcome: Outcome, done: Done, busy: list[Job]) -> None:
        job, worker.job = worker.job, None
        assert job is not None
        self.status.ended(job, outcome)
        if outcome.kind == "busy":
            busy.append(job)
        else:
            done(job, outcome)

    def _watch_clocks(self, done: Done) -> None:
        now = self.clock()
        for worker in [w for w in self.workers if w.job]:
            if self.timeout is not None and worker.ready and now - worker.since > self.timeout:
                self._lost(worker, done, "timeout", f"It took longer than {self.limit}.")
            elif self.stops > 1 or (self.stops and now - self.asked_at > GRACE):
                self._lost(worker, done, "interrupted", "")

    def _lost(self, worker: Worker, done: Done, kind: str, why: str) -> None:
        """Record the failure of a job whose process died or must be killed; interrupted jobs leave no record."""
        job, code = worker.job, worker.kill()
        assert job is not None
        if kind == "crashed" and self.stops:
            kind = "interrupted"
        if kind == "crashed":
            kind, why = _cause(code)
        outcome = Outcome("interrupted", "stopped at once")
        if kind != "interrupted":
            outcome = self._record_loss(worker, job, kind, why)
        self._drop(worker)
        self.status.ended(job, outcome)
        done(job, outcome)

    @staticmethod
    def _record_loss(worker: Worker, job: Job, kind: str, why: str) -> Outcome:
        directory, frozen = worker.begun or (load_failure_directory(job.plan), {})
        try:
            found = record.read(directory)
        except NewerRecord as error:
            return Outcome("refused", str(error), str(directory))
        if found is not None and found.is_finished:  # it was lost after its last word
            return Outcome("finished", "", str(directory), found, found.total_seconds)
        write_failure(directory, job.plan, kind, why, worker.tail(), frozen)
        return Outcome("failed", f"{job.title}: {why}", str(directory))

    def _drop(self, worker: Worker) -> None:
        worker.kill()
        worker.log.close()
        self.workers.remove(worker)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Handle signals: a first Ctrl-C (or SIGTERM) asks the running jobs to stop, a second one kills them."""

        def stop(number: int, frame: Any) -> None:
            self.stops += 1
            if self.stops == 1:
                self.asked_at = self.clock()
                self.status.say("stopping: running jobs save their state; once more ends them at once")
                for worker in self.workers:
                    worker.ask_to_stop()

        kept = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)


def _before(first: Job, rest: Iterator[Job]) -> Iterator[Job]:
    yield first
    yield from rest


def _cause(code: int) -> tuple[str, str]:
    if code == -signal.SIGKILL:
        return (
            "oom",
            "Its process was killed (SIGKILL), most likely for lack of memory; lower batch_size or launcher.jobs.",
        )
    if code < 0:
        return "crashed", f"Its process crashed ({signal.Signals(-code).name}); the traceback holds its last words."
    return "crashed", f"Its process ended with exit code {code}; the traceback holds its last words."
