"""Folds of labelled samples that depend on the samples, not on the order that they come in."""

from __future__ import annotations

from typing import Any

import numpy as np


def folds_of(x: Any, index: np.ndarray, folds: int) -> np.ndarray:
    """``(n,)`` number of each sample's fold: every class is spread evenly over all of them.

    Args:
        x: ``(n, d)`` samples, dense or sparse.
        index: ``(n,)`` classes.
        folds: how many; at most n of them are used.
    """
    fold = np.empty(len(index), dtype=np.int64)
    fold[by_class(x, index)] = np.arange(len(index)) % folds
    return fold


def stratified(x: Any, index: np.ndarray, size: int) -> np.ndarray:
    """Positions of at most ``size`` samples, in ascending order: of every class its share, and its largest spread."""
    if len(index) <= size:
        return np.arange(len(index))
    picked = np.linspace(0, len(index) - 1, size).round().astype(np.int64)
    chosen: np.ndarray = np.sort(by_class(x, index)[picked])
    return chosen


def by_class(x: Any, index: np.ndarray) -> np.ndarray:
    """The order of samples by class, and in a class by a number of their own."""
    mark = np.asarray(x @ np.cos(np.arange(x.shape[1])))
    order: np.ndarray = np.lexsort((mark, index))
    return order
