"""Annotated number types with their valid ranges; none contains ``nan``, and only those with ``Inf`` contain ``inf``.

``lr: Positive`` is a float to Python and to type checkers. :mod:`da.config.annotations` reads the range from the
source and refuses a configuration with a value outside it before anything is imported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A range of numbers.

    Args:
        above: exclusive lower bound.
        least: inclusive lower bound.
        below: exclusive upper bound.
        most: inclusive upper bound.
        among: the only valid numbers; empty for any within the bounds.
        infinite: infinity is valid, and means "no limit".
    """

    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None
    among: tuple[float, ...] = ()
    infinite: bool = False

    def admits(self, value: float) -> bool:
        """Whether a number lies in the range."""
        if math.isnan(value) or (math.isinf(value) and not (self.infinite and value > 0)):
            return False
        return (
            (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.below is None or value < self.below)
            and (self.most is None or value <= self.most)
            and (not self.among or value in self.among)
        )

    def words(self, *, whole: bool) -> str:
        """Describe the range for a message: ``a number above 0 and of at most 1``."""
        if self.among:
            return " or ".join(map(str, self.among))
        sides = [
            f"{word} {value:.10g}"
            for word, value in (
                ("above", self.above),
                ("of at least", self.least),
                ("below", self.below),
                ("of at most", self.most),
            )
            if value is not None
        ]
        phrase = f"{'a whole' if whole else 'a'} number {' and '.join(sides) or 'that is finite'}"
        return f"{phrase} (inf included)" if self.infinite else phrase


Real = Annotated[float, Bound()]
Positive = Annotated[float, Bound(above=0)]
PositiveOrInf = Annotated[float, Bound(above=0, infinite=True)]
NonNegative = Annotated[float, Bound(least=0)]
Fraction = Annotated[float, Bound(least=0, most=1)]
ProperFraction = Annotated[float, Bound(least=0, below=1)]
PositiveFraction = Annotated[float, Bound(above=0, most=1)]
OpenFraction = Annotated[float, Bound(above=0, below=1)]
Count = Annotated[int, Bound(least=1)]
Whole = Annotated[int, Bound(least=0)]
Steps = Annotated[int, Bound(least=1, most=10**9)]
"""Larger numbers are typing errors: a run would never finish them."""
Several = Annotated[int, Bound(least=2)]
Seed = Annotated[int, Bound(least=0, most=2**32 - 1)]
"""The seeds that NumPy, scikit-learn and Lightning all accept."""
