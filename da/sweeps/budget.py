"""Run jobs one after the other until a budget of time is spent."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from da.config.validate import Plan
from da.engine.result import directory_of
from da.errors import ConfigError
from da.results import record
from da.results.schema import NewerRecord
from da.results.scores import clock as shown_clock
from da.sweeps.job import Job, Outcome
from da.sweeps.launchers import Processes
from da.sweeps.pool import Pool
from da.sweeps.status import SweepStatus

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
SHARE, LEAST = 4, 60.0  # a run may take a quarter of the budget, and a minute in any case


def seconds_of(text: str) -> float:
    """Seconds of a budget such as ``90s``, ``10min`` or ``1.5h``.

    Raises:
        ConfigError: it is none, or not above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|min|h)", text)
    if found is None or float(found[1]) <= 0.0:
        raise ConfigError(f"budget={text} is no time; write a number above 0 and its unit, such as 90s, 10min or 1.5h.")
    return float(found[1]) * UNITS[found[2]]


class Budget:
    """Jobs that begin only while there is time left; ``left_over`` are those that did not.

    Args:
        jobs: in the order in which they begin; the first begins in any case.
        seconds: of the budget, counted from the first.
        clock: function that returns the time in seconds.
    """

    total: int | None = None

    def __init__(self, jobs: Sequence[Job], seconds: float, clock: Callable[[], float] = time.monotonic):
        self.left_over, self.seconds, self.clock = list(jobs), seconds, clock
        self.started: float | None = None

    def __iter__(self) -> Iterator[Job]:
        while self.left_over and self.left > 0.0:
            self.started = self.clock() if self.started is None else self.started
            yield self.left_over.pop(0)

    @property
    def left(self) -> float:
        """Seconds that are left, not below 0."""
        spent = 0.0 if self.started is None else self.clock() - self.started
        return max(0.0, self.seconds - spent)


class BudgetStatus(SweepStatus):
    """Progress within a budget, without scores on target labels.

    Args:
        output: the results folder.
        budget: the jobs.
        workers: number of simultaneous jobs.
        what: the command, for messages.
        line: one line on the outcome of a job.
    """

    def __init__(self, output: Path, budget: Budget, workers: int, what: str, line: Callable[[Job, Outcome], str]):
        super().__init__(output, None, workers, what)
        self.budget, self.line = budget, line

    @property
    def place(self) -> str:
        """Number of ended jobs and the time left."""
        return f"[{sum(self.counts.values())} done, {shown_clock(self.budget.left)} left]"

    def finished(self, job: Job, outcome: Outcome) -> str:
        """One line on a finished job."""
        return self.line(job, outcome)


def timeout_of(launcher: Processes, seconds: float) -> float:
    """Seconds a run may take: what the launcher says, else a quarter of the budget and a minute in any case.

    Args:
        launcher: whose ``timeout`` may be given.
        seconds: of the budget.
    """
    return launcher.timeout or max(LEAST, seconds / SHARE)


def with_timeout(plan: Plan, fingerprint: str, timeout: float) -> Plan:
    """A plan that says what its run may take, and that is run again where it took longer than a shorter time.

    Args:
        plan: of the run.
        fingerprint: of its data.
        timeout: seconds; its record will hold them.
    """
    launcher = {**plan.config["launcher"], "timeout": timeout}
    found = None
    with suppress(NewerRecord):  # the run itself refuses to run over it
        found = record.read(directory_of(plan, fingerprint))
    before = found.config.get("launcher", {}).get("timeout") if found is not None else None
    again = found is not None and found.error_kind == "timeout" and (before is None or before < timeout)
    return replace(plan, config={**plan.config, "launcher": launcher, **({"rerun": "failed"} if again else {})})


def run(budget: Budget, launcher: Processes, status: BudgetStatus, done: Callable[[Job, Outcome], None]) -> None:
    """Run jobs in processes of this machine while the budget lasts; each may take what :func:`timeout_of` says.

    Args:
        budget: the jobs.
        launcher: number of processes, their threads, memory, and seconds a run may take.
        status: is told of every job.
        done: called with every job as it ends.

    Raises:
        KeyboardInterrupt: it was interrupted, and has stopped.
    """
    timeout = timeout_of(launcher, budget.seconds)
    limit = "" if launcher.timeout else f"{timeout:g} seconds, its share of the budget; a larger one gives it more"
    pool = Pool(
        launcher.jobs, threads=launcher.threads, timeout=timeout, limit=limit, memory=launcher.memory, status=status
    )
    try:
        pool.run(budget, done)
    finally:
        status.close()
