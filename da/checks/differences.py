"""By how much, and where, two results differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from da.estimators.arrays import as_numpy


def apart(expected: Any, actual: Any, *, atol: float = 0.0, rtol: float = 0.0) -> str | None:
    """By how much and where two arrays differ, to be said behind "differs"; None where they are close.

    Args:
        expected: an array, a tensor or sparse rows.
        actual: what should equal it.
        atol: largest difference of two entries that is allowed; NaN differs from everything but NaN.
        rtol: what is allowed besides, as a share of the actual entry.
    """
    a, b = (np.asarray(as_numpy(x)) for x in (expected, actual))
    if a.shape != b.shape:
        return f"its shape is {b.shape} and not {a.shape}"
    with np.errstate(invalid="ignore"):
        gap = np.abs(a.astype(np.float64) - b.astype(np.float64))
    gap = np.where(np.isnan(a) & np.isnan(b) | (a == b), 0.0, np.where(np.isnan(gap), np.inf, gap))
    allowed = atol + rtol * np.nan_to_num(np.abs(b.astype(np.float64)))
    wrong = gap > allowed
    if not wrong.any():
        return None
    index = tuple(int(k) for k in np.unravel_index(int((gap - allowed).argmax()), gap.shape))
    kinds = f"{a.dtype}" if a.dtype == b.dtype else f"{a.dtype} and {b.dtype}"
    return (
        f"by {gap[index]:.2g} at [{', '.join(map(str, index))}], where it is {b[index]:.6g} in place of "
        f"{a[index]:.6g} ({kinds}; {allowed[index]:.1g} is allowed), and by too much in {int(wrong.sum())} of "
        f"{wrong.size} entries"
    )
