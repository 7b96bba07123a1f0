"""Loggers of a run: CSV always (unless none is asked for), W&B or TensorBoard beside it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from da.bounds import NonNegative
from da.engine.tracking.epoch_csv import EpochCSV
from da.engine.tracking.tensorboard_run import TensorBoard
from da.engine.tracking.tracker import scores, until_recorded, warn
from da.engine.tracking.wandb_run import WandbRun

__all__ = ["EpochCSV", "csv", "none", "scores", "tensorboard", "until_recorded", "wandb"]


def none(directory: Path, info: dict[str, Any]) -> list[Logger]:
    """No logger; the record still holds every epoch."""
    return []


def csv(directory: Path, info: dict[str, Any]) -> list[Logger]:
    """``metrics.csv`` in the run's directory: a row for every evaluated epoch."""
    return [EpochCSV(directory / "metrics.csv")]


def tensorboard(directory: Path, info: dict[str, Any]) -> list[Logger]:
    """TensorBoard beside CSV: ``tensorboard --logdir runs``.

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
) -> list[Logger]:
    """Weights & Biases beside CSV; offline where no key is known, unless ``offline`` says otherwise.

    Offline runs, and those whose server was lost, lie in ``wandb`` below the run's directory: ``wandb sync`` uploads
    them. W&B's own ``WANDB_*`` variables hold (``WANDB_RUN_GROUP`` replaces the group, which is the task).

    Args:
        directory: the run's directory; W&B's own files go below it.
        info: ``name``, ``group``, ``tags`` and ``config`` of the run.
        project: the W&B project.
        offline: True never asks a server; None decides by whether a key is known.
        artifacts: keep weights, predictions, figures and record as artifacts; they take room on the server.
        patience: seconds to wait for W&B when the run is over.
    """
    loggers = csv(directory, info)
    if installed("wandb"):
        options = {"project": project, "offline": offline, "artifacts": artifacts}
        (rows,) = loggers
        assert isinstance(rows, EpochCSV)
        loggers.append(WandbRun(directory, info, rows, options, patience))
    return loggers


def installed(package: str) -> bool:
    """Whether an optional logger can be used; says in a line what to do if it cannot."""
    found = find_spec(package) is not None
    if not found:
        remedy = f'pip install "da[{package}]", or use logger=csv'
        warn(package, f"the package {package} is missing ({remedy}); the run goes on with metrics.csv and its record.")
    return found
