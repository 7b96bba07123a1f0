"""The predictions that a run, or a model that it left, makes: as a table that people read, and as arrays."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from da.domain import Domain, Task
from da.files import write_atomically
from da.setting import NONE, Access

TABLE = "predictions.csv"
ARRAYS = "predictions.npz"
DIGITS = 6
"""Significant digits of a probability in a table."""


def probabilities(logits: np.ndarray) -> np.ndarray:
    """``(n, k)`` softmax of logits, in double precision."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def is_clustering(needs: Access) -> bool:
    """Whether a method sees no label at all, so that its classes are clusters without names."""
    return needs.source_y == NONE and needs.target_y == NONE


def names_of(classes: Sequence[str], needs: Access) -> list[str]:
    """Names of what a method predicts: the classes, or ``cluster 0``, ... of one that sees no label."""
    return [f"cluster {k}" for k in range(len(classes))] if is_clustering(needs) else list(classes)


def write_table(
    file: Path,
    logits: np.ndarray,
    names: Sequence[str],
    ids: Any,
    *,
    id_name: str,
    labels: Any = None,
    certain: bool = True,
) -> Path:
    """Write predictions as CSV: a row for each sample with its name, predicted class, its probability, and its label.

    Args:
        file: where to.
        logits: ``(n, k)``.
        names: of the ``k`` classes or clusters that are predicted.
        ids: ``(n,)`` names of the samples; None numbers them from 0.
        id_name: what the names are; heads the first column.
        labels: ``(n,)`` names of known classes; None leaves the column ``label`` out.
        certain: whether the logits tell probabilities; else the column ``probability`` is empty.
    """
    best = logits.argmax(axis=1)
    shown = [""] * len(best)
    if certain:
        shown = [f"{value:.{DIGITS}g}" for value in probabilities(logits).max(axis=1)]
    stream = io.StringIO(newline="")
    rows = csv.writer(stream, lineterminator="\n")
    taken = ("prediction", "probability", "label")
    rows.writerow(
        [
            f"{id_name} (id)" if id_name in taken else id_name,
            "prediction",
            "probability",
            *([] if labels is None else ["label"]),
        ]
    )
    for k, name in enumerate(range(len(best)) if ids is None else ids):
        known = [] if labels is None else [labels[k]]
        rows.writerow([name, names[int(best[k])], shown[k], *known])
    return write_atomically(file, stream.getvalue().encode())


def save(directory: Path, logits: np.ndarray, test: Domain, task: Task, method: Any) -> None:
    """Write both files of a run's target test samples, with their labels where they are known.

    Args:
        directory: of the run.
        logits: ``(n, k)``.
        test: the samples.
        task: that they are of.
        method: that predicted them.
    """
    names = names_of(task.classes, method.needs)
    labels = None if test.y is None else [task.classes[int(y)] for y in np.asarray(test.y)]
    known: dict[str, Any] = {} if test.y is None else {"y": np.asarray(test.y)}
    known |= {} if test.ids is None else {"ids": np.asarray(test.ids)}
    stream = io.BytesIO()
    np.savez_compressed(stream, logits=logits, predicted=logits.argmax(1), classes=np.array(names), **known)
    write_atomically(directory / ARRAYS, stream.getvalue())
    certain = method.tells_probabilities
    write_table(directory / TABLE, logits, names, test.ids, id_name=task.id_name, labels=labels, certain=certain)
