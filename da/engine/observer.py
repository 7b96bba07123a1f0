"""Protocol of objects that observe a run and may stop it, without importing PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class Pruned(Exception):
    """A search pruned the run; its checkpoint is kept, and no record is written."""


class RunObserver(Protocol):
    """Protocol of an observer of a run."""

    def started(self, directory: Path, frozen: dict[str, Any]) -> None:
        """Called when the data are loaded and the run's directory is known."""

    def epoch(self, epoch: int, scores: dict[str, float | None]) -> bool:
        """Called after an epoch was evaluated; returning True prunes the run."""
