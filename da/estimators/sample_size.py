"""How many samples a weighting leaves in effect; nothing here imports scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np

DEGENERATE = 0.05


def effective_sample_size(weights: np.ndarray) -> float:
    r"""Kish's :math:`(\sum w)^2 / \sum w^2`, in samples."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def warn_if_few(size: float, n: int) -> None:
    """Warn where an effective sample size is below 5 % of n: what is trained on these samples hangs on a few."""
    if size < DEGENERATE * n:
        warnings.warn(
            f"The weighting is degenerate: an effective {size:.1f} of {n} source samples remain; "
            "set min_effective where the method has it, regularise it, or widen its kernel.",
            stacklevel=3,
        )
