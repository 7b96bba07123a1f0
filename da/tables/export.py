"""Tables for papers and for other programs: LaTeX, CSV and Parquet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from da.errors import UsageError
from da.results import frame, record
from da.results.figures import shown
from da.tables import leaderboard as board
from da.tables import markdown as render
from da.tables.critical_difference import critical_difference
from da.tables.records import chosen_by
from da.tables.spec import MEAN, Spec
from da.tables.summary import Summary

if TYPE_CHECKING:
    from pandas import DataFrame

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "→": r"$\to$",
    "->": r"$\to$",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def export(spec: Spec, summary: Summary, file: Path) -> Path:
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


def diagram(spec: Spec, summary: Summary, file: Path) -> Path | None:
    """Draw the critical-difference diagram of a table; None where its tasks or rows are too few.

    Raises:
        UsageError: matplotlib is missing.
    """
    ranking = board.ranked(spec, summary)
    return None if ranking is None else critical_difference(ranking, file)


def entries(spec: Spec, summary: Summary) -> DataFrame:
    """A row for each run: ``row``, ``task``, ``seed``, ``status``, ``figure.RULE``, ``paper``, ``seconds``, ``reason``.

    Raises:
        UsageError: pandas is missing.
    """
    pandas = frame.pandas()
    rules = summary.rules()
    rows = []
    for entry in summary.entries:
        found = spec.figure(entry.row, entry.task)
        rows.append(
            {"table": spec.name, "row": entry.row, "task": entry.task, "seed": entry.seed, "status": entry.status}
            | {f"figure.{rule}": entry.figures.get(rule, math.nan) for rule in rules}
            | {"paper": math.nan if found is None else found[0].value, "seconds": entry.seconds, "reason": entry.reason}
        )
    return pandas.DataFrame(rows)


def latex(spec: Spec, summary: Summary) -> str:
    r"""A ``table`` with booktabs rules: methods down, tasks across and their mean; best bold, second underlined.

    The document needs ``\usepackage{booktabs}``.
    """
    places = render.digits(summary)
    several = len(spec.tasks) > 1
    columns = [*spec.tasks, *([MEAN] if several else [])]
    rows = [line.row for line in board.lines(spec, summary) if line.runs]
    pairs = {
        column: [(summary.mean(row, column, spec.selection), summary.std(row, column, spec.selection)) for row in rows]
        for column in columns
    }
    marked = {column: _marked(figures, places) for column, figures in pairs.items()}
    body = [" & ".join([escape(row), *(marked[c][k] for c in columns)]) + r" \\" for k, row in enumerate(rows)]
    seeds = len({entry.seed for entry in summary.entries})
    spread = f", mean and sample standard deviation over {seeds} seeds" if seeds > 1 else ""
    what = f"{render.title(spec, summary)}: {summary.metric} in % on the target test split"
    caption = f"{what}{spread}; {chosen_by(spec.selection)}."
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(caption)}}}",
            rf"\label{{tab:{spec.name}}}",
            rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
            r"\toprule",
            " & ".join(["method", *map(escape, columns)]) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Text as LaTeX prints it."""
    made, k = "", 0
    while k < len(text):
        pair = text[k : k + 2]
        token = pair if pair in SPECIAL else text[k]
        made += SPECIAL.get(token, token)
        k += len(token)
    return made


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
