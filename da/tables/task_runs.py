"""The runs of a results folder, grouped by what they were run on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from da.results.record import Record, latest
from da.results.scores import DIGITS, brief, digits_apart
from da.results.store import SharedProtocol, protocols, settings
from da.tables.label_free import is_unlabelled


@dataclass(frozen=True)
class TaskRuns:
    """The runs on one task, of which any two may stand in one table.

    Args:
        protocol: what all share.
        name: of the task, as columns are called.
        rule: the selection rule reported first.
        rows: by label, the runs of one method under one configuration: one a seed, in their order.
    """

    protocol: SharedProtocol
    name: str
    rule: str
    rows: Mapping[str, tuple[Record, ...]]

    @property
    def finished(self) -> list[Record]:
        """All that have scores."""
        return [r for runs in self.rows.values() for r in runs if r.is_finished]

    @property
    def is_unlabelled(self) -> bool:
        """Whether the target has no labels: some run finished, and none could be scored."""
        return is_unlabelled(self.finished)

    @property
    def samples(self) -> int | None:
        """Size of the target's test split; None if no run finished."""
        task = next((r.task for r in self.finished), None)
        return task.test_samples if task else None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, the main one first."""
        return tuple(dict.fromkeys(metric for r in self.finished for metric in r.target_test)) or ("accuracy",)


def grouped_by_task(records: Sequence[Record], rule: str | None = None) -> list[TaskRuns]:
    """The runs by task; what only failed comes last.

    Runs are averaged over seeds only where data and configuration are the same. Of several records of one run that
    counts which :func:`da.results.record.latest` puts last.

    Args:
        records: as :func:`da.results.store.load` gives them.
        rule: the selection rule reported first; None is the configured one, or ``last`` where runs disagree.
    """
    groups: dict[SharedProtocol, list[Record]] = {}
    for r, protocol in zip(records, protocols(records), strict=True):
        groups.setdefault(protocol, []).append(r)
    digits = _digits(records)  # of all tasks, so that one configuration has one label and no other has it
    tasks = [_task(protocol, groups[protocol], rule, digits) for protocol in sorted(groups)]
    return sorted(tasks, key=lambda task: not task.finished)


def _digits(records: Iterable[Record]) -> dict[str, int]:
    """By key, how many digits its values need so that no two of them look the same."""
    values: dict[str, set[float]] = {}
    for r in records:
        for key, value in settings(r).items():
            if isinstance(value, float):
                values.setdefault(key, set()).add(value)
    return {key: digits_apart(found) for key, found in values.items()}


def _task(protocol: SharedProtocol, records: Sequence[Record], rule: str | None, digits: Mapping[str, int]) -> TaskRuns:
    runs: dict[tuple[str, frozenset[tuple[str, Any]]], dict[int, Record]] = {}
    for r in latest(records):
        runs.setdefault((r.method, frozenset(settings(r).items())), {})[r.seed] = r
    configured = {str(r.config.get("selection", "last")) for row in runs.values() for r in row.values()}
    rule = rule or (configured.pop() if len(configured) == 1 else "last")
    configurations: dict[str, list[dict[str, Any]]] = {}
    for method, chosen in runs:
        configurations.setdefault(method, []).append(dict(chosen))
    rows = {
        _label(method, dict(chosen), differing(configurations[method]), digits): tuple(
            row[seed] for seed in sorted(row)
        )
        for (method, chosen), row in runs.items()
    }
    return TaskRuns(protocol, protocol.task, rule, rows)


def differing(configurations: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys that flat configurations do not share, in alphabetical order; a missing key differs from any value."""
    given = list(configurations)
    keys = sorted({key for c in given for key in c})
    return [key for key in keys if len({(key in c, c.get(key)) for c in given}) > 1]


def _label(method: str, configuration: Mapping[str, Any], keys: Sequence[str], digits: Mapping[str, int]) -> str:
    """A method, and the keys in which its configurations differ, their numbers with as many digits as tell apart."""
    own = ", ".join(
        f"{key}={brief(configuration[key], digits.get(key, DIGITS))}" for key in keys if key in configuration
    )
    return f"{method} ({own})" if own else method
