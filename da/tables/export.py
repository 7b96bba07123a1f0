"""Tables for papers and for other programs: LaTeX, CSV and Parquet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from da.errors import UsageError
from da.results import frame, record
from da.results.scores import shown
from da.tables import leaderboard as board
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
    if file.suffix in frame.SUFFIXES:
        return frame.write(entries(spec, summary), file)
    if file.suffix not in (".md", ".tex"):
        raise UsageError(f"{file} has the suffix '{file.suffix}'; tables are written as .md, .tex, .csv or .parquet.")
    text = latex(spec, summary) if file.suffix == ".tex" else render.markdown(spec, summary)
    return record.write_atomically(file, text.encode())


def diagram(spec: TableSpec, summary: Summary, file: Path) -> Path | None:
    """Draw the critical-difference diagram of a table; None where its tasks or rows are too few.

    Raises:
        UsageError: matplotlib is missing.
    """
    ranking = board.ranked(spec, summary)
    return None if ranking is None else critical_difference(ranking, file)


def entries(spec: TableSpec, summary: Summary) -> DataFrame:
    """A row for each run: ``row``, ``task``, ``seed``, ``status``, ``figure.RULE``, ``paper``, ``seconds``, ``reason``.

    Raises:
        UsageError: pandas is missing.
    """
    pandas = frame.pandas()
    rules = summary.rules()
    rows = []
    for entry in summary.entries:
        found = spec.published.score(entry.row, entry.task)
        rows.append(
            {
                "table": spec.protocol.name,
                "row": entry.row,
                "task": entry.task,
                "seed": entry.seed,
                "status": entry.status,
            }
            | {f"figure.{rule}": entry.scores.get(rule, math.nan) for rule in rules}
            | {"paper": math.nan if found is None else found[0].value, "seconds": entry.seconds, "reason": entry.reason}
        )
    return pandas.DataFrame(rows)


def latex(spec: TableSpec, summary: Summary) -> str:
    r"""A ``table`` with booktabs rules: methods down, tasks across and their mean; best bold, second underlined.

    The document needs ``\usepackage{booktabs}``.
    """
    places = render.digits(summary)
    several = len(spec.protocol.tasks) > 1
    columns = [*spec.protocol.tasks, *([MEAN] if several else [])]
    rows = [line.row for line in board.lines(spec, summary) if line.runs]
    pairs = {
        column: [
            (summary.mean(row, column, spec.protocol.selection), summary.std(row, column, spec.protocol.selection))
            for row in rows
        ]
        for column in columns
    }
    marked = {column: _marked(figures, places) for column, figures in pairs.items()}
    body = [[row, *(marked[c][k] for c in columns)] for k, row in enumerate(rows)]
    seeds = len({entry.seed for entry in summary.entries})
    spread = f", mean and sample standard deviation over {seeds} seeds" if seeds > 1 else ""
    what = f"{render.title(spec, summary)}: {summary.metric} in % on the target test split"
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


def _marked(figures: list[tuple[float, float | None]], places: int) -> list[str]:
    """The cells of a column; ties, as printed, share a mark."""
    distinct = sorted({shown(mean, places) for mean, _ in figures if not math.isnan(mean)}, key=float, reverse=True)
    cells = []
    for mean, std in figures:
        text = "--" if math.isnan(mean) else shown(mean, places)
        place = distinct.index(text) if text in distinct else None
        spread = "" if std is None or math.isnan(mean) else rf" $\pm$ {shown(std, places)}"
        marked = rf"\textbf{{{text}}}" if place == 0 else rf"\underline{{{text}}}" if place == 1 else text
        cells.append(marked + spread)
    return cells
