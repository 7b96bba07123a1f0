"""Records as a data frame, a row for each run: for notebooks, exports and questions that no table answers.

Columns: identity (``method``, ``data``, ``task``, ``seed``, ``status``, ...), ``config.KEY`` with keys as on the
command line, ``figure.RULE`` (the main metric on the target test split in percent, by the rule that selects the epoch;
none where the target has no labels), ``score.RULE`` (the rule's own score of the epoch that it chose, in its own unit,
higher is better: what methods are compared by without target labels), ``seconds.PART``, and ``error`` of what failed.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.errors import UsageError
from da.files import write_atomically
from da.results import store
from da.results.record import Record

if TYPE_CHECKING:
    from pandas import DataFrame

SUFFIXES = (".csv", ".parquet")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
IDENTITY = ("method", "data", "seed", "status", "family", "setting", "run_id", "fingerprint", "device", "parameters")
"""Columns that are a record's attributes of the same name."""
REPEATED = ("method", "data", "task", "status", "family", "setting", "device", "code", "error_kind")
"""Columns of few values: kept as categories, which group faster."""


def collect(folder: str | Path) -> DataFrame:
    """Every readable record below a folder as a row, in the order of data, task, method and seed, what failed last.

    Warns of records that cannot be read.

    Args:
        folder: as given to runs by ``output=``; runs may lie at any depth.

    Raises:
        UsageError: the folder is not there, or pandas is missing.
    """
    place = store.existing(Path(folder))
    with store.collector_off():
        records = store.scan(place)
        if complaint := records.complaint():
            warnings.warn(complaint, stacklevel=2)
        return frame(records.records)


def frame(records: Iterable[Record]) -> DataFrame:
    """Records as rows; a column is missing where no record has its key.

    Args:
        records: as :func:`da.results.store.load` gives them.

    Raises:
        UsageError: pandas is missing.
    """
    library = pandas()
    blocks: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}  # rows with the same columns are transposed at once
    for r in records:
        row = _row(r)
        blocks.setdefault(tuple(row), []).append(tuple(row.values()))
    made: dict[str, list[Any]] = {column: [] for columns in blocks for column in columns}
    for columns, rows in blocks.items():
        own = dict(zip(columns, zip(*rows, strict=True), strict=True))
        for column, values in made.items():
            values.extend(own.get(column) or [None] * len(rows))
    ordered = sorted(made, key=_place)
    whole = library.DataFrame({column: made[column] for column in ordered})
    for column in REPEATED:
        if column in whole:
            whole[column] = whole[column].astype("category")
    keys = [column for column in ("data", "task", "method", "seed") if column in whole]
    if not keys:
        return whole
    placed = whole.sort_values(keys, kind="stable")
    return placed.sort_values("status", key=lambda status: status != "finished", kind="stable", ignore_index=True)


def grouped(whole: DataFrame, rule: str = "last", by: tuple[str, ...] = ("data", "task", "method")) -> DataFrame:
    """Mean, sample standard deviation and number over seeds of a rule's figures.

    Args:
        whole: such as :func:`collect` gives it.
        rule: the selection rule.
        by: the columns that tell groups apart; add ``config.KEY`` where a sweep varied it.
    """
    finished = whole[whole["status"] == "finished"]
    return finished.groupby(list(by), observed=True)[f"figure.{rule}"].agg(["mean", "std", "count"])


def harmless(cell: Any) -> Any:
    """A cell for a spreadsheet: a word that it would run as a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def guarded(whole: DataFrame) -> DataFrame:
    """The frame with harmless cells."""
    words = [column for column in whole if whole[column].dtype.kind not in "biuf"]
    return whole.assign(**{column: whole[column].astype(object).map(harmless) for column in words})


def write(whole: DataFrame, file: Path) -> Path:
    """Write a frame as CSV or Parquet, by the file's suffix.

    Raises:
        UsageError: another suffix, or pyarrow is missing.
    """
    stream = io.BytesIO()
    if file.suffix == ".csv":
        guarded(whole).to_csv(stream, index=False)
    elif file.suffix == ".parquet":
        try:
            _typed(whole).to_parquet(stream, index=False)
        except ImportError as error:
            raise UsageError('Parquet needs pyarrow: pip install "da[formats]", or write a .csv file.') from error
    else:
        raise UsageError(f"{file} has the suffix '{file.suffix}'; frames are written as {' or '.join(SUFFIXES)}.")
    return write_atomically(file, stream.getvalue())


def _typed(whole: DataFrame) -> DataFrame:
    """Every column of one type, as Parquet wants it: what is a number in one run and a word in another becomes text."""
    typed = whole.convert_dtypes()
    for column in typed.select_dtypes("object").columns:
        typed[column] = [None if value is None else str(value) for value in whole[column]]
    return typed


def pandas() -> Any:
    """The package, loaded only when a frame is asked for.

    Raises:
        UsageError: it is missing.
    """
    try:
        import pandas as library
    except ImportError as error:
        raise UsageError('Data frames need pandas: pip install "da[formats]".') from error
    return library


def _row(r: Record) -> dict[str, Any]:
    row: dict[str, Any] = {key: getattr(r, key) or None for key in IDENTITY}
    row |= {"seed": r.seed, "status": r.status.value, "parameters": r.parameters}
    row |= {"task": r.task and r.task.name, "transductive": r.task and r.task.transductive}
    row |= {"code": r.code.source or None, "finished": r.ended or None, "directory": r.directory and str(r.directory)}
    _flatten("config", r.config, row)
    for rule, chosen in r.selection.items():
        if chosen.target_test:
            row[f"figure.{rule}"] = r.main_of(chosen.target_test)
        if chosen.score is not None:
            row[f"score.{rule}"] = chosen.score
    for part, value in r.seconds.items():
        row[f"seconds.{part}"] = value
    row["error"], row["error_kind"] = r.error or None, r.error_kind or None
    return row


def _flatten(key: str, node: Mapping[str, Any], row: dict[str, Any]) -> None:
    for name, value in node.items():
        if isinstance(value, dict):
            _flatten(f"{key}.{name}", value, row)
        elif isinstance(value, list):
            row[f"{key}.{name}"] = json.dumps(value)  # a cell that CSV and Parquet can hold
        else:
            row[f"{key}.{name}"] = value


def _place(column: str) -> tuple[int, str]:
    """Identity first, then scores, seconds, configuration and errors."""
    first = ("data", "task", "method", "seed", "status", *IDENTITY)
    if column in first:
        return first.index(column), column
    kinds = ("figure", "score", "seconds", "error", "error_kind", "config")
    kind = column.partition(".")[0]
    return 100 + (kinds.index(kind) if kind in kinds else -1), column
