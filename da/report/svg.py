"""Small drawings: scales, and shapes in pixels that templates/shapes.svg.j2 draws in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

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


@dataclass(frozen=True)
class Segment:
    """A straight line of the class ``kind``."""

    shape: ClassVar[str] = "segment"
    x1: float
    y1: float
    x2: float
    y2: float
    kind: str = "axis"


@dataclass(frozen=True)
class Label:
    """One line of text; ``anchor`` is start, middle or end."""

    shape: ClassVar[str] = "label"
    x: float
    y: float
    words: str
    anchor: str = "start"
    kind: str = ""


@dataclass(frozen=True)
class TurnedLabel:
    """One line of text that reads upwards."""

    shape: ClassVar[str] = "turned_label"
    x: float
    y: float
    words: str
    kind: str


@dataclass(frozen=True)
class Dot:
    """A disc; ``tip`` is its tooltip, and under the pointer it is lit with the table row named ``row``."""

    shape: ClassVar[str] = "dot"
    x: float
    y: float
    radius: float
    colour: str
    tip: str = ""
    row: str = ""
    opacity: float | None = None


@dataclass(frozen=True)
class Ring:
    """A circle; ``tip`` and ``row`` are as those of a disc."""

    shape: ClassVar[str] = "ring"
    x: float
    y: float
    radius: float
    colour: str
    tip: str = ""
    row: str = ""


@dataclass(frozen=True)
class Cross:
    """A diagonal cross, with a tooltip; ``size`` is half its width."""

    shape: ClassVar[str] = "cross"
    x: float
    y: float
    size: float
    colour: str
    tip: str = ""


@dataclass(frozen=True)
class Curve:
    """A line through points, with a tooltip."""

    shape: ClassVar[str] = "curve"
    points: Sequence[tuple[float, float]]
    colour: str
    dashes: str = ""
    tip: str = ""
    width: float = 1.8


@dataclass(frozen=True)
class Square:
    """A square of the class ``kind``, with a tooltip; without an opacity an empty one."""

    shape: ClassVar[str] = "square"
    x: float
    y: float
    size: float
    kind: str
    opacity: float | None = None
    tip: str = ""


Shape = Segment | Label | TurnedLabel | Dot | Ring | Cross | Curve | Square


@dataclass(frozen=True)
class Drawing:
    """Shapes as wide as their place allows, at most ``width``.

    Args:
        width: in pixels.
        height: in pixels.
        shapes: the later ones lie above.
        label: what it shows, for those who do not see it.
        kind: its class.
    """

    width: float
    height: float
    shapes: Sequence[Shape]
    label: str
    kind: str = "chart"


def frame(x: Scale, y: Scale, x_title: str = "", y_title: str = "") -> list[Shape]:
    """Grid lines and labels of two scales; ``y`` runs upwards."""
    shapes: list[Shape] = []
    for value in y.ticks():
        shapes += [Segment(x.start, y(value), x.end, y(value), "grid")]
        shapes += [Label(x.start - 5, y(value) + 3.5, f"{value:g}", "end")]
    for value in x.ticks():
        shapes += [Segment(x(value), y.start, x(value), y.start + 4)]
        shapes += [Label(x(value), y.start + 15, f"{value:g}", "middle")]
    shapes.append(Segment(x.start, y.start, x.end, y.start))
    if x_title:
        shapes.append(Label((x.start + x.end) / 2, y.start + 31, x_title, "middle", "title"))
    if y_title:
        shapes.append(Label(x.start - 30, y.end - 8, y_title, "start", "title"))
    return shapes
