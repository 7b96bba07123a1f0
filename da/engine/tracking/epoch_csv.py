"""Metrics of every evaluated epoch in one CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from da.results.record import write_atomically


class EpochCSV(Logger):
    """A CSV file that is complete after every row; a resumed run appends to it, a repeated one replaces its rows.

    Lightning's own CSV logger deletes the rows of an interrupted run.

    Args:
        file: file to write.
    """

    name = "csv"
    version = ""

    def __init__(self, file: Path):
        super().__init__()
        self.file = file
        self.rows: list[dict[str, Any]] = []
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as stream:
                self.rows = list(csv.DictReader(stream))

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows = [row for row in self.rows if int(row["step"]) < (step or 0)] + [{"step": step, **metrics}]
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        stream = io.StringIO()
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.file, stream.getvalue().encode())

    def log_hyperparams(self, *args: Any, **keywords: Any) -> None:
        """Do nothing: ``config.json`` and the record contain the hyper-parameters."""
