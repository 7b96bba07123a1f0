"""Read delimited text as a data frame: separator, decimal sign and encoding are detected, labels stay text."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from da.errors import DataError

SEPARATORS = (",", ";", "\t", "|")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>", "#N/A")
"""Missing values in a column of numbers; in a column of text these are ordinary values."""


def read_delimited(path: Path, text: Collection[str]) -> Any:
    """Read a file's rows as a pandas frame.

    The separator is the one of comma, semicolon, tab and bar that splits the first two lines into the same number of
    cells, and of several such ones the one with most cells; characters within quotes do not count. Where it is not the
    comma, numbers may have a decimal comma, unless all commas could be thousands separators (``1,250``). Byte-order
    marks are recognised.

    Args:
        path: the file.
        text: columns that stay text, such as labels: ``01`` stays ``01``, and ``None`` is an ordinary value.

    Raises:
        DataError: the file is not UTF-8, a column name occurs twice, rows differ in length from the first line, or
            commas are ambiguous.
    """
    import pandas

    encoding, separator, names = _header(path)
    if re.fullmatch(r"sep=.?", "".join(names[:1]), re.IGNORECASE) or (len(names) == 1 and names[0].startswith("#")):
        raise DataError(f"The first line of '{path}' begins with {names[0][:40]!r} and names no columns; take it out.")
    if len(names) == 1 and re.search(r"[\s\"]", names[0]):
        raise DataError(
            f"'{path}' has one column only, as no comma, semicolon, tab or bar stands between the names of its first "
            "line; separate them by commas."
        )
    if twice := [name for name in dict.fromkeys(names) if name and names.count(name) > 1]:
        raise DataError(
            f"'{path}' has {names.count(twice[0])} columns called '{twice[0]}'; give each a name of its own."
        )
    options: dict[str, Any] = {
        "sep": separator,
        "encoding": encoding,
        "header": 0,
        "names": [name or f"Unnamed: {k}" for k, name in enumerate(names)],
        "index_col": False,
        "dtype": dict.fromkeys(text, str),
        "keep_default_na": False,
        "na_values": {name: MISSING for name in names if name not in text},
        "low_memory": False,
        "skipinitialspace": True,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)  # pandas would drop values after the last name
            frame = pandas.read_csv(path, **options)
            if separator != "," and (words := _words(frame, text)):
                other = pandas.read_csv(path, **options, decimal=",")
                if read := [name for name in words if name not in _words(other, text)]:
                    _refuse_thousands(path, [cell for name in read for cell in frame[name].dropna() if "," in cell])
                    frame = other
    except UnicodeDecodeError as error:
        raise _undecoded(path, error) from error
    except (pandas.errors.ParserError, pandas.errors.ParserWarning):
        _refuse_ragged(path, encoding, separator, len(names))
        raise
    end = frame.iloc[:, -1]
    if (end.isna() | (end == "")).any():  # pandas fills the end of short rows
        _refuse_ragged(path, encoding, separator, len(names))
    return frame


def names_in(path: Path) -> list[str]:
    """Names of a file's columns, of which the first line is read.

    Raises:
        DataError: the line is not UTF-8.
    """
    return _header(path)[2]


def _header(path: Path) -> tuple[str, str, list[str]]:
    """Encoding, separator and names of columns."""
    encoding = _encoding(path)
    try:
        separator = _separator(path, encoding)
        return encoding, separator, [name.strip() for name in next(_lines(path, encoding, separator), [])]
    except UnicodeDecodeError as error:
        raise _undecoded(path, error) from error


def _separator(path: Path, encoding: str) -> str:
    def cells(separator: str) -> tuple[bool, int]:
        widths = [len(line) for line in islice(_lines(path, encoding, separator), 2)]
        return len(set(widths)) == 1 and widths[0] > 1, max(widths[:1], default=0)

    return max(SEPARATORS, key=cells)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        begin = file.read(64)
    mark = begin[:2]
    if begin[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        raise DataError(f"'{path}' is UTF-32; save it as UTF-8, such as with iconv -f utf-32 -t utf-8.")
    if mark == b"\x1f\x8b":
        raise DataError(f"'{path}' is packed with gzip; unpack it first (gunzip).")
    if mark not in (b"\xff\xfe", b"\xfe\xff") and b"\0" in begin:
        raise DataError(
            f"'{path}' seems to be UTF-16 without a byte-order mark; save it as UTF-8, such as with "
            "iconv -f utf-16le -t utf-8."
        )
    return "utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _lines(path: Path, encoding: str, separator: str) -> Iterator[list[str]]:
    """Yield the cells of each non-empty line."""
    with path.open(encoding=encoding, newline="") as file:
        yield from (cells for cells in csv.reader(file, delimiter=separator, skipinitialspace=True) if cells)


def _words(frame: Any, text: Collection[str]) -> list[str]:
    from pandas.api.types import is_numeric_dtype

    return [name for name in frame.columns if name not in text and not is_numeric_dtype(frame[name])]


def _refuse_thousands(path: Path, cells: Sequence[str]) -> None:
    """Refuse numbers all of whose commas could be thousands separators as well as decimal commas."""
    if all(THOUSANDS.fullmatch(cell.strip()) for cell in cells):
        raise DataError(
            f"'{path}' has numbers whose comma may be decimal or stand between thousands, such as {cells[0]!r}; write "
            "numbers with a decimal point and nothing between thousands."
        )


def _refuse_ragged(path: Path, encoding: str, separator: str, width: int) -> None:
    for number, cells in enumerate(islice(_lines(path, encoding, separator), 1, None), 1):
        if len(cells) != width:
            raise DataError(
                f"Row {number} of '{path}' has {len(cells)} values, and the first line names {width} columns; "
                "name every column, and give each row a value for each (empty where there is none)."
            ) from None


def _undecoded(path: Path, error: UnicodeDecodeError) -> DataError:
    return DataError(
        f"'{path}' is not UTF-8 text (byte 0x{error.object[error.start]:02x}); save it as UTF-8, such as with "
        f"iconv -f latin1 -t utf-8."
    )
