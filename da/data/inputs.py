"""How new samples become inputs of a method that was trained on a target: what a saved model keeps of its data set."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from da.data.class_folders import is_picture
from da.data.contents import below
from da.data.delimited import names_in
from da.data.images import Images
from da.data.readers import SVMLIGHT, read_table
from da.data.tables import Table
from da.data.validity import check_units
from da.domain import Domain, dense
from da.errors import DataError, few


@dataclass(frozen=True, eq=False)
class TableInputs:
    """Rows of tables.

    Args:
        columns: names of the features in their order; None where they have no names.
        width: number of features.
        is_sparse: rows are sparse; other ones are made dense.
        label_column: see :class:`~da.data.features.Features`, as for the next.
        feature_key: name of an array.
        id_column: column that names rows.
        mean: ``(d,)`` that is taken off, where features were standardised.
        deviation: ``(d,)`` that is divided by.
    """

    columns: tuple[str, ...] | None
    width: int
    is_sparse: bool
    label_column: str = "label"
    feature_key: str | None = None
    id_column: str | None = None
    mean: np.ndarray | None = None
    deviation: np.ndarray | None = None

    def read(self, path: Path) -> Domain:
        """The rows of a file, with their names and, as they are written, their labels, where it has any.

        Columns are found by their names; others than the model's are left out. Labels that cannot be read are left
        out with a warning.

        Raises:
            DataError: the file cannot be read, or lacks columns; the message names them.
        """
        names = names_of(path) if _has_columns(path) else None
        if names and self.columns is not None:
            self._check_columns(f"'{path}'", names)
        table = self._table(path, names)
        x = table.x
        if table.columns is not None and self.columns is not None:
            x = x[:, [table.columns.index(name) for name in self.columns]]
        elif self.columns is not None or table.columns is not None:
            both = ("the training data", f"'{path}'")
            named, other = both if table.columns is None else both[::-1]
            warnings.warn(
                f"The columns of {named} have names and those of {other} have none: they are taken to stand in the "
                "same order.",
                stacklevel=2,
            )
        if path.suffix.lower() in SVMLIGHT and x.shape[1] < self.width:  # such files do not say how wide they are
            x = sparse.csr_matrix((x.data, x.indices, x.indptr), shape=(x.shape[0], self.width))
        return Domain(self.prepare(x), table.y, name=path.stem, ids=table.ids)

    def prepare(self, x: Any) -> Any:
        """Rows as the method takes them: a data frame's columns by their names, standardised where training was.

        Raises:
            DataError: a data frame lacks columns, or something is no number.
        """
        if hasattr(x, "columns") and hasattr(x, "to_numpy"):
            names = [str(name) for name in x.columns]
            if self.columns is not None:
                self._check_columns("The data frame", names)
                x = x[[x.columns[names.index(name)] for name in self.columns]]
            x = x.to_numpy()
        x = as_inputs(x)
        x = x if self.is_sparse else dense(x)
        return x if self.mean is None or tuple(x.shape[1:]) != self.mean.shape else (x - self.mean) / self.deviation

    def _check_columns(self, where: str, names: Sequence[str]) -> None:
        if lacking := [name for name in self.columns or () if name not in names]:
            raise DataError(f"{where} lacks the columns {few(lacking)}; the model was trained on them.")

    def _table(self, path: Path, names: Sequence[str] | None) -> Table:
        """A file's content; columns that are no features of the model, such as words, need not be numbers."""
        known = {*(names or () if self.columns is None else self.columns), self.label_column, self.id_column}
        strangers = [name for name in names or () if name not in known]
        wanted: dict[str, Any] = {
            "feature_key": self.feature_key,
            "labelled": False,
            "id_column": self.id_column if names is not None and self.id_column in names else None,
        }
        try:
            return read_table(path, label_column=self.label_column, left_out=strangers, **wanted)
        except DataError as error:
            if self.label_column not in (names or ()):
                raise
            without = [*strangers, self.label_column]
            table = read_table(path, label_column=f"no {self.label_column}", left_out=without, **wanted)
            warnings.warn(f"Labels are not read: {error}", stacklevel=3)
            return table


