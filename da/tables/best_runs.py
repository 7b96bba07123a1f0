"""The best method of each task: its score, where its best run lies, and the command that repeats that run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from da.config import catalog, repeat
from da.errors import ConfigError, few
from da.results.record import Record
from da.results.scores import deviation, falling, mean, shown
from da.setting import ALL
from da.tables.label_free import comparing_rules
from da.tables.paired import interval_text, t_interval
from da.tables.summarize import TableResults
from da.tables.task_runs import TaskRuns
from da.tables.wording import chosen_by


def best_runs(results: Sequence[TableResults]) -> list[str]:
    """One line for each task, under the selection rule of its table.

    Methods are ranked by the main metric on the target test split in the epoch that the rule chose, as a mean over
    seeds; without target labels by a label-free rule's own score: the table's, or where that compares no methods
    (``last``, an oracle) the one with the least regret on our tables. What was trained on all target labels is no
    candidate.

    Args:
        results: of a folder, as :func:`da.tables.summarize.summarize` gives them.
    """
    tasks = sorted((t for table in results for t in table.tasks if t.finished), key=lambda task: task.protocol)
    return [_line(task) for task in tasks]


def _line(task: TaskRuns) -> str:
    split = "transductive" if task.protocol.transductive else "held-out target samples"
    where = f"{task.name} (data={task.protocol.data}, {split})"
    labelled = any(r.target_test for r in task.finished)
    rule = task.rule if labelled else next(iter(comparing_rules(task.finished, task.rule)), "")
    if not rule:
        return f"{where}: no target labels, and no rule that does without them scored a run, so none is best."

    def value(r: Record) -> float | None:
        if labelled:
            return None if r.main(rule) != r.main(rule) else r.main(rule)
        return r.selection[rule].score if rule in r.selection else None

    best = _best(task, value)
    if best is None:
        return f"{where}: no run of a method without all target labels has a figure under {chosen_by(rule)}."
    labels, values, run = best
    metric = task.metrics[0] if labelled else f"{rule} score, without target labels"
    highest = "highest" if not labelled else "best"  # a score is no accuracy
    return (
        f"{where}: {few(labels)}, {metric} {_score(values, 1 if labelled else 4)} ({_runs(len(values))}, "
        f"{chosen_by(rule)}); {highest} run {run.directory}; again: {_command(run, rule)}"
    )


def _best(task: TaskRuns, value: Callable[[Record], float | None]) -> tuple[list[str], list[float], Record] | None:
    """The rows with the highest mean, which are several in a tie; of the first the values and the highest run."""
    found = []
    for label, runs in task.rows.items():
        scored = [(v, r) for r in runs if r.is_finished and (v := value(r)) is not None]
        if scored and not _is_bound(scored[0][1]):
            found.append((label, [v for v, _ in scored], max(scored, key=lambda pair: pair[0])[1]))
    found.sort(key=lambda row: (*falling(mean(row[1])), row[0]))
    if not found:
        return None
    _, values, run = found[0]
    return [label for label, own, _ in found if falling(mean(own)) == falling(mean(values))], values, run


def _is_bound(r: Record) -> bool:
    """Whether a run was trained on all labels of the target."""
    entry = catalog.entries("method").get(r.method)
    return entry is not None and entry.access.target_y == ALL


def _score(values: Sequence[float], places: int) -> str:
    """``mean ± deviation [interval]``, as far as there are seeds for them."""
    spread, interval = deviation(values), t_interval(values)
    text = shown(mean(values), places) + ("" if spread is None else f" ± {shown(spread, places)}")
    return text if interval is None else f"{text} {interval_text(interval, places)}"


def _runs(n: int) -> str:
    return f"{n} run{'s' * (n != 1)}"


def _command(r: Record, rule: str) -> str:
    """The command that repeats a run, or why there is none."""
    try:
        return repeat.command(r.config | {"selection": rule})
    except ConfigError as error:
        return f"not possible ({error})"
