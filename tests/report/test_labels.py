"""Names beside points: none lies on another, equal points share one."""

from __future__ import annotations

import itertools

import numpy as np

from da.report.labels import LETTER, LINE, Box, Point, beside, joined
from da.report.svg import Label, Segment

AREA = Box(0, 0, 600, 300)


def boxes(shapes):
    found = [s for s in shapes if isinstance(s, Label)]
    return [
        Box(s.x - LETTER * len(s.words) / 2, s.y + 3 - LINE, s.x + LETTER * len(s.words) / 2, s.y + 3) for s in found
    ]


def test_equal_points_share_a_label_that_counts_those_it_does_not_name():
    points = [Point(100, 100, name) for name in "abcde"] + [Point(300, 100, "far")]
    words = [s.words for s in beside(points, AREA) if isinstance(s, Label)]
    assert words == ["a, b, c and 2 more", "far"]


def test_points_that_the_eye_tells_apart_are_not_joined():
    groups = joined([Point(100, 100, "a"), Point(103, 98, "b"), Point(105, 100, "c"), Point(100, 106, "d")])
    assert [[p.name for p in group] for group in groups] == [["a", "b"], ["c"], ["d"]]


def test_crowded_names_neither_overlap_nor_leave_the_area_nor_cover_points():
    rng = np.random.default_rng(0)
    points = [Point(200 + 60 * a, 150 + 30 * b, f"method_{k}") for k, (a, b) in enumerate(rng.normal(size=(25, 2)))]
    shapes = beside(points, AREA)
    placed = boxes(shapes)
    assert len(placed) > 20
    assert not [pair for pair in itertools.combinations(placed, 2) if pair[0].overlaps(pair[1])]
    assert all(AREA.holds(box) for box in placed)
    assert not [p for p in points for box in placed if box.left < p.x < box.right and box.top < p.y < box.bottom]
    assert any(isinstance(s, Segment) for s in shapes)  # a line leads to those that stand further off


def test_a_name_at_the_right_edge_stands_at_the_left_of_its_point():
    (label,) = beside([Point(590, 100, "tca")], AREA)
    assert label.x < 590 - LETTER


def test_without_a_free_place_there_is_no_label():
    assert beside([Point(10, 10, "a long name")], Box(0, 0, 20, 20)) == []
