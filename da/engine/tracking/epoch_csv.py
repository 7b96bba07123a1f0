"""Metrics of every evaluated epoch in one CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from da.files import write_atomically


class EpochCSV:
    """A CSV file that is complete after every row; a resumed run appends to it, a repeated one replaces its rows.

    Lightning's own CSV logger deletes the rows of an interrupted run.

    Args:
        file: file to write.
    """

    name = "csv"

    def __init__(self, file: Path):
        self.file = file
        self.rows: list[dict[str, Any]] = []
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as stream:
                self.rows = list(csv.DictReader(stream))

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Write a row; those of this step and later ones, which an interrupted run left, go."""
        self.rows = [row for row in self.rows if int(row["step"]) < step] + [{"step": step, **metrics}]
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        stream = io.StringIO()
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.file, stream.getvalue().encode())
