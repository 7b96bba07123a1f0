"""Normalisations of precomputed features, applied within each domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from da.errors import ConfigError, nearest


def zscore(x: Any) -> Any:
    """Divide rows by their sum, then standardise every column to mean 0 and population standard deviation 1."""
    x = x / x.sum(axis=1, keepdims=True)
    deviation = x.std(axis=0)
    deviation[deviation == 0] = 1.0  # a feature that is constant in a domain becomes 0, not NaN
    return (x - x.mean(axis=0)) / deviation


def l2(x: Any) -> Any:
    """Divide rows by their Euclidean norm."""
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def zscore_l2(x: Any) -> Any:
    """Apply :func:`zscore`, then scale rows to unit length."""
    return l2(zscore(x))


NORMALIZATIONS: dict[str, Callable[[Any], Any]] = {
    "zscore": zscore,
    "zscore_l2": zscore_l2,
    "l2": l2,
    "none": lambda x: x,
}


def check_normalization(normalize: str) -> None:
    """Refuse an unknown name of a normalisation.

    Raises:
        ConfigError: it is none of ``NORMALIZATIONS``.
    """
    if normalize not in NORMALIZATIONS:
        raise ConfigError(f"data.normalize='{normalize}' is unknown; {nearest(normalize, NORMALIZATIONS)}")
