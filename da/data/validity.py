"""Refuse data that would give a wrong number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from da.domain import Task
from da.errors import DataError, few


def check_task(task: Task) -> None:
    """Refuse data that would give a wrong number: empty, non-finite, mislabelled or one-class domains.

    Raises:
        DataError: one sentence that names the domain, what is wrong and the remedy.
    """
    if not task.sources:
        raise DataError(f"Task {task.name} has no source domain; name at least one.")
    for name, domain in task.parts().items():
        where = f"{name} of task {task.name}" + (f" ({domain.name})" if domain.name else "")
        if len(domain) == 0:
            raise DataError(f"The {where} is empty; every domain needs at least one sample.")
        _check_finite(domain.x, where, task.columns[name.startswith("target")])
        if domain.y is None:
            continue
        y = np.asarray(domain.y)
        if y.shape != (len(domain),):
            raise DataError(
                f"The {where} has {len(domain)} samples but labels of shape {y.shape}; give one label each."
            )
        if not np.issubdtype(y.dtype, np.integer):
            raise DataError(f"The labels of the {where} are {y.dtype}, not integers; map them to 0..K-1 first.")
        if y.min() < 0 or y.max() >= task.n_classes:
            raise DataError(
                f"The labels of the {where} span {y.min()}..{y.max()} but the task has {task.n_classes} classes; "
                "map them to 0..K-1, and use absent labels (None) instead of -1."
            )
    for split in task.sources:
        if split.train.y is not None and len(np.unique(split.train.y)) < 2:
            raise DataError(
                f"The source {split.train.name or task.name} has one class only; nothing can be learnt to tell apart."
            )
    shapes = {split.train.sample_shape for split in task.sources}
    _check_scales(task)
    if len(shapes) > 1:
        raise DataError(
            f"The sources of task {task.name} have inputs of different shapes {sorted(shapes)}; bring them to one."
        )


def _check_scales(task: Task) -> None:
    """Refuse domains of one shape whose values are of different units: bytes beside numbers, 0..1 beside 0..255."""
    shape = task.sources[0].train.sample_shape
    parts = {}
    for split in (*task.sources, task.target):  # a domain's parts are judged together
        if split.train.sample_shape == shape:
            role = "target/train" if split is task.target else "source/train"
            where = f"{role} ({split.train.name})" if split.train.name else role
            parts[where] = [part.x for part in (split.train, split.test) if part is not None]
    check_units(parts, f" of task {task.name}")


def check_units(parts: Mapping[str, Sequence[Any]], of: str = "") -> None:
    """Refuse inputs that are of different units: bytes beside numbers, 0..1 beside 0..255.

    Args:
        parts: arrays of one unit each, by what they are called.
        of: is said behind the first.

    Raises:
        DataError: two of them are seen to be of different units.
    """
    units: dict[str, str] = {}
    for where, arrays in parts.items():
        units.setdefault(_unit(arrays), where)
    table = all(len(x.shape) == 2 for arrays in parts.values() for x in arrays)
    pair = None
    if BYTES in units and len(units) > 1:
        other = next(kind for kind in units if kind != BYTES)
        pair = {BYTES: units[BYTES], other or "numbers of another type": units[other]}
        pair = {("numbers of another type" if kind in UNSURE else kind): where for kind, where in pair.items()}
    elif (small := units.keys() & {SHARES, BITS}) and (large := units.keys() & {LARGE, *WHOLE}):
        pair = {kind: units[kind] for kind in units if kind in (min(small), min(large))}
    elif not table and set(WHOLE) <= units.keys():  # counts of tables have no such unit
        pair = {kind: units[kind] for kind in units if kind in WHOLE}
    if pair:
        (a, of_a), (b, of_b) = pair.items()
        remedy = " (data.standardize=true does so for dense tables)" if table else ", such as uint8"
        raise DataError(
            f"The inputs of {of_a}{of} are {a}, and those of {of_b} are {b}; bring all to one type and scale{remedy}."
        )


BYTES = "bytes (0..255)"
SHARES = "within 0..1"
BITS = "zeros and ones"
LARGE = "within 0..255, and far beyond 1"
WHOLE = ("whole numbers within 0..255", "whole numbers within 0..65535")
OVERSHOOT = 0.05
UNSURE = ("", LARGE, BITS)


def _unit(parts: Sequence[Any]) -> str:
    """What the values of a domain's parts tell of their unit; empty where they tell nothing."""
    if all(getattr(x, "dtype", None) == np.uint8 for x in parts):
        return BYTES
    values = [x.data if sparse.issparse(x) else x for x in parts]
    if not all(isinstance(x, np.ndarray) for x in values) or not all(x.size for x in values):
        return ""
    low, high = min(float(x.min()) for x in values), max(float(x.max()) for x in values)
    if (
        low >= -OVERSHOOT and 0.0 < high <= 1.0 + OVERSHOOT and (low < 0.0 or high > 1.0)
    ):  # as interpolation leaves them
        return SHARES
    if low < 0.0 or high > 65535.0 or 1.0 < high < 64.0:
        return ""
    whole = all(bool((x == np.round(x)).all()) for x in values)
    if high <= 1.0:
        return BITS if whole else SHARES
    if not whole:
        return LARGE if high <= 255.0 else ""
    if high <= 255.0:
        return WHOLE[0]
    return WHOLE[1] if high >= 4096.0 else ""


def _check_finite(x: Any, where: str, names: tuple[str, ...] | None) -> None:
    values = x.data if sparse.issparse(x) else x
    if not isinstance(values, np.ndarray) or not np.issubdtype(values.dtype, np.floating):
        return
    with np.errstate(all="ignore"):
        total = values.sum(dtype=np.float64)  # one pass; the place is sought only where this looks wrong
    bad = np.empty(0) if np.isfinite(total) else ~np.isfinite(values)
    if not bad.any():
        return
    if sparse.issparse(x):
        places = x.tocoo()
        rows, columns = np.unique(places.row[bad]), np.unique(places.col[bad])
    else:
        positions = np.nonzero(bad.reshape(len(values), -1))
        rows, columns = np.unique(positions[0]), np.unique(positions[1])
    shown = few(columns if names is None else [names[k] for k in columns])
    raise DataError(
        f"The {where} has NaN or infinite values in {len(rows)} rows (columns {shown}); impute or drop them first."
    )
