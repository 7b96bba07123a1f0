"""Check and convert tables of features, whatever format they were read from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from da.data.delimited import MISSING
from da.errors import DataError, few, nearest_of_many

FEATURE_KEYS = ("x", "features", "fts", "data", "fea", "feas", "feat", "feats", "xs", "xt")
LABEL_KEYS = ("y", "labels", "label", "gnd", "ys", "yt")
LONGEST = 200  # characters of a label
NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d*)?([eE][+-]?\d+)?")


class Table(NamedTuple):
    """A file's content.

    Args:
        x: ``(n, d)`` floats, dense or CSR (an npz may hold ``(n, ...)``, and ``uint8`` images keep their type).
        y: ``(n,)`` labels as in the file, integers, floats or strings, or None where the file has none.
        columns: names of the features, if they have names.
        left_out: columns of the file that were left out on request.
        stored: the type of the features in the file.
        ids: ``(n,)`` names of the rows, if a column has them.
    """

    x: Any
    y: np.ndarray | None
    columns: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    stored: str = ""
    ids: np.ndarray | None = None


def tidy(x: Any, y: Any, path: Path) -> tuple[Any, np.ndarray | None]:
    """Convert features to floats (dense or CSR), and check that there is one label for each row.

    Integers become floats wide enough for them, because two-dimensional bytes are counts, not pixels; only ``uint8``
    images ``(n, channels, height, width)`` keep their type.

    Raises:
        DataError: the features are not numbers, or not one non-empty row for each sample.
    """
    if not sparse.issparse(x):
        x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise DataError(f"The features in '{path}' are {x.dtype}, not numbers; save them as an array of numbers.")
    if x.ndim < 2 or 0 in x.shape:
        raise DataError(f"The features in '{path}' have shape {tuple(x.shape)}; give one row per sample, (n, d).")
    if sparse.issparse(x):
        x = sparse.csr_matrix(x)
    if not (x.dtype == np.uint8 and x.ndim == 4):
        width = np.result_type(x.dtype, np.float32)
        x = x.astype(width if width.itemsize <= 8 else np.float64)  # tensors have no extended precision
    return x, None if y is None else _tidy_labels(y, x.shape[0], path)


def _tidy_labels(y: Any, n: int, path: Path) -> np.ndarray:
    y = np.asarray(y.toarray() if sparse.issparse(y) else y)
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8")
    if y.dtype.kind not in "biufU":
        raise DataError(f"The labels in '{path}' are {y.dtype}; save them as whole numbers or plain strings.")
    if y.size != n or max(y.shape, default=0) != n:
        raise DataError(
            f"'{path}' has {n} rows of features but labels of shape {tuple(y.shape)}; give one label for each row "
            "(and transpose the features if they are (d, n))."
        )
    y = y.reshape(n)
    return np.char.strip(y) if y.dtype.kind == "U" else y  # MATLAB pads strings to one length


def from_frame(
    frame: Any,
    path: Path,
    label_column: str,
    *,
    labelled: bool = True,
    left_out: Sequence[str] = (),
) -> Table:
    """Separate the numeric columns and the label column of a data frame.

    Args:
        frame: as read; changed in place.
        path: of the file, for messages.
        label_column: name of the labels' column.
        labelled: whether a label column with another name than ``label`` must exist, with a value in each row;
            otherwise the file may lack it, or leave it empty.
        left_out: columns that are not features; those that the file lacks are ignored.

    Raises:
        DataError: there are no rows, no header, an unnamed or non-numeric column, no such label column, or rows
            without a label.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    frame.columns = names = [str(name) for name in frame.columns]
    if any(name.startswith("Unnamed: ") for name in names):
        raise DataError(
            f"'{path}' has a column without a name, probably row numbers, which are no feature; "
            "name it, or write the file with to_csv(file, index=False)."
        )
    if names != [str(k) for k in range(len(names))] and all(_is_number(name) or name in MISSING for name in names):
        raise DataError(f"The first line of '{path}' holds numbers, not names; add a line with a name for each column.")
    if not len(frame):  # without values the types of the columns cannot be checked
        raise DataError(f"'{path}' has a header but no rows; give at least one sample.")
    if label_column in left_out:
        raise DataError(
            f"'{label_column}' holds the labels and is no feature anyway; take it out of data.drop, or name another "
            "data.label_column."
        )
    present = tuple(name for name in left_out if name in names)
    frame = frame.drop(columns=list(present))
    y = None
    if label_column in names:
        y = _label_column(frame.pop(label_column), path, labelled)
    elif label_column != "label" and labelled:
        raise DataError(f"'{path}' has no column '{label_column}'; {nearest_of_many(label_column, names)}")
    elif labelled or label_column == "label":
        # a label column under another name must not become a feature
        alike = [name for name in frame.columns if name.lower() in (*LABEL_KEYS, "class", "target")]
        if alike:
            raise DataError(
                f"'{path}' has no column 'label' but one called '{alike[0]}'; "
                f"set label_column={alike[0]} if these are the labels, or rename the column if it is a feature."
            )
    words = [name for name in frame.columns if not (is_numeric_dtype(frame[name]) or is_bool_dtype(frame[name]))]
    if words:
        raise DataError(_not_numbers(frame, words, path))
    return Table(frame.to_numpy(dtype=np.float64, na_value=np.nan), y, tuple(frame.columns), present)


