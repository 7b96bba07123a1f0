"""Tables for papers and for other programs: LaTeX, CSV and Parquet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.errors import UsageError
from da.files import write_atomically
from da.results import frame
from da.results.scores import shown
from da.tables import leaderboard
from da.tables import markdown as render
from da.tables.critical_difference import critical_difference
from da.tables.leaderboard import Line
from da.tables.significance import ALPHA
from da.tables.spec import MEAN, TableSpec
from da.tables.summary import Summary
from da.tables.wording import ORACLE, chosen_by
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

    A star marks means that differ from the baseline's; of a single task there is the difference over seeds. What an
    oracle selected is in italics. The document needs ``\usepackage{booktabs}``.
    """
    places = render.digits(summary)
    rule = spec.protocol.selection
    columns = [*spec.protocol.tasks, *([MEAN] if len(spec.protocol.tasks) > 1 else [])]
    lines = [line for line in leaderboard.lines(spec, summary) if line.runs]
    marked = {
        column: _marked(
            [(summary.mean(line.row, column, rule), summary.std(line.row, column, rule)) for line in lines],
            [line.is_bound for line in lines],
            places,
            rule.startswith(ORACLE),
        )
        for column in columns
    }
    marked[columns[-1]] = [cell + STAR * _differs(line) for cell, line in zip(marked[columns[-1]], lines, strict=True)]
    head = ["method", *columns]
    body = [[line.row, *(marked[c][k] for c in columns)] for k, line in enumerate(lines)]
    if leaderboard.replicated([line.difference for line in lines]):
        head.append(f"to {spec.protocol.baseline}")
        body = [[*cells, escape(render.difference_cell(x, places))] for cells, x in zip(body, lines, strict=True)]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_caption(spec, summary, lines)}}}",
            rf"\label{{tab:{spec.protocol.name}}}",
            Sheet(head, body).latex(),
            r"\end{table}",
            "",
        ]
    )


STAR = "$^{*}$"


def _differs(line: Line) -> bool:
    """Whether a row differs from the baseline significantly."""
    return line.p is not None and line.p < ALPHA


def _caption(spec: TableSpec, summary: Summary, lines: Sequence[Line]) -> str:
    """What the scores are, which rule chose them, and what the stars mean, or why there is no test."""
    starred = any(map(_differs, lines))
    seeds = len({entry.seed for entry in summary.entries})
    spread = f", mean and sample standard deviation over {seeds} seeds" if seeds > 1 else ""
    what = f"{render.heading(spec, summary)}: {summary.metric} in % on the target test split"
    scores = f"{what}{spread}; {chosen_by(spec.protocol.selection)}."
    why = leaderboard.untested(spec, summary)
    test = why or render.tested(spec, summary)
    star = "" if why else f"{STAR}: " if starred else "No row has a star: "
    meaning = "" if why else f"differs from {spec.protocol.baseline} at {ALPHA:g}. "
    bounds = leaderboard.bounds(lines)
    return f"{escape(scores)} {star}{escape(' '.join(filter(None, [meaning + test, bounds])))}"


def _marked(
    scores: list[tuple[float, float | None]], is_bound: Sequence[bool], places: int, by_oracle: bool
) -> list[str]:
    """The cells of a column: the best bold, the second underlined, but no bounds; ties, as printed, share a mark."""
    ranked = [mean for (mean, _), bound in zip(scores, is_bound, strict=True) if not bound and not math.isnan(mean)]
    distinct = sorted({shown(mean, places) for mean in ranked}, key=float, reverse=True)
    cells = []
    for (mean, std), bound in zip(scores, is_bound, strict=True):
        text = "--" if math.isnan(mean) else shown(mean, places)
        place = distinct.index(text) if text in distinct and not bound else None
        spread = "" if std is None or math.isnan(mean) else rf" $\pm$ {shown(std, places)}"
        text = rf"\textit{{{text}}}" if by_oracle and not math.isnan(mean) else text
        marked = rf"\textbf{{{text}}}" if place == 0 else rf"\underline{{{text}}}" if place == 1 else text
        cells.append(marked + spread)
    return cells
