"""What the data say before anything is trained, in words; target labels are not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from da.data.grant import evenly
from da.domain import Domain, Task, dense, pool
from da.errors import UsageError

LIMIT = 2000
"""Samples of a domain that are looked at, evenly spaced: more would only cost time."""
ALIKE = 0.99
"""A p-value above this says that domains were made alike, as by standardising each by itself."""
NARROW = 50
"""Class shares of more classes are not printed one by one."""


def look(task: Task) -> str:
    """Sizes, class shares, and how far the domains are apart.

    Args:
        task: whose target labels are counted as present or not, and otherwise ignored.
    """
    source, target = pool(tuple(split.train for split in task.sources)), task.target.train
    held_out = [split.test for split in task.sources if split.test is not None and split.test is not split.train]
    lines = [
        f"source {source.name}: {_size(source)}, {sum(map(len, held_out))} more held out; {_classes(task, source)}",
        f"target {target.name}: {_size(target)}; labels: {'none' if target.y is None else 'there, and not looked at'}",
    ]
    if source.sample_shape != target.sample_shape:
        return _indented([*lines, "source and target differ in width, so they are not compared further"])
    return _indented([*lines, *compared(source, target.without_labels(), task.classes)])


def compared(source: Domain, target: Domain, classes: Sequence[str]) -> list[str]:
    """Sentences on how an unlabelled target differs from a source of the same features."""
    from da.analysis.distance import proxy_a_distance
    from da.analysis.two_sample import two_sample_test

    x_s, x_t = _rows(source), _rows(target)
    try:
        test = two_sample_test(x_s, x_t)
        said = [
            f"proxy A-distance {proxy_a_distance(x_s, x_t):.2f} (0: a linear classifier cannot tell the domains apart, "
            "2: it never confuses them)",
            f"two-sample test of p(x): p = {test.p:.3f} (squared MMD {test.statistic:.3g}, {test.permutations} "
            f"permutations of {test.sizes[0]} and {test.sizes[1]} samples)",
        ]
        if test.p > ALIKE:
            said.append(
                "the domains are more alike than two samples of one distribution: each was probably standardised by "
                "itself, which hides how far they are apart"
            )
    except UsageError as error:
        said = [str(error)]
    return said + (_shares(source, x_s, x_t, classes) if source.y is not None else [])


def _shares(source: Domain, x_s: np.ndarray, x_t: np.ndarray, classes: Sequence[str]) -> list[str]:
    from da.analysis.class_shares import class_shares

    try:
        found = class_shares(x_s, np.asarray(source.y)[evenly(len(source), LIMIT)], x_t)
    except UsageError as error:
        return [str(error)]
    if len(found.classes) > NARROW:
        return [f"class shares are not shown for {len(found.classes)} classes"]
    head = "if only class shares changed (label shift), which the data cannot show, the target's are, in %:"
    rows = zip(found.classes, found.source, found.target, found.low, found.high, strict=True)
    width = max(len(classes[k]) for k in found.classes)
    return [
        head,
        *(
            f"  {classes[k]:{width}}  {100 * q:5.1f}  (95 % interval {100 * low:.1f} to {100 * high:.1f}; source "
            f"{100 * p:.1f})"
            for k, p, q, low, high in rows
        ),
    ]


def _rows(domain: Domain) -> np.ndarray:
    """At most 2000 samples of a domain as ``(n, d)`` float64."""
    from da.estimators.arrays import as_numpy, matrix

    x: Any = domain.take(evenly(len(domain), LIMIT)).x
    return as_numpy(matrix(dense(x)))


def _size(domain: Domain) -> str:
    shape = " x ".join(map(str, domain.sample_shape))
    return f"{len(domain)} samples of {shape} feature{'s' * (shape != '1')}"


def _classes(task: Task, source: Domain) -> str:
    if source.y is None:
        return "labels: none"
    counts = np.bincount(np.asarray(source.y), minlength=task.n_classes)
    head = f"{task.n_classes} classes"
    if task.n_classes > NARROW:
        return f"{head} of {counts.min()} to {counts.max()} samples"
    shares = (f"{name} {100 * count / counts.sum():.1f} %" for name, count in zip(task.classes, counts, strict=True))
    return f"{head}: {', '.join(shares)}"


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
