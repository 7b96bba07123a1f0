"""Loggers of a run; the only place that knows W&B."""

from __future__ import annotations

import csv as csv_format
import io
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from da.errors import ConfigError
from da.results.record import write_atomically


def none(directory: Path, info: dict[str, Any]) -> list[Logger]:
    """No logger; the record still holds every epoch."""
    return []


def csv(directory: Path, info: dict[str, Any]) -> list[Logger]:
    """``metrics.csv`` in the run's directory: a row for every evaluated epoch."""
    return [EpochCSV(directory / "metrics.csv")]


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
        raise ConfigError(
            'logger=wandb needs the package wandb: pip install "da[wandb]", or use logger=csv.'
        ) from error
    if offline is None:
        offline = not client.login(prompt=False, verify=False)
    logger = OneRun(
        project=project,
        mode="offline" if offline else None,  # Lightning's own `offline` asks for a mode that W&B no longer has
        save_dir=str(directory),
        name=info["name"],
        group=info["group"],
        tags=info["tags"],
        config=info["config"],
    )
    return [*csv(directory, info), logger]


class OneRun(WandbLogger):
    """W&B's run ends with ours; else the next run of a sweep in the same process would go on in it."""

    @rank_zero_only
    def finalize(self, status: str) -> None:
        super().finalize(status)
        self.experiment.finish(exit_code=int(status != "success"))


class EpochCSV(Logger):
    """One CSV file, whole after every row; a resumed run goes on in it, a repeated one replaces its rows.

    Lightning's own CSV logger deletes what an interrupted run had written.

    Args:
        file: where to write.
    """

    name = "csv"
    version = ""

    def __init__(self, file: Path):
        super().__init__()
        self.file = file
        self.rows: list[dict[str, Any]] = []
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as stream:
                self.rows = list(csv_format.DictReader(stream))

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows = [row for row in self.rows if int(row["step"]) < (step or 0)] + [{"step": step, **metrics}]
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        stream = io.StringIO()
        writer = csv_format.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.file, stream.getvalue().encode())

    def log_hyperparams(self, *args: Any, **keywords: Any) -> None:
        """Nothing: ``config.json`` and the record hold them."""