def as_inputs(x: Any) -> Any:
    """Samples that somebody gives, as an array of numbers or CSR rows.

    Raises:
        DataError: they are no numbers.
    """
    if sparse.issparse(x):
        return x.tocsr()
    x = np.asarray(x)
    if x.dtype.kind in "biuf":
        return x
    try:
        return x.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"The samples are not all numbers ({error}); give features as numbers.") from error


def _has_columns(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".parquet") and path.is_file()


def names_of(path: Path) -> list[str]:
    """Names of the columns of a CSV or Parquet file; none where it cannot be read, which its reader says better."""
    try:
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet

            return [str(name) for name in pyarrow.parquet.read_schema(path).names]
        return names_in(path)
    except Exception:  # third-party parsers raise errors of many kinds on a damaged file
        return []


LOOKED_AT = 64
"""Samples of rows that are read on access, evenly spaced, whose values tell a domain's units."""


def probe(target: Domain) -> np.ndarray:
    """``(1, m)`` the least and greatest value of a domain's inputs, and a fraction between where not all are whole.

    It tells the units of inputs as they themselves do (:func:`~da.data.validity.check_units`), and nothing of a sample
    but these.
    """
    x = target.x
    if getattr(x, "dtype", None) == np.uint8:  # any value of it says so
        return np.zeros((1, 1), np.uint8)
    if not (isinstance(x, np.ndarray) or sparse.issparse(x)):
        x = np.asarray(x[np.linspace(0, len(target) - 1, min(len(target), LOOKED_AT)).astype(int)])
    values = x.data if sparse.issparse(x) else x
    if not values.size:
        return np.zeros((1, 0))
    ends = [values.min(), values.max()]
    whole = bool((values == np.round(values)).all())
    inside = [] if whole or any(end != np.round(end) for end in ends) else [ends[0] + 0.5]
    return np.array([[*ends, *inside]], dtype=values.dtype)


def check_fit(x: Any, shape: tuple[int, ...], probe: np.ndarray) -> None:
    """Refuse new samples of another shape or units than a model's target.

    Args:
        x: ``(n, ...)`` inputs.
        shape: of one input of the target.
        probe: of the target, see :func:`probe`.

    Raises:
        DataError: shape or units differ, or values are not finite.
    """
    if tuple(x.shape[1:]) != shape or not len(x.shape):
        raise DataError(
            f"The samples have shape {tuple(x.shape)}; the model takes (n, {str(shape)[1:-1].rstrip(',')})."
        )
    values = x.data if sparse.issparse(x) else x
    if isinstance(values, np.ndarray) and values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError("The samples have NaN or infinite values; impute or drop them first.")
    if x.shape[0]:
        check_units({"the target that the model was trained on": [probe], "the samples": [x]})


@dataclass(frozen=True)
class ImageInputs:
    """Images of a folder.

    Args:
        size, scale, crop: see :class:`~da.data.images.Images`.
    """

    size: int
    scale: int
    crop: bool

    def read(self, path: Path) -> Domain:
        """All images below a folder, or a single one, with their paths as names; they are decoded on access.

        Raises:
            DataError: there are none.
        """
        if path.suffix.lower() == ".zip":
            raise DataError(f"'{path}' is an archive; unpack it, and give the folder of the images.")
        root, names = (path.parent, [path.name]) if path.is_file() else (path, self._names(path))
        if not names:
            raise DataError(f"'{path}' holds no images; give the folder of the images to predict.")
        x = Images(root, names, size=self.size, scale=self.scale, crop=self.crop)
        return Domain(x, name=path.name, ids=np.array(names, dtype=np.str_))

    def prepare(self, x: Any) -> Any:
        """Images as the method takes them."""
        return as_inputs(x)

    @staticmethod
    def _names(path: Path) -> list[str]:
        if not path.is_dir():
            raise DataError(f"There is no folder '{path}'; check the spelling.")
        return sorted(name for name, _ in below(path) if is_picture(name))
