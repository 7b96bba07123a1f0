"""Assemble tasks from raw tables: encode labels as 0..K-1, and split into training and held-out parts by a seed."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from da.data.validity import check_units
from da.domain import Domain, Split, Task
from da.errors import ConfigError, DataError, few

TEST_FRACTION = 0.3
"""Share of a labelled target that is tested on, where nothing else is asked for."""


@dataclass(frozen=True, eq=False)
class Raw:
    """A domain as read.

    Args:
        x: ``(n, ...)`` inputs.
        y: ``(n,)`` labels, numbers or strings, or None.
        name: of the domain.
        ids: ``(n,)`` names of the samples; None numbers them.
    """

    x: Any
    y: np.ndarray | None
    name: str
    ids: np.ndarray | None = None


def assemble(
    sources: list[Raw],
    target: Raw,
    target_test: Raw | None = None,
    *,
    test_fraction: float | None,
    validation_fraction: float,
    split_seed: int,
) -> Task:
    """Assemble a task from raw domains.

    The classes are the sorted labels of all sources (of the target, where no source has labels). Of each source
    ``validation_fraction`` is held out. The target's test split is ``target_test``, else ``test_fraction`` of the
    target, else (fraction 0, or a target of one row) the target itself, and the task is then transductive. A fraction
    of None is 0.3 of a target with labels, and 0 of one without, of which every sample is predicted.

    Raises:
        ConfigError: a fraction outside [0, 1).
        DataError: labels are not whole numbers or strings, the target has labels that no source has, two domains have
            the same inputs, or target and test samples differ in units.
    """
    if test_fraction is None:
        test_fraction = 0.0 if target.y is None else TEST_FRACTION
    check_fraction("test_fraction", test_fraction)
    check_fraction("validation_fraction", validation_fraction)
    for source in sources:
        for other in (target, *(() if target_test is None else (target_test,))):
            if same_inputs(source.x, other.x):
                raise DataError(
                    f"The source '{source.name}' and the target '{other.name}' hold the same inputs, so that the "
                    "target's labels would be the source's; name two different domains."
                )
    for k, source in enumerate(sources):
        for other in sources[:k]:
            if same_inputs(source.x, other.x):
                raise DataError(
                    f"The sources '{other.name}' and '{source.name}' hold the same inputs, which would count twice; "
                    "name one of them."
                )
    if target_test is not None:
        if same_inputs(target.x, target_test.x):
            raise DataError(
                f"The target '{target.name}' and its test samples '{target_test.name}' hold the same inputs; to adapt "
                "to what is reported on, leave out data.target_test and set data.test_fraction=0, so that the record "
                "says so."
            )
        if target.x.shape[1:] == target_test.x.shape[1:]:
            check_units(
                {f"the target ({target.name})": [target.x], f"its test samples ({target_test.name})": [target_test.x]}
            )
    domains, classes = encode([*sources, target] + ([] if target_test is None else [target_test]), len(sources))
    adapted = domains[len(sources)]
    splits = tuple(hold_out(d, validation_fraction, split_seed) for d in domains[: len(sources)])
    name = f"{'+'.join(raw.name for raw in sources)}->{target.name}"
    if target_test is not None:
        return Task(name, splits, Split(adapted, domains[-1]), classes)
    split = hold_out(adapted, test_fraction, split_seed)
    if split.test is None and test_fraction > 0:  # every class has one row: having a test split outweighs balance
        unlabelled = hold_out_index(None, len(adapted), test_fraction, split_seed)
        split = Split(*map(adapted.subset, unlabelled)) if len(unlabelled[1]) else split
    if split.test is None:
        return Task(name, splits, Split(adapted, adapted), classes, transductive=True)
    return Task(name, splits, split, classes)


def same_inputs(a: Any, b: Any) -> bool:
    """Whether two domains hold the same samples, dense ones in any order."""
    if a.shape != b.shape or sparse.issparse(a) != sparse.issparse(b):
        return False
    if sparse.issparse(a):
        return bool((a != b).nnz == 0)
    if a.dtype != b.dtype:
        a, b = (np.asarray(x, dtype=np.float64) for x in (a, b))
    return np.array_equal(a, b) or sorted(row.tobytes() for row in a) == sorted(row.tobytes() for row in b)


def check_fraction(key: str, fraction: float) -> None:
    """Refuse a held-out fraction outside [0, 1).

    Raises:
        ConfigError: it is outside [0, 1).
    """
    if not 0 <= fraction < 1:
        raise ConfigError(f"data.{key}={fraction} is outside [0, 1); give the part to hold out, such as 0.2.")


def encode(raws: list[Raw], n_sources: int) -> tuple[list[Domain], tuple[str, ...]]:
    """Encode labels as 0..K-1: the domains, sources first, and the names of the K classes in sorted order.

    Whole numbers sort as numbers; if any file has strings, all labels are compared as strings.

    Raises:
        DataError: the target has labels that no source has, or labels are spelt in several ways or are not discrete.
    """
    labels = [None if raw.y is None else _discrete(raw) for raw in raws]
    if any(y is not None and y.dtype.kind == "U" for y in labels):
        labels = [None if y is None else y.astype(str) for y in labels]
    _check_spelling(labels)
    known = [y for y in labels[:n_sources] if y is not None] or [y for y in labels if y is not None]
    classes = np.unique(np.concatenate(known)) if known else np.empty(0, dtype=np.int64)
    domains = []
    for raw, y in zip(raws, labels, strict=True):
        if y is not None:
            strange = np.setdiff1d(y, classes)
            if len(strange):
                step = _step(classes, np.unique(y))
                remedy = (
                    f"all are the sources' {'plus' if step > 0 else 'minus'} 1, as if one file counted from 0 and the "
                    "other from 1: bring both to one"
                    if step
                    else "drop these rows, or leave out the target's labels"
                )
                raise DataError(
                    f"The target '{raw.name}' has labels that no source has ({few(strange)}; the sources have "
                    f"{few(classes)}); {remedy}."
                )
            y = np.searchsorted(classes, y).astype(np.int64)
        domains.append(Domain(raw.x, y, name=raw.name, ids=np.arange(raw.x.shape[0]) if raw.ids is None else raw.ids))
    return domains, tuple(map(str, classes))


def _step(classes: np.ndarray, labels: np.ndarray) -> int:
    """1 or -1 where the labels are the classes plus or minus 1, as numbers or as text; else 0."""
    try:
        ours, theirs = (sorted(int(str(label)) for label in part) for part in (classes, labels))
    except ValueError:
        return 0
    return next((step for step in (1, -1) if [label - step for label in theirs] == ours), 0)


def _check_spelling(labels: Sequence[np.ndarray | None]) -> None:
    """Refuse labels that differ only by the encoding of accents."""
    alike: dict[str, str] = {}
    for y in labels:
        for label in () if y is None or y.dtype.kind != "U" else map(str, np.unique(y)):
            if alike.setdefault(unicodedata.normalize("NFC", label), label) != label:
                raise DataError(
                    f"The label '{label}' is spelt in two ways that differ only by how accents are stored; "
                    "normalise the labels (unicodedata.normalize('NFC', label))."
                )


def _discrete(raw: Raw) -> np.ndarray:
    y = np.asarray(raw.y)
    if y.dtype.kind == "f":
        bad = y[~(np.isfinite(y) & (y == np.round(y)))]
        if len(bad) and not np.isfinite(bad).all():
            odd = bad[~np.isfinite(bad)][0]
            raise DataError(
                f"The labels of '{raw.name}' are not classes (one is {odd}); label these rows, or drop them."
            )
        if len(bad):
            raise DataError(
                f"The labels of '{raw.name}' are real numbers (one is {bad[0]}), and methods here learn classes: give "
                "each row a whole number or a string. Regression is for TransferRegressor, in Python, so far."
            )
    return y if y.dtype.kind == "U" else y.astype(np.int64)


def hold_out(domain: Domain, fraction: float, seed: int) -> Split:
    """Split a domain into training and held-out parts, stratified where it has labels; too few rows are not split.

    Both parts know which rows of the domain they are.
    """
    if domain.ids is None:
        domain = replace(domain, ids=np.arange(len(domain)))
    train, held = hold_out_index(domain.y, len(domain), fraction, seed)
    return Split(domain.subset(train), domain.subset(held)) if len(held) else Split(domain)


def hold_out_index(y: np.ndarray | None, n: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of a training and of a held-out part, each in ascending order.

    About ``fraction`` of ``n`` rows are held out, at least one, with the classes in proportion (largest remainders).
    Every class keeps a row for training, so that less or nothing is held out where classes have a single row.

    Args:
        y: ``(n,)`` labels to stratify by, or None.
        n: number of rows.
        fraction: to hold out, in [0, 1); 0 holds out nothing.
        seed: of the random choice.
    """
    if fraction == 0:
        return np.arange(n), np.empty(0, dtype=np.int64)
    rng = np.random.default_rng(seed)
    labels = np.zeros(n, dtype=np.int64) if y is None else y
    groups = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    room = np.array([len(group) - 1 for group in groups])
    wanted = np.array([len(group) * fraction for group in groups])
    quota = np.minimum(np.floor(wanted).astype(np.int64), room)
    short = max(1, round(n * fraction)) - quota.sum()
    ties = rng.permutation(len(groups))  # so that equal remainders do not favour the first classes
    for k in ties[np.argsort((quota - wanted)[ties], kind="stable")]:
        if short > 0 and quota[k] < room[k]:
            quota[k] += 1
            short -= 1
    held = np.sort(np.concatenate([group[:count] for group, count in zip(groups, quota, strict=True)]))
    return np.setdiff1d(np.arange(n), held), held
