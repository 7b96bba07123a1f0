"""Size of features, which determines the unit of a classifier's C."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis

ROUNDING = 1e-18  # share of a feature's mean square: a smaller variance is a constant's rounding error


def unit_of(x: Any) -> float:
    r"""The C that corresponds to 1 for rows of unit size: a power of ten, 1 where no feature varies.

    .. math:: u = 10^{[-\log_{10} \sum_j v_j]}

    with the variances :math:`v_j` of the features. For rows times s the unit, and so C, is :math:`s^2` times smaller,
    and the model is the same.

    Args:
        x: ``(n, d)``, dense or sparse.
    """
    v = _variances(x)
    return 10.0 ** round(-math.log10(v.sum())) if len(v) else 1.0


def size_of(x: Any) -> float:
    r"""The usual size of a feature, :math:`10^{[\frac12 \log_{10} \overline{v_j}]}`, 1 where no feature varies."""
    v = _variances(x)
    return 10.0 ** round(0.5 * math.log10(v.mean())) if len(v) else 1.0


def decades_of(x: Any) -> int:
    """Powers of ten between the usual and the median variance of features: small features need a larger C."""
    v = _variances(x)
    return max(0, round(math.log10(v.mean() / np.median(v)))) if len(v) else 0


def change_of_size(before: Any, after: Any) -> float:
    """Ratio of the sizes of two sets of rows: a power of the square root of 10, 1 where they are of similar size."""
    v, w = float(_variances(before).sum()), float(_variances(after).sum())
    return math.sqrt(10.0 ** round(math.log10(v / w))) if v > 0.0 and w > 0.0 else 1.0


def _variances(x: Any) -> np.ndarray:
    """``(d',)`` above 0, of the features that vary by more than rounding."""
    if sparse.issparse(x):
        mean, v = mean_variance_axis(x.tocsr().astype(np.float64, copy=False), axis=0)
    else:
        rows = np.asarray(x, dtype=np.float64)
        mean, v = np.mean(rows, axis=0), np.var(rows, axis=0)
    return np.asarray(v[v > ROUNDING * (mean**2 + v)])
