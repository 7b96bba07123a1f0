"""Folds of labelled samples that depend on the samples, not on their order."""

from __future__ import annotations

from typing import Any

import numpy as np


def folds_of(x: Any, index: np.ndarray, folds: int) -> np.ndarray:
    """``(n,)`` number of each sample's fold, stratified by class.

    Args:
        x: ``(n, d)`` samples, dense or sparse.
        index: ``(n,)`` classes.
        folds: number of folds; at most n of them are used.
    """
    fold = np.empty(len(index), dtype=np.int64)
    fold[by_class(x, index)] = np.arange(len(index)) % folds
    return fold


def stratified(x: Any, index: np.ndarray, size: int) -> np.ndarray:
    """Sorted indices of at most ``size`` samples, stratified by class and evenly spaced within each class."""
    if len(index) <= size:
        return np.arange(len(index))
    picked = np.linspace(0, len(index) - 1, size).round().astype(np.int64)
    chosen: np.ndarray = np.sort(by_class(x, index)[picked])
    return chosen


def by_class(x: Any, index: np.ndarray) -> np.ndarray:
    """Indices that sort samples by class, and within a class by a number computed from each sample."""
    mark = np.asarray(x @ np.cos(np.arange(x.shape[1])))
    order: np.ndarray = np.lexsort((mark, index))
    return order
