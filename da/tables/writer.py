"""One table of words in every form: Markdown, LaTeX, aligned text and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from da.results.frame import harmless

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
"""What LaTeX would read as a command, and how it prints it."""


@dataclass(frozen=True)
class Sheet:
    """Cells as they are to be read.

    Args:
        head: names of the columns.
        body: the rows.
        words: positions of the columns that hold words and are aligned at the left; all others hold numbers.
        apart: so many last columns stand apart (behind a bar in text): what an oracle selected.
    """

    head: Sequence[str]
    body: Sequence[Sequence[str]]
    words: Sequence[int] = (0,)
    apart: int = 0

    def markdown(self) -> str:
        """A table in Markdown."""
        rules = ["---" if k in self.words else "---:" for k in range(len(self.head))]
        lines = [[cell.replace("|", "\\|") for cell in line] for line in (self.head, *self.body)]
        return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rules, *lines[1:]))

    def text(self) -> str:
        """Lines in columns; long names are broken at underscores and spaces."""
        pieces = [[self.head[0]], *(re.findall(r"[^_ ]+_?", name) for name in self.head[1:])]
        height = max(map(len, pieces))
        heads = [list(line) for line in zip(*([""] * (height - len(p)) + p for p in pieces), strict=True)]
        lines = [*heads, *map(list, self.body)]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.head))]
        rows = [self._aligned(line, widths) for line in lines]
        return "\n".join([*rows[:height], "-" * max(map(len, rows)), *rows[height:]])

    def _aligned(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        """One line: words at the left of their columns, numbers at the right."""
        padded = [
            cell.ljust(width) if k in self.words else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        split = len(padded) - self.apart
        return ("  ".join(padded[:split]) + (f"  |  {'  '.join(padded[split:])}" if self.apart else "")).rstrip()

    def latex(self) -> str:
        r"""A ``tabular`` with booktabs rules.

        Cells of the first column and of the head are escaped; the others are LaTeX already, such as
        ``\textbf{94.2}``.
        """
        aligned = "".join("l" if k in self.words else "r" for k in range(len(self.head)))
        rows = [" & ".join([escape(line[0]), *line[1:]]) + r" \\" for line in self.body]
        head = " & ".join(map(escape, self.head)) + r" \\"
        rules = [r"\toprule", head, r"\midrule", *rows, r"\bottomrule"]
        return "\n".join([rf"\begin{{tabular}}{{{aligned}}}", *rules, r"\end{tabular}"])

    def csv(self) -> str:
        """Comma-separated values; a cell that a spreadsheet would run as a formula gets an apostrophe."""
        stream = io.StringIO()
        lines = [[harmless(cell) if k in self.words else cell for k, cell in enumerate(line)] for line in self.body]
        csv.writer(stream, lineterminator="\n").writerows([self.head, *lines])
        return stream.getvalue()


def escape(text: str) -> str:
    """Text as LaTeX prints it."""
    made, k = "", 0
    while k < len(text):
        pair = text[k : k + 2]
        token = pair if pair in SPECIAL else text[k]
        made += SPECIAL.get(token, token)
        k += len(token)
    return made


def listed(items: Iterable[str]) -> str:
    """Items as a list in Markdown."""
    return "\n".join(f"- {item}" for item in items)
