"""Criteria that select the reported epoch: one per file, higher is better; ``oracle_*`` reads target labels.

A criterion is a module here with ``READS``, the fields of :class:`Evidence` that it may read, and
``score(evidence) -> float``. The fields that it does not name are None when it is called. Modules whose names begin
with ``_`` hold functions that several criteria use.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """Outputs of a method after an epoch that criteria may read.

    Args:
        epoch: number of the epoch, from 1.
        source_z: ``(n, d)`` features of the source's held-out samples, where there are any.
        source_logits: ``(n, k)`` their logits.
        source_y: ``(n,)`` their labels.
        target_x: the ``m`` inputs of the target's training samples.
        target_z: ``(m, d)`` their features.
        target_logits: ``(m, k)`` their logits.
        answer: function from further ``(l, ...)`` inputs in the target's space to the method's ``(l, k)`` logits.
        test_accuracy: main metric on the labelled target test split, for the oracle only.
    """

    epoch: int | None = None
    source_z: Any = None
    source_logits: Any = None
    source_y: Any = None
    target_x: Any = None
    target_z: Any = None
    target_logits: Any = None
    answer: Callable[[Any], np.ndarray] | None = None
    test_accuracy: float | None = None


def names() -> list[str]:
    """Names of all criteria: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def criterion(name: str) -> Any:
    """The module of a criterion."""
    return importlib.import_module(f"{__name__}.{name}")


def score(name: str, evidence: Evidence) -> float | None:
    """Score of a criterion from the evidence that it declares to read; None if that is missing or the score is NaN."""
    module = criterion(name)
    hidden = {f.name: None for f in fields(Evidence) if f.name not in module.READS}
    seen = replace(evidence, **hidden)
    if any(getattr(seen, field) is None for field in module.READS):
        return None
    value = float(module.score(seen))
    return value if np.isfinite(value) else None
