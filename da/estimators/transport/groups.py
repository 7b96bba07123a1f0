"""Groups of a plan: the mass that a source class sends to a target sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from da.estimators.arrays import like


def one_hot(y: np.ndarray, classes: np.ndarray, reference: Any) -> Any:
    """``(n, C)`` one-hot classes, as an array of the reference's type."""
    return like((y[:, None] == classes[None, :]).astype(np.float64), reference)
