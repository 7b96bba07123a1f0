"""Running statistics of normalisation layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """Do not update running means and variances; in training mode a batch is still normalised by its own statistics."""
    tracking = [m for m in module.modules() if getattr(m, "track_running_stats", False)]
    for layer in tracking:
        layer.track_running_stats = False  # type: ignore[assignment]  # a plain attribute of normalisation layers
    try:
        yield
    finally:
        for layer in tracking:
            layer.track_running_stats = True  # type: ignore[assignment]  # as above
