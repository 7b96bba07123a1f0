"""Tables of single tasks as Markdown, and as aligned text for a console."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

from da.results.scores import SeedScores, shown
from da.tables import label_free_text
from da.tables.leaderboard import replicated
from da.tables.task_table import Column, TaskRow, TaskTable
from da.tables.wording import ABSENT, ORACLE
from da.tables.writer import Sheet, listed

ACROSS = 6  # methods beside each other where rules stand below each other


def table_title(table: TaskTable) -> str:
    """What the scores of a table are scores of."""
    data, task, _, fingerprint = table.protocol
    return f"{task} (data={data}{f', content {fingerprint[:8]}' if fingerprint else ''})"


def caption(table: TaskTable) -> str:
    """How to read a table."""
    split = "its own training inputs: transductive" if table.protocol.transductive else "held out from training"
    samples = "" if table.samples is None else f" of {table.samples} samples"
    bound = f" {ORACLE}* reads the target test labels and is a bound, not a result."
    oracle = bound if table.columns(oracle=True) else ""
    return (
        f"{' and '.join(table.metrics)} in % on the target test split{samples} ({split}), mean ± sample standard "
        f"deviation over seeds; named after the rule that selects the epoch.{oracle}{_paired(table)}"
    )


def _paired(table: TaskTable) -> str:
    """How to read the column of differences, where there is one."""
    if not replicated([row.difference for row in table.rows]):
        return ""
    return (
        f" to {table.baseline}: difference paired over seeds, with its 95 % interval (Student's t) from three pairs "
        "on; seeds of one task say nothing of other tasks."
    )


def markdown(tables: list[TaskTable]) -> str:
    """Tables in Markdown; what an oracle selected is in italics, in the last columns."""
    return "\n".join(_markdown(table) for table in tables)


def _markdown(table: TaskTable) -> str:
    if table.label_free is not None:
        return label_free_text.markdown(table_title(table), table.label_free)
    sheet = _sheet(table, table.columns(oracle=False))
    split = len(sheet.head) - sheet.apart

    def slanted(cells: Sequence[str]) -> list[str]:
        return [*cells[:split], *(f"*{cell}*" for cell in cells[split:])]

    sheet = replace(sheet, head=slanted(sheet.head), body=[slanted(cells) for cells in sheet.body])
    remarks = listed(_remarks(table))
    parts = [f"### {table_title(table)}\n", caption(table) + "\n", sheet.markdown()]
    return "\n".join([*parts, *(["", remarks] if remarks else []), ""])


def text(tables: list[TaskTable]) -> str:
    """Tables as aligned text: the chosen rule first, the other rules below; an oracle stands behind a bar."""
    return "\n".join(_text(table) for table in tables)


def _text(table: TaskTable) -> str:
    if table.label_free is not None:
        return label_free_text.text(table_title(table), table.label_free)
    plain = [column for column in table.columns(oracle=False) if column[0] == table.rule]
    lines = [table_title(table), *_sheet(table, plain).text().splitlines()]
    rules = [column for column in table.columns(oracle=False) if column[0] != table.rule]
    for start in range(0, len(table.rows) if rules else 0, ACROSS):
        rows = table.rows[start : start + ACROSS]
        body = [[rule, *(score_text(row.cell((rule, metric)), row.finished) for row in rows)] for rule, metric in rules]
        lines += ["", *Sheet(["selected by", *(row.label for row in rows)], body).text().splitlines()]
    width = max(80, *map(len, lines))
    prose = [line for remark in (caption(table), *_remarks(table)) for line in textwrap.wrap(remark, min(width, 110))]
    return "\n".join([*lines, *prose, ""])


def _sheet(table: TaskTable, plain: list[Column]) -> Sheet:
    """Scores of these columns, runs, seconds, and apart from them what an oracle selected."""
    oracle = table.columns(oracle=True)

    def name(column: Column) -> str:
        rule, metric = column
        return f"{metric} ({rule})" if rule == table.rule else rule

    def cells(row: TaskRow, columns: list[Column]) -> list[str]:
        return [score_text(row.cell(column), row.finished) for column in columns]

    compared = replicated([row.difference for row in table.rows])
    body = []
    for row in table.rows:
        beside = [ABSENT if row.difference is None else row.difference.text()] if compared else []
        runs = f"{row.finished}, {len(row.errors)} failed" if row.errors else str(row.finished)
        seconds = ABSENT if row.seconds is None else f"{row.seconds:.1f}"
        body.append([row.label, *cells(row, plain), *beside, runs, seconds, *cells(row, oracle)])
    beside = [f"to {table.baseline}"] if compared else []
    head = ["method", *map(name, plain), *beside, "runs", "seconds", *map(name, oracle)]
    return Sheet(head, body, apart=len(oracle))


def score_text(cell: SeedScores, runs: int) -> str:
    """``mean ± std`` of a cell; with the number of values where it is not the number of runs."""
    if not cell.values:
        return ABSENT
    spread = "" if cell.std is None else f" ± {shown(cell.std, 1)}"
    fewer = f" (n={len(cell.values)})" if len(cell.values) != runs else ""
    return f"{shown(cell.mean, 1)}{spread}{fewer}"


def _remarks(table: TaskTable) -> list[str]:
    return [*table.notes, *(f"Failed: {row.label}, {error}" for row in table.rows for error in row.errors)]
