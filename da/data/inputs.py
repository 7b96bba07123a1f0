"""How new samples become inputs of a method that was trained on a target: what a saved model keeps of its data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from da.data.class_folders import is_picture
from da.data.contents import below
from da.data.images import Images
from da.data.readers import read_table
from da.data.tables import Table
from da.data.validity import check_units
from da.domain import Domain, dense
from da.errors import DataError, few


@dataclass(frozen=True, eq=False)
class TableInputs:
    """Rows of tables.

    Args:
        columns: names of the features in their order; None where they have no names.
        label_column: see :class:`~da.data.features.Features`, as for the next.
        feature_key: name of an array.
        id_column: column that names rows.
        mean: ``(d,)`` that is taken off, where features were standardised.
        deviation: ``(d,)`` that is divided by.
    """

    columns: tuple[str, ...] | None
    label_column: str = "label"
    feature_key: str | None = None
    id_column: str | None = None
    mean: np.ndarray | None = None
    deviation: np.ndarray | None = None

    def read(self, path: Path) -> Domain:
        """The rows of a file, with their names and, as they are written, their labels, where it has any.

        Columns are found by their names; others than the model's are left out.

        Raises:
            DataError: the file cannot be read, or lacks columns; the message names them.
        """
        extra = self._strangers(path)
        table = read_table(
            path,
            label_column=self.label_column,
            feature_key=self.feature_key,
            left_out=extra,
            labelled=False,
            id_column=self.id_column if self._has_columns(path) else None,
        )
        x = self._ordered(path, table)
        return Domain(self.prepare(x), table.y, name=path.stem, ids=table.ids)

    def prepare(self, x: Any) -> Any:
        """Rows as the method takes them: a data frame's columns by their names, standardised where training was.

        Raises:
            DataError: a data frame lacks columns.
        """
        if hasattr(x, "columns") and hasattr(x, "to_numpy"):
            names = [str(name) for name in x.columns]
            if self.columns is not None:
                if lacking := [name for name in self.columns if name not in names]:
                    raise DataError(f"The data frame lacks the columns {few(lacking)}; the model was trained on them.")
                x = x[[x.columns[names.index(name)] for name in self.columns]]
            x = x.to_numpy(dtype=np.float64)
        if not sparse.issparse(x):
            x = np.asarray(x)
        return x if self.mean is None else (dense(x) - self.mean) / self.deviation

    def _ordered(self, path: Path, table: Table) -> Any:
        if self.columns is None or table.columns is None:
            return table.x
        if lacking := [name for name in self.columns if name not in table.columns]:
            raise DataError(f"'{path}' lacks the columns {few(lacking)}; the model was trained on them.")
        return table.x[:, [table.columns.index(name) for name in self.columns]]

    def _has_columns(self, path: Path) -> bool:
        return path.suffix.lower() in (".csv", ".parquet")

    def _strangers(self, path: Path) -> Sequence[str]:
        """Columns of a file that are no features of the model, such as words: they need not be numbers."""
        if self.columns is None or not self._has_columns(path) or not path.is_file():
            return ()
        known = {*self.columns, self.label_column, self.id_column}
        return tuple(name for name in names_of(path) if name not in known)


def names_of(path: Path) -> list[str]:
    """Names of the columns of a CSV or Parquet file."""
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        return [str(name) for name in pyarrow.parquet.read_schema(path).names]
    from da.data.delimited import read_delimited

    return [str(name) for name in read_delimited(path, text=()).columns]


PROBED = 256
"""Values of the target that a model keeps to tell the units of its inputs."""


def probe(target: Domain) -> np.ndarray:
    """``(1, m)`` a few values of a domain's inputs, the least and the greatest among them."""
    if getattr(target.x, "dtype", None) == np.uint8:  # any value of it says so
        return np.zeros((1, 1), np.uint8)
    few = target.x[np.linspace(0, len(target) - 1, min(len(target), 64)).astype(int)]
    values = np.asarray(few.toarray() if hasattr(few, "toarray") else few).reshape(-1)
    if not values.size:
        return np.zeros((1, 0))
    chosen = values[np.linspace(0, values.size - 1, min(values.size, PROBED)).astype(int)]
    return np.concatenate([chosen, [values.min(), values.max()]]).astype(values.dtype)[None]


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
    if np.dtype(values.dtype).kind == "f" and not np.isfinite(values).all():
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
        root, names = (path.parent, [path.name]) if path.is_file() else (path, self._names(path))
        if not names:
            raise DataError(f"'{path}' holds no images; give the folder of the images to predict.")
        x = Images(root, names, size=self.size, scale=self.scale, crop=self.crop)
        return Domain(x, name=path.name, ids=np.array(names, dtype=np.str_))

    def prepare(self, x: Any) -> Any:
        """Images as the method takes them."""
        return np.asarray(x)

    @staticmethod
    def _names(path: Path) -> list[str]:
        if not path.is_dir():
            raise DataError(f"There is no folder '{path}'; check the spelling.")
        return sorted(name for name, _ in below(path) if is_picture(name))
