"""Tables for papers and for other programs: LaTeX, CSV and Parquet."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.errors import UsageError
from da.files import write_atomically
from da.results import frame
from da.results.scores import shown
from da.tables import leaderboard
from da.tables import markdown as render
from da.tables.critical_difference import critical_difference
from da.tables.spec import MEAN, TableSpec
from da.tables.summary import Summary
from da.tables.wording import chosen_by
from da.tables.writer import Sheet, escape

if TYPE_CHECKING:
    from pandas import DataFrame


def export(spec: TableSpec, summary: Summary, file: Path) -> Path:
    """Write a table in the format that the file's suffix names: ``.md``, ``.tex``, ``.csv`` or ``.parquet``.

    Raises:
        UsageError: another suffix, or a package is missing.
    """
    if file.suffix == ".parquet":
        return frame.write(entries(spec, summary), file)
    views: dict[str, Callable[[TableSpec, Summary], str]] = {".md": render.markdown, ".tex": latex, ".csv": csv}
    if file.suffix not in views:
        raise UsageError(f"{file} has the suffix '{file.suffix}'; tables are written as .md, .tex, .csv or .parquet.")
    return write_atomically(file, views[file.suffix](spec, summary).encode())


def diagram(spec: TableSpec, summary: Summary, file: Path) -> Path | None:
    """Draw the critical-difference diagram of a table; None where its tasks or rows are too few.

    Raises:
        UsageError: matplotlib is missing.
    """
    ranking = leaderboard.ranked(spec, summary)
    return None if ranking is None else critical_difference(ranking, file)


def entries(spec: TableSpec, summary: Summary) -> DataFrame:
    """A row for each run: ``row``, ``task``, ``seed``, ``status``, ``figure.RULE``, ``paper``, ``seconds``, ``reason``.

    Raises:
        UsageError: pandas is missing.
    """
    pandas = frame.pandas()
    return pandas.DataFrame(_rows(spec, summary))


def csv(spec: TableSpec, summary: Summary) -> str:
    """The same rows as comma-separated values, which need no pandas; what is not known is empty."""
    rows = _rows(spec, summary)
    body = [["" if value is None or value != value else str(value) for value in row.values()] for row in rows]
    head = list(rows[0]) if rows else []
    words = [k for k, name in enumerate(head) if name in WORDS]
    return Sheet(head, body, words).csv()


WORDS = ("table", "row", "task", "status", "reason")
"""Columns that hold words, as which a spreadsheet would run what begins like a formula."""


def _rows(spec: TableSpec, summary: Summary) -> list[dict[str, Any]]:
    rules = summary.rules()
    rows = []
    for entry in summary.entries:
        published = spec.published.score(entry.row, entry.task)
        own = {"table": spec.protocol.name, "row": entry.row, "task": entry.task, "seed": entry.seed}
        scores = {f"figure.{rule}": entry.scores.get(rule, math.nan) for rule in rules}
        paper = math.nan if published is None else published[0].value
        beside = {"paper": paper, "seconds": entry.seconds, "reason": entry.reason}
        rows.append(own | {"status": entry.status} | scores | beside)
    return rows


def latex(spec: TableSpec, summary: Summary) -> str:
    r"""A ``table`` with booktabs rules: methods down, tasks across and their mean; best bold, second underlined.

    The document needs ``\usepackage{booktabs}``.
    """
    places = render.digits(summary)
    several = len(spec.protocol.tasks) > 1
    columns = [*spec.protocol.tasks, *([MEAN] if several else [])]
    rows = [line.row for line in leaderboard.lines(spec, summary) if line.runs]
    pairs = {
        column: [
            (summary.mean(row, column, spec.protocol.selection), summary.std(row, column, spec.protocol.selection))
            for row in rows
        ]
        for column in columns
    }
    marked = {column: _marked(scores, places) for column, scores in pairs.items()}
    body = [[row, *(marked[c][k] for c in columns)] for k, row in enumerate(rows)]
    seeds = len({entry.seed for entry in summary.entries})
    spread = f", mean and sample standard deviation over {seeds} seeds" if seeds > 1 else ""
    what = f"{render.heading(spec, summary)}: {summary.metric} in % on the target test split"
    caption = f"{what}{spread}; {chosen_by(spec.protocol.selection)}."
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(caption)}}}",
            rf"\label{{tab:{spec.protocol.name}}}",
            Sheet(["method", *columns], body).latex(),
            r"\end{table}",
            "",
        ]
    )


def _marked(scores: list[tuple[float, float | None]], places: int) -> list[str]:
    """The cells of a column; ties, as printed, share a mark."""
    distinct = sorted({shown(mean, places) for mean, _ in scores if not math.isnan(mean)}, key=float, reverse=True)
    cells = []
    for mean, std in scores:
        text = "--" if math.isnan(mean) else shown(mean, places)
        place = distinct.index(text) if text in distinct else None
        spread = "" if std is None or math.isnan(mean) else rf" $\pm$ {shown(std, places)}"
        marked = rf"\textbf{{{text}}}" if place == 0 else rf"\underline{{{text}}}" if place == 1 else text
        cells.append(marked + spread)
    return cells
