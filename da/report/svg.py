"""Small drawings as SVG text that takes its colours from the page, light or dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from da.analysis.embedding import PALETTE

DASHES = ("", "5 2", "1.5 2", "7 2 1.5 2")


def style(k: int) -> tuple[str, str]:
    """Colour and dashes of the ``k``-th of many series."""
    return PALETTE[k % len(PALETTE)], DASHES[k // len(PALETTE) % len(DASHES)]


@dataclass(frozen=True)
class Scale:
    """From values to pixels along one axis.

    Args:
        low: value at ``start``.
        high: value at ``end``.
        start: pixel.
        end: pixel.
        log: whether equal factors are equal distances.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (self.end - self.start) * (value - low) / (high - low)

    def ticks(self) -> list[float]:
        """Round values inside the scale; on a long log scale powers of ten, and 2 and 5 times them."""
        if self.log and self.high > 8 * self.low:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if len(decades) < 4 else (1,)
            found = [step * 10.0**k for k in decades for step in steps]
        else:
            rough = (self.high - self.low) / 5
            unit = 10 ** math.floor(math.log10(rough))
            step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
            found = [step * k for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [value for value in found if self.low <= value <= self.high * (1 + 1e-9)]


def scale(values: Sequence[float], start: float, end: float, log: bool = False, margin: float = 0.06) -> Scale:
    """A scale that holds all values, with a margin."""
    low, high = min(values), max(values)
    if log:
        low, high = math.log10(low), math.log10(high)
    room = margin * (high - low) or (0.15 if log else 1.0)
    low, high = low - room, high + room
    return Scale(10**low if log else low, 10**high if log else high, start, end, log)


def svg(width: float, height: float, parts: Sequence[str], label: str, kind: str = "chart") -> str:
    """An ``svg`` element as wide as its place allows, at most its own width."""
    head = f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px" role="img"'
    return f'{head} aria-label="{escape(label)}">{"".join(parts)}</svg>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "axis", extra: str = "") -> str:
    """A straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {extra}/>'


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """One line of text."""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(words)}</text>'


def dot(x: float, y: float, radius: float, colour: str, tip: str = "", extra: str = "") -> str:
    """A disc, with a tooltip."""
    inside = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}" {extra}>{inside}</circle>'


def cross(x: float, y: float, size: float, colour: str, tip: str = "", extra: str = "") -> str:
    """A diagonal cross, with a tooltip."""
    d = f"M{x - size:.1f} {y - size:.1f}l{2 * size:g} {2 * size:g}m0 {-2 * size:g}l{-2 * size:g} {2 * size:g}"
    inside = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<path d="{d}" stroke="{colour}" stroke-width="1.3" fill="none" {extra}>{inside}</path>'


def path(
    points: Sequence[tuple[float, float]], colour: str, dashes: str = "", tip: str = "", width: float = 1.8
) -> str:
    """A line through points, with a tooltip."""
    d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    inside = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}>{inside}</path>'


def frame(x: Scale, y: Scale, x_title: str = "", y_title: str = "") -> list[str]:
    """Grid lines and labels of two scales; ``y`` runs upwards."""
    parts = []
    for value in y.ticks():
        parts += [line(x.start, y(value), x.end, y(value), "grid")]
        parts += [text(x.start - 5, y(value) + 3.5, f"{value:g}", "end")]
    for value in x.ticks():
        parts += [line(x(value), y.start, x(value), y.start + 4), text(x(value), y.start + 15, f"{value:g}", "middle")]
    parts.append(line(x.start, y.start, x.end, y.start))
    if x_title:
        parts.append(text((x.start + x.end) / 2, y.start + 31, x_title, "middle", "title"))
    if y_title:
        parts.append(text(x.start - 30, y.end - 8, y_title, "start", "title"))
    return parts
