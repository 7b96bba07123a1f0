"""Search ranges of hyper-parameters, stated beside the constructor that has their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """A closed interval to search, on a linear or a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """A few values to search."""

    values: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        return value in self.values


Space = dict[str, Range | Choice]


def uniform(low: float, high: float) -> Range:
    """Search evenly between two values."""
    return Range(low, high)


def log_uniform(low: float, high: float) -> Range:
    """Search evenly in the logarithm between two positive values."""
    return Range(low, high, log=True)


def choice(*values: Any) -> Choice:
    """Search among the given values."""
    return Choice(values)
