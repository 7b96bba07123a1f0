"""From records to tables: one way for a results folder and for published tables.

Records of a folder are grouped by what they were run on (:mod:`da.tables.task_runs`), and all tasks of a data set make
one table whose protocol is read off them. A published table has its protocol, and every cell of its plan finds
its record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from da.results import record
from da.results.record import Record, latest
from da.tables.cells import PlannedRun, planned_runs
from da.tables.notes import notes_of
from da.tables.spec import EvaluationProtocol, TableSpec
from da.tables.summary import CellResult, Summary, made_with, not_run, result_of, typed
from da.tables.task_runs import TaskRuns, grouped_by_task
from da.tables.wording import chosen_by

BASELINES = ("source_only", "unadapted")
Where = tuple[str, str, int]
"""A row, a task and a seed."""


@dataclass(frozen=True)
class TableResults:
    """A table: its protocol, its scores, and the runs that they come from.

    Args:
        spec: the protocol, and what was published.
        summary: the scores.
        runs: the records behind them, as far as they are at hand.
        tasks: of a results folder the runs by task, those that never came to a task included.
        benchmark: whether a published table was run again.
    """

    spec: TableSpec
    summary: Summary
    runs: Mapping[Where, Record]
    tasks: tuple[TaskRuns, ...] = ()
    benchmark: bool = False


def summarize(
    records: Iterable[Record],
    spec: TableSpec | None = None,
    *,
    planned: Sequence[PlannedRun] | None = None,
    rule: str | None = None,
    overrides: Sequence[str] = (),
) -> list[TableResults]:
    """Bring records into tables.

    Of several records of a cell the finished one counts, and of those the newest. In a folder, runs are averaged over
    seeds only where data and configuration are the same, and tasks whose target has no labels make a table of their
    own.

    Args:
        records: as :func:`da.results.store.load` gives them.
        spec: a published table; None makes tables of the data sets among the records.
        planned: cells of the published table, where not all of its plan is asked for.
        rule: in a folder the selection rule reported first; None is the configured one, or ``last`` where runs
            disagree.
        overrides: what was typed beside the published table.

    Returns:
        The published table alone, or the tables of the folder, those on which something finished first.
    """
    if spec is not None:
        return [_of_plan(latest(records), spec, planned_runs(spec.protocol) if planned is None else planned, overrides)]
    groups: dict[tuple[str, bool], list[TaskRuns]] = {}
    for task in grouped_by_task(list(records), rule):  # what only failed comes last, and joins what finished
        data = task.protocol.data
        joins_unlabelled = not task.finished and (data, False) not in groups and (data, True) in groups
        groups.setdefault((data, task.is_unlabelled or joins_unlabelled), []).append(task)
    return [_of_folder(data, _distinct(group)) for (data, _), group in groups.items()]


# --- a published table


def key(config: Mapping[str, Any]) -> str:
    """What tells a cell's configuration from another's, whatever the content of its data."""
    return record.run_id(dict(config), "")


def _of_plan(
    records: Sequence[Record], spec: TableSpec, planned: Sequence[PlannedRun], overrides: Sequence[str]
) -> TableResults:
    by_key = {key(r.config): r for r in records}
    results: list[CellResult] = []
    runs: dict[Where, Record] = {}
    for cell in planned:
        r = None if cell.plan is None else _first(by_key, cell.plan.config, (cell.seed, *cell.others))
        where = cell.row, cell.task, cell.seed
        if r is not None:
            runs[where] = r
        results.append(not_run(cell) if r is None else result_of(*where, r, spec.protocol.selection))
    used = list(runs.values())
    metric = next((r.metric for r in used if r.metric), "accuracy")
    summary = Summary(spec.protocol.name, tuple(results), metric, made_with(used), tuple(typed(overrides)))
    return TableResults(spec, summary, runs, benchmark=True)


def _first(by_key: Mapping[str, Record], config: Mapping[str, Any], seeds: Sequence[int]) -> Record | None:
    """The record of a configuration under the first of the seeds that has one."""
    return next((by_key[k] for seed in seeds if (k := key({**config, "seed": seed})) in by_key), None)


# --- a results folder


def _distinct(tasks: Sequence[TaskRuns]) -> list[TaskRuns]:
    """Tasks of one data set, under names that tell those of one name and other content apart."""
    names = Counter(task.name for task in tasks)
    return [
        task if names[task.name] == 1 else replace(task, name=f"{task.name} ({task.protocol.fingerprint[:8]})")
        for task in tasks
    ]


def _of_folder(data: str, tasks: Sequence[TaskRuns]) -> TableResults:
    reported = [task for task in tasks if task.finished] or list(tasks)  # the others failed before they had a task
    rule = reported[0].rule
    unlabelled = any(task.is_unlabelled for task in reported)
    runs = {(label, task.name, r.seed): r for task in reported for label, row in task.rows.items() for r in row}
    results = tuple(result_of(*where, r, rule) for where, r in runs.items())
    protocol = EvaluationProtocol(
        name=data,
        title=f"data={data}{', target without labels' if unlabelled else ''}",
        description=_description(reported),
        tasks={task.name: () for task in reported},
        selection=rule,
        baseline=_baseline(reported),
        notes=tuple(dict.fromkeys(note for task in reported for note in notes_of(task))),
    )
    summary = Summary(data, results, reported[0].metrics[0], made_with(list(runs.values())))
    return TableResults(TableSpec(protocol), summary, runs, tuple(tasks))


def _description(tasks: Sequence[TaskRuns]) -> str:
    """What the scores of several tasks are scores of."""
    transductive = {task.protocol.transductive for task in tasks}
    split = (
        "the target's training inputs themselves: transductive" if True in transductive else "held out from training"
    )
    split = "transductive in some tasks, held out from training in others" if len(transductive) > 1 else split
    sizes = sorted({task.samples for task in tasks if task.samples is not None})
    samples = f" of {sizes[0]}{f' to {sizes[-1]}' if len(sizes) > 1 else ''} samples" if sizes else ""
    if any(task.is_unlabelled for task in tasks):
        return f"The target test split{samples} ({split}) has no labels: nothing here is an accuracy on it."
    return (
        f"{' and '.join(tasks[0].metrics)} in % on the target test split{samples} ({split}), mean ± sample standard "
        f"deviation over seeds; {chosen_by(tasks[0].rule)}."
    )


def _baseline(tasks: Sequence[TaskRuns]) -> str:
    """The label of the method that adapts nothing; empty where none is or it has several configurations."""
    for method in BASELINES:
        labels = {label for task in tasks for label, runs in task.rows.items() if runs[0].method == method}
        if len(labels) == 1:
            return labels.pop()
    return ""
