"""Who is told of a run while it lasts, and how it is given up; nothing here imports PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class Pruned(Exception):
    """A search gave the run up; its checkpoint stays, and no record is written."""


class RunObserver(Protocol):
    """Who is told of a run while it lasts."""

    def started(self, directory: Path, frozen: dict[str, Any]) -> None:
        """The data are loaded, and the run's directory is known."""

    def epoch(self, epoch: int, scores: dict[str, float | None]) -> bool:
        """An epoch was evaluated; True gives the run up."""
