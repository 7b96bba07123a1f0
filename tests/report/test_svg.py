from __future__ import annotations

import pytest

from da.report.svg import Scale, scale, style


def test_a_scale_goes_from_end_to_end():
    linear = Scale(10.0, 30.0, 100.0, 0.0)
    assert [linear(v) for v in (10.0, 20.0, 30.0)] == [100.0, 50.0, 0.0]
    log = Scale(1.0, 100.0, 0.0, 10.0, log=True)
    assert [log(v) for v in (1.0, 10.0, 100.0)] == pytest.approx([0.0, 5.0, 10.0])


@pytest.mark.parametrize(
    ("low", "high", "log", "ticks"),
    [
        (0.0, 10.0, False, [0, 2, 4, 6, 8, 10]),
        (41.3, 44.9, False, [42, 43, 44]),
        (0.1, 1000.0, True, [0.1, 1, 10, 100, 1000]),
        (2.0, 3.3, True, [2.0, 2.5, 3.0]),  # too short for decades
    ],
)
def test_ticks_are_round(low, high, log, ticks):
    assert Scale(low, high, 0.0, 1.0, log).ticks() == pytest.approx(ticks)


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [1e-3, 50.0]])
@pytest.mark.parametrize("log", [False, True])
def test_every_value_lies_inside(values, log):
    made = scale(values, 0.0, 100.0, log)
    assert all(0.0 < made(v) < 100.0 for v in values)
    assert made.ticks()


def test_many_series_differ_in_colour_or_dashes():
    assert len({style(k) for k in range(30)}) == 30