def _label_column(column: Any, path: Path, labelled: bool) -> np.ndarray | None:
    """A column's labels, as numbers if all of them are written as numbers, else as text."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    missing = np.flatnonzero(column.isna() | (column.astype(str).str.strip() == ""))
    if len(missing) == len(column) and not labelled:
        return None
    if len(missing):
        raise DataError(
            f"'{path}' has no '{column.name}' in {len(missing)} of {len(column)} rows ({few(missing + 1)}); "
            "label or drop these rows, or drop the whole column where there are no labels."
        )
    if is_bool_dtype(column):
        return column.to_numpy().astype(str)  # as they are in a csv
    if is_numeric_dtype(column):
        y = column.to_numpy()
        return y.astype(np.float64) if y.dtype.kind == "O" else y  # nullable columns come as objects
    texts = [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in column]
    if odd := next((text for text in texts if len(text) > LONGEST or "\n" in text), None):
        raise DataError(
            f"'{path}' has a label of {len(odd)} characters and {odd.count(chr(10)) + 1} lines in '{column.name}', "
            f"which begins with {odd[:20]!r}; close its quotes, or name the column of labels with label_column."
        )
    words = np.array([text.strip() for text in texts])
    if any("," in word for word in words):
        pointed = np.array([word.replace(",", ".") for word in words])
        words = pointed if all(map(NUMBER.fullmatch, pointed)) else words  # decimal commas
    if not all(map(NUMBER.fullmatch, words)):  # 01 is text
        return words
    numbers = words.astype(np.float64)
    if len(np.unique(words)) > len(np.unique(numbers)):  # 1e1 and 10 are different labels
        return words
    if (numbers != np.round(numbers)).any() or (np.abs(numbers) < 2.0**53).all():
        return numbers.astype(np.int64) if (numbers == np.round(numbers)).all() else numbers
    return words  # floats cannot distinguish such large whole numbers


def _not_numbers(frame: Any, words: Sequence[str], path: Path) -> str:
    """Message on the columns that do not hold numbers, with the first such value and a remedy."""
    from pandas import to_numeric

    column = frame[words[0]]
    numbers = to_numeric(column, errors="coerce")
    odd = [v for v, n in zip(column, numbers, strict=True) if n != n and v == v] or [v for v in column if v == v]
    shown = str(odd[0])[:20]
    remedy = (
        "write numbers with a decimal point and nothing between thousands"
        if re.fullmatch(r"[+-]?\d[\d., ]*", shown)
        else "close its quotes"
        if "\n" in shown
        else f"encode them, leave them out with data.drop=[{words[0]}], or name the column of labels with label_column"
    )
    return f"'{path}' has columns that are not numbers ({few(words)}), such as {shown!r} in '{words[0]}'; {remedy}."


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
