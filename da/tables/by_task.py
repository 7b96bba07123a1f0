"""One table for all tasks of a data set: methods down, tasks across, and their mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from da.results.scores import falling, mean, shown
from da.tables import render
from da.tables.task_table import TaskRow, TaskTable
from da.tables.wording import ABSENT, ORACLE, chosen_by
from da.tables.writer import Sheet, listed


def by_task(tables: Sequence[TaskTable]) -> str:
    """Markdown, one table for each data entry; the best score of a column is bold.

    A method's mean is shown only where it has a score on every task; rows are ordered by it, the best first. The
    selection rule is that of the tables; what an oracle selects has no place here. Tasks whose target has no labels
    follow one by one.
    """
    groups: dict[str, list[TaskTable]] = {}
    for table in tables:
        if table.label_free is None:
            groups.setdefault(table.protocol.data, []).append(table)
    unlabelled = [table for table in tables if table.label_free is not None]
    return "\n".join([*(_markdown(data, group) for data, group in groups.items()), *map(_each, unlabelled)])


def _each(table: TaskTable) -> str:
    return render.markdown([table])


def _markdown(data: str, tables: list[TaskTable]) -> str:
    rows: dict[str, dict[int, TaskRow]] = {row.label: {} for table in tables for row in table.rows}
    for k, table in enumerate(tables):
        for row in table.rows:
            rows[row.label][k] = row
    scores = {label: [_score(tables[k], cells.get(k)) for k in range(len(tables))] for label, cells in rows.items()}
    lines = {label: [*line, mean(line)] for label, line in scores.items()}
    order = sorted(lines, key=lambda label: (*falling(lines[label][-1]), label))
    best = [
        max((line[k] for line in lines.values() if not math.isnan(line[k])), default=math.nan)
        for k in range(len(tables) + 1)
    ]
    rules = "/".join(chosen_by(rule) for rule in sorted({table.rule for table in tables}))
    transductive = "transductive" if all(t.protocol.transductive for t in tables) else "on held-out target samples"
    body = []
    for label in order:
        bounds = [table.rule.startswith(ORACLE) for table in tables]
        bounds.append(any(bounds))
        cells = [_shown(value, value == best[k], bounds[k], rows[label].get(k)) for k, value in enumerate(lines[label])]
        seconds = [row.seconds for row in rows[label].values() if row.seconds is not None]
        body.append([label, *cells, shown(mean(seconds), 2) if seconds else ABSENT])
    text = [
        f"### data={data}\n",
        f"{tables[0].metrics[0]} in % ({transductive}), mean over seeds, {rules}; best of a column "
        "in bold, seconds of training and evaluation of a run on average.\n",
        Sheet(["method", *(t.protocol.task for t in tables), "mean", "seconds"], body).markdown(),
    ]
    notes = sorted({note for table in tables for note in table.notes})
    failures = [
        f"Failed: {label} on {tables[k].protocol.task}, {row.errors[0]}"
        for label in order
        for k, row in rows[label].items()
        if row.errors
    ]
    remarks = listed([*notes, *failures])
    return "\n".join([*text, *(["", remarks] if remarks else []), ""])


def _score(table: TaskTable, row: TaskRow | None) -> float:
    return math.nan if row is None else row.cell(table.main).mean


def _shown(value: float, is_best: bool, bound: bool, row: TaskRow | None) -> str:
    """A score; the best is bold, and what an oracle chose is in italics."""
    if math.isnan(value):
        return "failed" if row is not None and row.errors else ABSENT
    text = f"*{shown(value, 2)}*" if bound else shown(value, 2)
    return f"**{text}**" if is_best else text
