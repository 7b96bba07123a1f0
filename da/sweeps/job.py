"""A run that a sweep asks for, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from da.config.titles import title
from da.config.validate import Plan
from da.results.record import Record


@dataclass(frozen=True)
class Job:
    """One validated configuration.

    Args:
        plan: what to run.
        watch: is asked after every evaluated epoch, with its number and the scores of all rules, whether to give up.
        tag: whatever the asker wants to find again.
        name: what the asker calls it; as on the command line by default.
    """

    plan: Plan
    watch: Callable[[int, dict[str, float | None]], bool] | None = None
    tag: Any = field(default=None, compare=False)
    name: str = ""

    @property
    def title(self) -> str:
        """How it is called in messages."""
        return self.name or title(self.plan)

    def bare(self, message: str) -> str:
        """What a message on the run says, without what it calls the run."""
        return message.removeprefix(f"{title(self.plan)}: ").removeprefix(f"{self.title}: ")


KINDS = {
    "finished": "finished",
    "skipped": "skipped",
    "stale": "skipped, made by other code; rerun=stale runs them again",
    "failed": "failed",
    "refused": "refused",
    "pruned": "pruned",
    "interrupted": "interrupted",
}
"""What may come of a job, and how that is said of several; what is skipped was finished before."""


def said(counts: Mapping[str, int]) -> str:
    """What came of jobs, in words: ``21 finished, 3 failed``."""
    parts = [f"{counts[kind]} {words}" for kind, words in KINDS.items() if counts.get(kind) and kind != "stale"]
    return ", ".join([*parts, *(f"{counts[kind]} {KINDS[kind]}" for kind in ("stale",) if counts.get(kind))])


def exit_code(counts: Mapping[str, int]) -> int:
    """0 where all is well, 1 where a run failed, 2 where one cannot be done as asked."""
    return 1 if counts.get("failed") else 2 if counts.get("refused") else 0


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Args:
        kind: one of :data:`KINDS`, or ``busy`` (somebody else is at it).
        message: the error, or nothing.
        trace: the traceback of what was refused, which has no record that would hold it.
        directory: the run's directory, where it is known.
        record: what it left, where it is finished.
        seconds: what it took.
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
    """Jobs to take one by one, and how many they are, where that is known."""

    total: int | None

    def __iter__(self) -> Iterator[Job]: ...


class Grid:
    """Jobs that are all known beforehand."""

    def __init__(self, jobs: Sequence[Job]):
        self.jobs = by_data(jobs)
        self.total: int | None = len(self.jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)


def by_data(jobs: Iterable[Job]) -> list[Job]:
    """Jobs in an order in which those on the same data follow each other, since a process keeps what it loaded."""
    listed = list(jobs)
    order: dict[str, int] = {}
    keys = [json.dumps([j.plan.config["data"], j.plan.config.get("features")], sort_keys=True) for j in listed]
    for key in keys:
        order.setdefault(key, len(order))
    return [job for _, job in sorted(zip(keys, listed, strict=True), key=lambda pair: order[pair[0]])]
