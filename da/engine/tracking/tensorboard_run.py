"""TensorBoard in addition to CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from da.engine.tracking.tracker import Tracker, figures

FOLDER = "tensorboard"


class TensorBoard(Tracker):
    """Event files in the run's directory, with the names of ``metrics.csv``; scores of the record as HParams metrics.

    Events that a repeated run wrote before are hidden from its first step on, as the rows of ``metrics.csv`` are
    replaced.

    Args:
        directory: the run's directory.
        config: the run's configuration.
    """

    name = FOLDER

    def __init__(self, directory: Path, config: dict[str, Any]):
        super().__init__()
        self.directory, self.config = directory, config
        self.writer: Any = None
        self.step = 0

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        from pytorch_lightning.loggers import TensorBoardLogger

        if self.writer is None:
            self.writer = TensorBoardLogger(self.directory, FOLDER, "", default_hp_metric=False, purge_step=step)
        self.writer.log_metrics(metrics, step)
        self.writer.experiment.flush()  # so that a killed run keeps its epochs
        self.step = step

    def end(self, outcome: dict[str, Any], directory: Path) -> None:
        if self.writer is None:
            return  # the run failed before the first epoch ended
        shown = {name: value for name, value in figures(outcome).items() if not isinstance(value, str)}
        self.writer.log_hyperparams(self.config, shown, self.step)
        self.writer.experiment.close()
