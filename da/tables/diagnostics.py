"""What methods say of their own runs, in a table: the C that was chosen, effective sample sizes, ..."""

from __future__ import annotations

from collections.abc import Sequence

from da.tables.summary import Summary
from da.tables.wording import ABSENT
from da.tables.writer import Sheet

SAID = {
    "C": "C that was chosen",
    "estimated_sample_size": "effective source samples, as estimated",
    "effective_sample_size": "and as used",
    "trust": "trust in the estimated weights",
    "explained": "share of the distance of means that class priors explain",
    "marginal_error": "relative error of the masses",
}


def diagnostics(summary: Summary, rows: Sequence[str]) -> str:
    """A table of what methods said of their runs: the median, and in parentheses the range where there is one.

    Args:
        summary: of a table.
        rows: in the order of the leaderboard.
    """
    values = {
        (row, name): [e.said[name] for e in summary.entries if e.row == row and e.said and name in e.said]
        for row in rows
        for name in SAID
    }
    names = [name for name in SAID if any(found for (_, own), found in values.items() if own == name)]
    told = [row for row in rows if any(values[row, name] for name in names)]
    if not told:
        return ""
    body = [[row, *(_range(values[row, name]) for name in names)] for row in told]
    head = ["method", *(SAID[name] for name in names)]
    table = Sheet(head, body).markdown()
    return f"What was chosen, and what the methods say of themselves (median over cells, range):\n\n{table}"


def _range(values: Sequence[float]) -> str:
    if not values:
        return ABSENT
    ordered = sorted(values)
    low, middle, high = (f"{value:.3g}" for value in (ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1]))
    return middle if low == high else f"{middle} ({low} to {high})"
