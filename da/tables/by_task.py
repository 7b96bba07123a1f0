"""One table for all tasks of a data set: methods down, tasks across, and their mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from da.results.figures import falling, mean, shown
from da.tables.records import Row, Table, chosen_by
from da.tables.render import ABSENT

BAR = "\\|"
"""A bar that ends no cell."""


def by_task(tables: Sequence[Table]) -> str:
    """Markdown, one table for each data entry; the best figure of a column is bold.

    A method's mean is shown only where it has a figure on every task; rows are ordered by it, the best first. The
    selection rule is that of the tables; what an oracle selects has no place here.
    """
    groups: dict[str, list[Table]] = {}
    for table in tables:
        groups.setdefault(table.protocol.data, []).append(table)
    return "\n".join(_markdown(data, group) for data, group in groups.items())


def _markdown(data: str, tables: list[Table]) -> str:
    rows: dict[str, dict[int, Row]] = {row.label: {} for table in tables for row in table.rows}
    for k, table in enumerate(tables):
        for row in table.rows:
            rows[row.label][k] = row
    figures = {label: [_figure(tables[k], cells.get(k)) for k in range(len(tables))] for label, cells in rows.items()}
    lines = {label: [*line, mean(line)] for label, line in figures.items()}
    order = sorted(lines, key=lambda label: (*falling(lines[label][-1]), label))
    best = [
        max((line[k] for line in lines.values() if not math.isnan(line[k])), default=math.nan)
        for k in range(len(tables) + 1)
    ]
    rules = "/".join(chosen_by(rule) for rule in sorted({table.rule for table in tables}))
    transductive = "transductive" if all(t.protocol.transductive for t in tables) else "on held-out target samples"
    head = ["method", *(t.protocol.task.replace("|", BAR) for t in tables), "mean", "seconds"]
    text = [
        f"### data={data}\n",
        f"{tables[0].metrics[0]} in % ({transductive}), mean over seeds, {rules}; best of a column "
        "in bold, seconds of training and evaluation of a run on average.\n",
        f"| {' | '.join(head)} |",
        f"| --- |{' ---: |' * (len(head) - 1)}",
    ]
    for label in order:
        cells = [_shown(value, value == best[k], rows[label].get(k)) for k, value in enumerate(lines[label])]
        seconds = [row.seconds for row in rows[label].values() if row.seconds is not None]
        text.append(
            f"| {' | '.join([label.replace('|', BAR), *cells, shown(mean(seconds), 2) if seconds else ABSENT])} |"
        )
    notes = sorted({note for table in tables for note in table.notes})
    failures = [
        f"Failed: {label} on {tables[k].protocol.task}, {row.errors[0]}"
        for label in order
        for k, row in rows[label].items()
        if row.errors
    ]
    remarks = [f"- {remark}" for remark in (*notes, *failures)]
    return "\n".join([*text, *([""] if remarks else []), *remarks, ""])


def _figure(table: Table, row: Row | None) -> float:
    return math.nan if row is None else row.cell(table.main).mean


def _shown(value: float, is_best: bool, row: Row | None) -> str:
    if math.isnan(value):
        return "failed" if row is not None and row.errors else ABSENT
    return f"**{shown(value, 2)}**" if is_best else shown(value, 2)
