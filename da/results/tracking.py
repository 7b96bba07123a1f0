"""Loggers of a run; the only place that knows W&B."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger

from da.errors import ConfigError


def none(directory: Path, info: dict[str, Any]) -> list[Logger]:
    """No logger; the record still holds every epoch."""
    return []


def csv(directory: Path, info: dict[str, Any]) -> list[Logger]:
    """``metrics.csv`` in the run's directory."""
    return [CSVLogger(directory, name="", version="logs")]


def wandb(directory: Path, info: dict[str, Any], *, project: str = "da", offline: bool | None = None) -> list[Logger]:
    """Weights & Biases beside CSV; offline where no key is known, unless ``offline`` says otherwise.

    Args:
        directory: the run's directory; W&B's own files go below it.
        info: ``name``, ``group``, ``tags`` and ``config`` of the run.
        project: the W&B project.
        offline: True never asks a server; None decides by whether a key is known.
    """
    try:
        import wandb as client
    except ImportError as error:
        raise ConfigError('logger=wandb needs the package wandb: pip install "da[wandb]", or use logger=csv.') from error
    if offline is None:
        offline = not (os.environ.get("WANDB_API_KEY") or client.api.api_key)
    logger = WandbLogger(
        project=project,
        offline=offline,
        save_dir=str(directory),
        name=info["name"],
        group=info["group"],
        tags=info["tags"],
        config=info["config"],
    )
    return [*csv(directory, info), logger]
