"""What a reader must know before comparing the rows of a task."""

from __future__ import annotations

from da.engine.result import made_by_other_code
from da.engine.warned import alike
from da.results.store import settings
from da.tables.task_runs import TaskRuns, differing


def notes_of(task: TaskRuns) -> list[str]:
    """Keys in which the rows differ, rows that other code made, and what records warn of; in sentences."""
    return [*_unequal(task), *_stale(task), *_warnings(task)]


def _unequal(task: TaskRuns) -> list[str]:
    configurations = [settings(runs[0]) for runs in task.rows.values()]
    unequal = [key for key in differing(configurations) if key.partition(".")[0] != "method"]
    return [f"Not the same in all rows: {', '.join(unequal)}."] if unequal else []


def _stale(task: TaskRuns) -> list[str]:
    stale = [label for label, runs in task.rows.items() if any(r.is_finished and made_by_other_code(r) for r in runs)]
    listed = ", ".join(sorted(stale))
    return [f"Made by other code than the present, rerun=stale runs them again: {listed}."] if stale else []


def _warnings(task: TaskRuns) -> list[str]:
    """What records warn of, a sentence for all that differ in numbers alone, and the rows that it is said of."""
    found: dict[str, tuple[str, dict[str, int]]] = {}
    for label, runs in task.rows.items():
        for note in (note for r in runs for note in r.notes):
            _, counts = found.setdefault(alike(note), (note, {}))
            counts[label] = counts.get(label, 0) + 1
    return [
        f"Warning of {', '.join(f'{label} ({n})' if n > 1 else label for label, n in sorted(counts.items()))}: {note}"
        for note, counts in found.values()
    ]
