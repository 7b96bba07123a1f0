"""Launchers of sweeps: in processes of this machine, in this process, or in tasks of a cluster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Protocol

from da.bounds import Count, Positive, Whole
from da.errors import ConfigError
from da.sweeps.job import Done, Job, Outcome, Source, by_data, ignore
from da.sweeps.pool import Pool
from da.sweeps.status import SweepStatus


class Launcher(Protocol):
    """Protocol of objects that run jobs.

    ``lazy`` is whether it supports a source of jobs that depend on the outcomes of earlier ones, ``here`` whether they
    run on this machine.
    """

    lazy: bool
    here: bool

    def run(self, jobs: Source, output: Path, what: str, done: Done = ignore) -> dict[str, int]:
        """Run all jobs and call ``done`` with each; returns the number of jobs by outcome.

        Raises:
            KeyboardInterrupt: it was interrupted, and has stopped.
        """


class Processes:
    """Processes that are reused for several runs; a run that hangs, crashes or exhausts memory does not affect others.

    Args:
        jobs: number of simultaneous runs.
        threads: numerical threads of each; None divides the cores among them.
        timeout: seconds a run may take, including loading; None is no limit.
        memory: GiB a process may allocate; None is no limit.

    Raises:
        ConfigError: a number is not above 0.
    """

    lazy = True
    here = True

    def __init__(
        self,
        *,
        jobs: Count = 1,
        threads: Count | None = None,
        timeout: Positive | None = None,
        memory: Positive | None = None,
    ):
        for name, value in (("jobs", jobs), ("threads", threads), ("timeout", timeout), ("memory", memory)):
            if value is not None and value <= 0:
                raise ConfigError(f"launcher.{name} must be above 0, got {value}.")
        self.jobs, self.threads, self.timeout, self.memory = jobs, threads, timeout, memory

    def run(self, jobs: Source, output: Path, what: str, done: Done = ignore) -> dict[str, int]:
        status = SweepStatus(output, jobs.total, self.jobs, what)
        pool = Pool(self.jobs, threads=self.threads, timeout=self.timeout, memory=self.memory, status=status)
        try:
            pool.run(jobs, done)
        finally:
            status.close()
        return status.counts


class InProcess:
    """The current process, for debugging: a crash ends the sweep, and there is no limit of time or memory.

    Raises:
        KeyboardInterrupt: (``run``) a run was interrupted.
    """

    lazy = True
    here = True

    def run(self, jobs: Source, output: Path, what: str, done: Done = ignore) -> dict[str, int]:
        from da.engine import run
        from da.sweeps.worker import answer

        status = SweepStatus(output, jobs.total, 1, what)
        try:
            for job in jobs:
                status.began(job.title)
                outcome = answer(run.run, job.plan.config, JobObserver(job))
                status.ended(job, outcome)
                done(job, outcome)
                if outcome.kind == "interrupted":
                    raise KeyboardInterrupt
        finally:
            status.close()
        return status.counts


class JobObserver:
    """Asks a job's own function after every epoch whether to give up."""

    def __init__(self, job: Job):
        self.job = job

    def started(self, directory: Path, frozen: dict[str, Any]) -> None:
        """Do nothing: there is no other process to inform."""

    def epoch(self, epoch: int, scores: dict[str, float | None]) -> bool:
        return self.job.watch is not None and self.job.watch(epoch, scores)


class Submitit:
    """Tasks of a cluster through submitit; each runs its share in reused processes and can be preempted.

    Args:
        cluster: ``slurm``, or ``local`` to try it on this machine.
        tasks: largest number of tasks.
        minutes: time limit of a task, which is then requeued with its unfinished runs.
        cpus: cores of a task.
        gpus: accelerators of a task.
        memory: GiB of a task.
        partition: of Slurm.
        jobs: number of simultaneous runs in a task.
        timeout: seconds a run may take.

    Raises:
        ConfigError: the cluster is neither, or (``run``) the package submitit is missing.
    """

    lazy = False
    here = False

    def __init__(
        self,
        *,
        cluster: Literal["slurm", "local"] = "slurm",
        tasks: Count = 8,
        minutes: Count = 240,
        cpus: Count = 2,
        gpus: Whole = 0,
        memory: Positive = 8,
        partition: str | None = None,
        jobs: Count = 1,
        timeout: Positive | None = None,
    ):
        if cluster not in ("slurm", "local"):
            raise ConfigError(f"launcher.cluster must be slurm or local, got '{cluster}'.")
        self.cluster, self.tasks, self.partition = cluster, tasks, partition
        self.minutes, self.cpus, self.gpus, self.memory = minutes, cpus, gpus, memory
        self.processes = {"jobs": jobs, "threads": max(1, cpus // jobs), "timeout": timeout}

    def run(self, jobs: Source, output: Path, what: str, done: Done = ignore) -> dict[str, int]:
        try:
            import submitit
        except ImportError as error:
            raise ConfigError('launcher=submitit needs the package submitit: pip install "da[sweeps]".') from error
        from da.sweeps.cluster import ClusterTask

        listed = list(jobs)
        executor = submitit.AutoExecutor(folder=output / ".submitit", cluster=self.cluster)
        executor.update_parameters(
            name="da",
            timeout_min=self.minutes,
            cpus_per_task=self.cpus,
            gpus_per_node=self.gpus,
            mem_gb=self.memory,
            **({"slurm_partition": self.partition} if self.partition and self.cluster == "slurm" else {}),
        )
        parts = shares(listed, self.tasks)
        with executor.batch():
            tasks = [
                executor.submit(
                    ClusterTask([job.plan.config for job in part], self.processes, str(output.resolve()), what)
                )
                for part in parts
            ]
        status = SweepStatus(output, len(listed), len(parts), what)
        status.say(f"{len(tasks)} tasks submitted ({', '.join(task.job_id for task in tasks)})")
        left = dict(zip(tasks, parts, strict=True))
        try:
            while left:
                for task in [task for task in left if task.done()]:
                    _collect(task, left.pop(task), status, done)
                status.heartbeat()
                time.sleep(1.0)
        except KeyboardInterrupt:
            for task in left:
                task.cancel()
            raise
        finally:
            status.close()
        return status.counts


def _collect(task: Any, part: list[Job], status: SweepStatus, done: Done) -> None:
    """Collect the outcomes of a task's runs; those of a task that died are failures with the task's log."""
    error = task.exception()
    said = task.result() if error is None else [Outcome("failed", f"{job.title}: {error}") for job in part]
    for job, outcome in zip(part, said, strict=True):
        status.ended(job, outcome)
        done(job, outcome)


def shares(jobs: Sequence[Job], count: int) -> list[list[Job]]:
    """Split jobs into at most ``count`` parts of about equal size, jobs on the same data together if possible."""
    listed = by_data(jobs)
    count = max(1, min(count, len(listed)))
    bounds = [round(k * len(listed) / count) for k in range(count + 1)]
    return [listed[a:b] for a, b in pairwise(bounds)]
