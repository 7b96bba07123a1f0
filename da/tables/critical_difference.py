"""The critical-difference diagram: methods along their average rank, bars over those that no test tells apart."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.errors import UsageError
from da.files import write_atomically
from da.tables.significance import Ranking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1c1d21"
LINE = 0.2
"""Inches from one label, or bar, to the next."""


def critical_difference(ranking: Ranking, file: Path) -> Path:
    """Draw a ranking; the best method stands at the left.

    Args:
        ranking: such as :func:`da.tables.significance.ranking` gives it.
        file: where to write; the suffix chooses the format (``.png``, ``.svg``, ``.pdf``).

    Returns:
        ``file``.

    Raises:
        UsageError: matplotlib is missing.

    Reference: Demsar, JMLR 2006, figure 1.
    """
    return write_atomically(file, _drawn(ranking, file.suffix.lstrip(".") or "png"))


def critical_difference_svg(ranking: Ranking) -> str:
    """The diagram as an ``svg`` element that takes the colour of the text around it.

    Raises:
        UsageError: matplotlib is missing.
    """
    text = _drawn(ranking, "svg").decode()
    return text[text.index("<svg") :].replace(INK, "currentColor")


def _drawn(ranking: Ranking, kind: str) -> bytes:
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise UsageError('Figures need matplotlib: pip install "da[report]".') from error
    fixed: Any = {"svg.fonttype": "none", "svg.hashsalt": "da"}  # the same ranking, the same bytes
    with mpl.rc_context(fixed):
        stream = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else None
        _draw(ranking).savefig(stream, format=kind, transparent=kind == "svg", metadata=metadata)
    return stream.getvalue()


def _draw(ranking: Ranking) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names, ranks = list(ranking.ranks), list(ranking.ranks.values())
    levels = _levels([(ranking.ranks[a], ranking.ranks[b]) for a, b in ranking.cliques])
    half = -(-len(names) // 2)
    label = 0.085 * max(map(len, names)) + 0.45  # inches that a name and its rank take
    width, deep = 2 * label + 4.2, (max(levels, default=-1) + 2) * 0.6 * LINE
    height = 0.55 + deep + half * LINE + 0.1
    figure = Figure(figsize=(width, height), dpi=200)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(-height + 0.45, 0.45))  # inches; the scale of ranks lies at 0
    low, high = int(min(ranks)), -int(-max(ranks) // 1)
    high = max(high, low + 1)

    def x(rank: float) -> float:
        return label + 0.2 + 3.8 * (rank - low) / (high - low)

    axes.plot([x(low), x(high)], [0, 0], color=INK, lw=1)
    for tick in range(low, high + 1, max(1, (high - low) // 10)):
        axes.plot([x(tick)] * 2, [0, 0.06], color=INK, lw=1)
        axes.text(x(tick), 0.1, str(tick), ha="center", va="bottom", fontsize=8, color=INK)
    for (first, last), level in zip(ranking.cliques, levels, strict=True):
        y = -0.6 * LINE * (level + 1)
        span = [x(ranking.ranks[first]) - 0.04, x(ranking.ranks[last]) + 0.04]
        axes.plot(span, [y, y], color=INK, lw=3.5, solid_capstyle="round")
    for k, (name, rank) in enumerate(ranking.ranks.items()):
        left = k < half
        y = -deep - LINE * ((k if left else len(names) - 1 - k) + 0.5)
        end = label if left else width - label
        axes.plot([x(rank), x(rank), end], [0, y, y], color=INK, lw=0.8)
        side: dict[str, Any] = {"ha": "right" if left else "left", "va": "center", "fontsize": 8, "color": INK}
        words = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        axes.text(end - 0.05 if left else end + 0.05, y, words, **side)
    return figure


def _levels(spans: list[tuple[float, float]]) -> list[int]:
    """For every span the first level on which it overlaps no other."""
    ends: list[float] = []
    levels = []
    for low, high in spans:
        level = next((k for k, end in enumerate(ends) if end < low), len(ends))
        ends[level : level + 1] = [high]
        levels.append(level)
    return levels
