"""Jobs of a sweep and their outcomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from da.config.titles import run_title
from da.config.validate import Plan
from da.results.record import Record


@dataclass(frozen=True)
class Job:
    """One validated configuration.

    Args:
        plan: the run.
        watch: called after every evaluated epoch with its number and the scores of all rules; True prunes the run.
        tag: any object of the caller to identify the job.
        name: title of the job; in the form of the command line by default.
    """

    plan: Plan
    watch: Callable[[int, dict[str, float | None]], bool] | None = None
    tag: Any = field(default=None, compare=False)
    name: str = ""

    @property
    def title(self) -> str:
        """Title of the job in messages."""
        return self.name or run_title(self.plan)

    def bare(self, message: str) -> str:
        """A message on the run without the run's title."""
        return message.removeprefix(f"{run_title(self.plan)}: ").removeprefix(f"{self.title}: ")


KINDS = {
    "finished": "finished",
    "skipped": "skipped",
    "stale": "skipped, made by other code; rerun=stale runs them again",
    "failed": "failed",
    "refused": "refused",
    "pruned": "pruned",
    "interrupted": "interrupted",
}
"""Kinds of outcomes, with their text for several jobs; a skipped run had finished before."""


def said(counts: Mapping[str, int]) -> str:
    """Counts of outcomes as text: ``21 finished, 3 failed``."""
    parts = [f"{counts[kind]} {words}" for kind, words in KINDS.items() if counts.get(kind) and kind != "stale"]
    return ", ".join([*parts, *(f"{counts[kind]} {KINDS[kind]}" for kind in ("stale",) if counts.get(kind))])


def exit_code(counts: Mapping[str, int]) -> int:
    """Exit code: 0 if all runs succeeded, 1 if a run failed, 2 if one was refused."""
    return 1 if counts.get("failed") else 2 if counts.get("refused") else 0


@dataclass(frozen=True)
class Outcome:
    """Outcome of a job.

    Args:
        kind: one of :data:`KINDS`, or ``busy`` (another process runs it).
        message: the error, or empty.
        trace: the traceback of a refused run, which has no record.
        directory: the run's directory, if known.
        record: the content of its record, if it finished.
        seconds: duration.
    """

    kind: str
    message: str = ""
    directory: str = ""
    record: Record | None = None
    seconds: float = 0.0
    trace: str = ""


Done = Callable[[Job, Outcome], None]


def ignore(job: Job, outcome: Outcome) -> None:
    """Do nothing with what came of a job."""


class Source(Protocol):
    """An iterable of jobs, with their number if it is known."""

    total: int | None

    def __iter__(self) -> Iterator[Job]: ...


class Grid:
    """Jobs that are all known in advance."""

    def __init__(self, jobs: Sequence[Job]):
        self.jobs = by_data(jobs)
        self.total: int | None = len(self.jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)


def by_data(jobs: Iterable[Job]) -> list[Job]:
    """Order jobs such that those on the same data are consecutive, as a process caches the data."""
    listed = list(jobs)
    order: dict[str, int] = {}
    keys = [json.dumps([j.plan.config["data"], j.plan.config.get("features")], sort_keys=True) for j in listed]
    for key in keys:
        order.setdefault(key, len(order))
    return [job for _, job in sorted(zip(keys, listed, strict=True), key=lambda pair: order[pair[0]])]
