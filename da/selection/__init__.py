"""How the reported epoch is chosen: one criterion a file, higher is better; ``oracle_*`` reads target labels.

A criterion is a module here with ``READS``, the fields of :class:`Evidence` that it may look at, and
``score(evidence) -> float``. The fields that it does not name are None when it is called.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """What may be known of a method after an epoch.

    Args:
        epoch: number of the epoch, from 1.
        source_logits: ``(n, k)`` on the source's held-out samples, where there are any.
        source_y: ``(n,)`` their labels.
        target_z: ``(m, d)`` features of the target's training samples.
        target_logits: ``(m, k)`` their logits.
        test_accuracy: main metric on the labelled target test split: the oracle's.
    """

    epoch: int | None = None
    source_logits: np.ndarray | None = None
    source_y: np.ndarray | None = None
    target_z: np.ndarray | None = None
    target_logits: np.ndarray | None = None
    test_accuracy: float | None = None


def names() -> list[str]:
    """All criteria, found by file."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def criterion(name: str) -> Any:
    """The module of a criterion."""
    return importlib.import_module(f"{__name__}.{name}")


def score(name: str, evidence: Evidence) -> float | None:
    """A criterion's score of the evidence that it declares to read; None where that is missing or has no score."""
    module = criterion(name)
    hidden = {f.name: None for f in fields(Evidence) if f.name not in module.READS}
    seen = replace(evidence, **hidden)
    if any(getattr(seen, field) is None for field in module.READS):
        return None
    value = float(module.score(seen))
    return value if np.isfinite(value) else None
