"""Means and deviations of scores, their order, and how numbers are printed: once, so that all tables agree.

Two sums of the same numbers in another order differ in their last bits, which shows where a mean lies half-way between
two printed values; so scores are cut to nine decimals before they are compared or printed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

DECIMALS = 9
DIGITS = 3
"""Significant digits of a setting in a title or a column, unless two settings would look the same."""


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; NaN without values."""
    return math.fsum(values) / len(values) if values else math.nan


def deviation(values: Sequence[float]) -> float | None:
    """Sample standard deviation (ddof=1); None for fewer than two values."""
    if len(values) < 2:
        return None
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


@dataclass(frozen=True)
class SeedScores:
    """One score of one method: its values over seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over seeds; NaN without values."""
        return mean(self.values)

    @property
    def std(self) -> float | None:
        """Sample standard deviation (ddof=1); None for fewer than two seeds."""
        return deviation(self.values)


def shown(value: float, places: int) -> str:
    """A score with so many decimals."""
    return f"{round(value, DECIMALS) + 0.0:.{places}f}"  # adding zero: no -0.0


def brief(value: Any, digits: int = DIGITS) -> str:
    """A setting as a title or a column shows it: a float to so many significant digits, whatever else as it is."""
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    text = f"{value:.{digits}g}"
    return str(value) if float(text) == value else text


def digits_apart(values: Iterable[Any]) -> int:
    """The fewest significant digits, three at least, with which no two of the values look the same."""
    distinct = {value for value in values if isinstance(value, float) and math.isfinite(value)}
    exact = 17  # as many tell any two floats apart
    return next((d for d in range(DIGITS, exact) if len({brief(v, d) for v in distinct}) == len(distinct)), exact)


def falling(value: float) -> tuple[bool, float]:
    """A key that sorts scores from the best to the worst; what has none comes last."""
    return (True, 0.0) if math.isnan(value) else (False, -round(value, DECIMALS))


def clock(seconds: float) -> str:
    """Hours, minutes, seconds."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
