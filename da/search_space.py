"""Search spaces of hyper-parameters: a class states them in ``space``, beside the constructor with their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """A closed interval, searched on a linear or a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """A finite set of values."""

    values: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        return value in self.values


Space = dict[str, Range | Choice]


def uniform(low: float, high: float) -> Range:
    """Interval whose values are drawn uniformly.

    >>> dropout = uniform(0.0, 0.5)
    >>> [value in dropout for value in (0.2, 0.5, 0.6)]
    [True, True, False]
    """
    return Range(low, high)


def log_uniform(low: float, high: float) -> Range:
    """Interval of positive values whose logarithms are drawn uniformly.

    >>> log_uniform(1e-3, 10.0)
    Range(low=0.001, high=10.0, log=True)
    """
    return Range(low, high, log=True)


def choice(*values: Any) -> Choice:
    """The given values, drawn with equal probability.

    >>> kernel = choice("linear", "rbf")
    >>> kernel.values
    ('linear', 'rbf')
    >>> "poly" in kernel
    False
    """
    return Choice(values)
