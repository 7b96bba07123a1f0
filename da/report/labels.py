"""Names beside points such that none lies on another: equal points share one, and the rest find a free place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from da.report.svg import Label, Segment, Shape

JOINED = 4.0
"""Pixels within which two points are one to the eye."""
MOST_NAMES = 3
"""Names that stand in one label."""
LETTER, LINE, GAP = 7.0, 13.0, 8.0
"""Pixels of a letter (a wide one), of a line of text, and between a point and its name."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; ``top`` is less than ``bottom``."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether they share more than an edge."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        """Whether the other lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True)
class Point:
    """A point to be named."""

    x: float
    y: float
    name: str


def beside(points: Sequence[Point], area: Box) -> list[Shape]:
    """The names of points, no two of which overlap, with a line to those that had to stand further off.

    A name for which there is no free place is left out; a tooltip has to tell it.

    Args:
        points: the first find a place first.
        area: what names stay inside.
    """
    taken = [Box(p.x - 5, p.y - 5, p.x + 5, p.y + 5) for p in points]
    shapes: list[Shape] = []
    for group in joined(points):
        words = _words([p.name for p in group])
        free = (c for c in _candidates(group[0], words) if area.holds(c.box) and not any(map(c.box.overlaps, taken)))
        found = next(free, None)
        if found is not None:
            taken.append(found.box)
            shapes += found.shapes(group[0], words)
    return shapes


def joined(points: Sequence[Point]) -> list[list[Point]]:
    """Points in groups that are one to the eye, in the order of their first."""
    groups: list[list[Point]] = []
    for p in points:
        near = (g for g in groups if abs(g[0].x - p.x) <= JOINED and abs(g[0].y - p.y) <= JOINED)
        group = next(near, None)
        if group is None:
            groups.append([p])
        else:
            group.append(p)
    return groups


def _words(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class _Candidate:
    """A place for a name: its box, and whether a line leads to it."""

    box: Box
    far: bool = False

    def shapes(self, point: Point, words: str) -> list[Shape]:
        middle = (self.box.left + self.box.right) / 2
        label = Label(middle, self.box.bottom - 3, words, "middle", "name")
        if not self.far:
            return [label]
        end = min(max(point.x, self.box.left), self.box.right)
        edge = self.box.bottom if self.box.bottom < point.y else self.box.top
        return [Segment(point.x, point.y, end, edge, "leader"), label]


def _candidates(point: Point, words: str) -> Iterator[_Candidate]:
    """Right, left, above and below of the point, then ever further up and down."""
    width = LETTER * len(words)
    lefts = (point.x + GAP, point.x - GAP - width, point.x - width / 2)
    top = point.y - LINE / 2
    for left in lefts[:2]:
        yield _Candidate(Box(left, top, left + width, top + LINE))
    for shift in (-LINE, LINE):
        yield _Candidate(Box(lefts[2], top + shift, lefts[2] + width, top + shift + LINE))
    for k in range(2, 24):
        for shift in (-k * LINE, k * LINE):
            for left in lefts:
                yield _Candidate(Box(left, top + shift, left + width, top + shift + LINE), far=True)
