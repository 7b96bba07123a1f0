"""Loggers of a run: CSV always (except for ``logger=none``), and W&B or TensorBoard in addition."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from da.bounds import NonNegative
from da.engine.tracking.epoch_csv import EpochCSV
from da.engine.tracking.tensorboard_run import TensorBoard
from da.engine.tracking.tracker import RunLogger, scores, until_recorded, warn
from da.engine.tracking.wandb_run import WandbRun

__all__ = ["EpochCSV", "csv", "none", "scores", "tensorboard", "until_recorded", "wandb"]


def none(directory: Path, info: dict[str, Any]) -> list[RunLogger]:
    """No logger; the record still has every epoch."""
    return []


def csv(directory: Path, info: dict[str, Any]) -> list[RunLogger]:
    """``metrics.csv`` in the run's directory: a row for every evaluated epoch."""
    return [EpochCSV(directory / "metrics.csv")]


def tensorboard(directory: Path, info: dict[str, Any]) -> list[RunLogger]:
    """TensorBoard in addition to CSV: ``tensorboard --logdir runs``.

    Args:
        directory: the run's directory; event files go to ``tensorboard`` below it.
        info: ``config`` of the run.
    """
    return [*csv(directory, info), *([TensorBoard(directory, info["config"])] if installed("tensorboard") else [])]


def wandb(
    directory: Path,
    info: dict[str, Any],
    *,
    project: str = "da",
    offline: bool | None = None,
    artifacts: bool = True,
    patience: NonNegative = 60.0,
) -> list[RunLogger]:
    """Weights & Biases in addition to CSV; offline if there is no API key, unless ``offline`` is set.

    Offline runs, and those that lost the connection, are in ``wandb`` below the run's directory: ``wandb sync`` uploads
    them. W&B's own ``WANDB_*`` variables apply (``WANDB_RUN_GROUP`` replaces the group, which is the task).

    Args:
        directory: the run's directory; W&B's own files go below it.
        info: ``name``, ``group``, ``tags`` and ``config`` of the run.
        project: the W&B project.
        offline: True never contacts a server; None is online if there is an API key.
        artifacts: upload weights, predictions, figures and record as artifacts, which take space on the server.
        patience: seconds to wait for W&B when the run is over.
    """
    rows = EpochCSV(directory / "metrics.csv")
    if not installed("wandb"):
        return [rows]
    options = {"project": project, "offline": offline, "artifacts": artifacts}
    return [rows, WandbRun(directory, info, rows, options, patience)]


def installed(package: str) -> bool:
    """Whether the package of an optional logger is installed; prints a line with the remedy if it is not."""
    present = find_spec(package) is not None
    if not present:
        remedy = f'pip install "da[{package}]", or use logger=csv'
        warn(package, f"the package {package} is missing ({remedy}); the run goes on with metrics.csv and its record.")
    return present
