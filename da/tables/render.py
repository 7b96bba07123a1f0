"""Tables as Markdown, and as aligned text for a console."""

from __future__ import annotations

import re
import textwrap

from da.results.figures import shown
from da.tables.records import ORACLE, Cell, Column, Row, Table

ABSENT = "-"
ACROSS = 6  # methods beside each other where rules stand below each other


def title(table: Table) -> str:
    """What the figures of a table are figures of."""
    data, task, _, fingerprint = table.protocol
    return f"{task} (data={data}{f', content {fingerprint[:8]}' if fingerprint else ''})"


def caption(table: Table) -> str:
    """How to read a table."""
    split = "its own training inputs: transductive" if table.protocol.transductive else "held out from training"
    samples = "" if table.samples is None else f" of {table.samples} samples"
    bound = f" {ORACLE}* reads the target test labels and is a bound, not a result."
    oracle = bound if table.columns(oracle=True) else ""
    return (
        f"{' and '.join(table.metrics)} in % on the target test split{samples} ({split}), mean ± sample standard "
        f"deviation over seeds; named after the rule that selects the epoch.{oracle}"
    )


def markdown(tables: list[Table]) -> str:
    """Tables in Markdown; what an oracle selected is in italics, in the last columns."""
    return "\n".join(_markdown(table) for table in tables)


def _markdown(table: Table) -> str:
    head, *body = _grid(table, table.columns(oracle=False))
    apart = len(table.columns(oracle=True))

    def line(cells: list[str]) -> str:
        escaped = [cell.replace("|", "\\|") for cell in cells]
        split = len(escaped) - apart
        return f"| {' | '.join([*escaped[:split], *(f'*{cell}*' for cell in escaped[split:])])} |"

    rule = f"| --- |{' ---: |' * (len(head) - 1)}"
    parts = [f"### {title(table)}\n", caption(table) + "\n", line(head), rule, *map(line, body)]
    remarks = [f"- {remark}" for remark in _remarks(table)]
    return "\n".join([*parts, *([""] if remarks else []), *remarks, ""])


def text(tables: list[Table]) -> str:
    """Tables as aligned text: the chosen rule first, the other rules below; an oracle stands behind a bar."""
    return "\n".join(_text(table) for table in tables)


def _text(table: Table) -> str:
    plain = [column for column in table.columns(oracle=False) if column[0] == table.rule]
    lines = [title(table), *_aligned(*_grid(table, plain), apart=len(table.columns(oracle=True)))]
    rules = [column for column in table.columns(oracle=False) if column[0] != table.rule]
    for start in range(0, len(table.rows) if rules else 0, ACROSS):
        rows = table.rows[start : start + ACROSS]
        grid = [["selected by", *(row.label for row in rows)]]
        grid += [[rule, *(figure(row.cell((rule, metric)), row.finished) for row in rows)] for rule, metric in rules]
        lines += ["", *_aligned(*grid)]
    width = max(80, *map(len, lines))
    prose = [line for remark in (caption(table), *_remarks(table)) for line in textwrap.wrap(remark, min(width, 110))]
    return "\n".join([*lines, *prose, ""])


def _aligned(head: list[str], *body: list[str], apart: int = 0) -> list[str]:
    """Lines in columns, long names broken at underscores; the last ``apart`` columns stand behind a bar."""
    pieces = [[head[0]], *(re.findall(r"[^_ ]+_?", name) for name in head[1:])]
    height = max(map(len, pieces))
    lines = [list(line) for line in zip(*([""] * (height - len(p)) + p for p in pieces), strict=True)] + list(body)
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]

    def joined(cells: list[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        split = len(padded) - apart
        return ("  ".join(padded[:split]) + (f"  |  {'  '.join(padded[split:])}" if apart else "")).rstrip()

    rows = [joined(line) for line in lines]
    return [*rows[:height], "-" * max(map(len, rows)), *rows[height:]]


def _grid(table: Table, plain: list[Column]) -> list[list[str]]:
    """Head and rows: figures of these columns, runs, seconds, and what an oracle selected."""
    oracle = table.columns(oracle=True)

    def name(column: Column) -> str:
        rule, metric = column
        return f"{metric} ({rule})" if rule == table.rule else rule

    def cells(row: Row, columns: list[Column]) -> list[str]:
        return [figure(row.cell(column), row.finished) for column in columns]

    grid = [["method", *map(name, plain), "runs", "seconds", *map(name, oracle)]]
    for row in table.rows:
        runs = f"{row.finished}, {len(row.errors)} failed" if row.errors else str(row.finished)
        seconds = ABSENT if row.seconds is None else f"{row.seconds:.1f}"
        grid.append([row.label, *cells(row, plain), runs, seconds, *cells(row, oracle)])
    return grid


def figure(cell: Cell, runs: int) -> str:
    """``mean ± std`` of a cell; with the number of values where it is not the number of runs."""
    if not cell.values:
        return ABSENT
    spread = "" if cell.std is None else f" ± {shown(cell.std, 1)}"
    fewer = f" (n={len(cell.values)})" if len(cell.values) != runs else ""
    return f"{shown(cell.mean, 1)}{spread}{fewer}"


def _remarks(table: Table) -> list[str]:
    return [*table.notes, *(f"Failed: {row.label}, {error}" for row in table.rows for error in row.errors)]
