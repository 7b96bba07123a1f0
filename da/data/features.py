"""Features from the user's own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from scipy import sparse

from da.bounds import ProperFraction, Seed
from da.data.columns import match
from da.data.inputs import TableInputs
from da.data.readers import SVMLIGHT, read_table
from da.data.splits import Raw, assemble
from da.data.tables import Table
from da.domain import Domain, Split, Task, dense
from da.errors import ConfigError, DataError, nearest, nearest_of_many
from da.files import File, locate
from da.metrics import OF_CLASSES
from da.setting import ALL, ANY, Access


class Features:
    """Tables of features from your own files: npz, mat, h5, csv, parquet or svmlight, one for each domain.

    Labels may be strings or any whole numbers; the classes are the sorted labels of the sources. The target may lack
    labels, by an absent or an empty column: nothing is scored then, but predictions are written. Named columns are
    matched by name, in any order. All svmlight files are widened to the widest of them.

    Args:
        source: a file, or several for several sources; read from the working folder, else from ``DA_DATA_DIR``.
        target: the target's file.
        target_test: the file to test on; None splits ``target``.
        label_column: name of the label column (csv, parquet) or array (npz, mat, h5).
        feature_key: name of the array of features (npz, mat, h5); None tries the usual ones.
        id_column: name of a column that identifies rows (csv, parquet) and is not a feature; predictions have it.
        drop: names of further columns (csv, parquet) that are not features.
        metric: the main metric on the target's test split: ``accuracy``, ``mean_class_accuracy`` or
            ``macro_f1``.
        test_fraction: fraction of the target to test on where there is no ``target_test``, stratified where it has
            labels; 0 uses all of it for adaptation and testing (transductive). None is 0.3 of a labelled target, and 0
            of one without labels, of which every row is predicted.
        validation_fraction: fraction of each source that is held out, stratified where it has labels; 0 is none.
        standardize: bring each feature to mean 0 and standard deviation 1 in each domain, by its training part.
        split_seed: seed of the splits.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL, spaces=ANY)
    named_by_files: ClassVar[bool] = True
    required: ClassVar[dict[str, str]] = {"source": "FILE", "target": "FILE"}
    licence: ClassVar[str] = "yours"
    citation: ClassVar[str] = "yours"

    def __init__(
        self,
        *,
        source: File | list[File] | None = None,
        target: File | None = None,
        target_test: File | None = None,
        label_column: str = "label",
        feature_key: str | None = None,
        id_column: str | None = None,
        drop: list[str] | None = None,
        metric: Literal["accuracy", "mean_class_accuracy", "macro_f1"] = "accuracy",
        test_fraction: ProperFraction | None = None,
        validation_fraction: ProperFraction = 0.1,
        standardize: bool = False,
        split_seed: Seed = 0,
    ):
        self.source, self.target, self.target_test, self.label_column = source, target, target_test, label_column
        self.feature_key, self.id_column, self.drop, self.metric = feature_key, id_column, drop, metric
        self.test_fraction, self.validation_fraction = test_fraction, validation_fraction
        self.standardize, self.split_seed = standardize, split_seed

    def load(self) -> Task:
        """Read, split and label the files.

        Raises:
            ConfigError: no source or target is named, or a fraction is outside [0, 1).
            DataError: a file is missing, unreadable, or does not fit the others.
        """
        if not self.source or not self.target:
            raise ConfigError("data=features needs data.source=FILE and data.target=FILE.")
        if self.metric not in OF_CLASSES:
            raise ConfigError(f"There is no data.metric={self.metric}; {nearest(self.metric, OF_CLASSES)}")
        sources = [self.source] if isinstance(self.source, str) else list(self.source)
        files = [locate(name) for name in (*sources, self.target, *([self.target_test] if self.target_test else []))]
        tables = [self._read(file, labelled=k < len(sources)) for k, file in enumerate(files)]
        self._check_left_out(tables)
        _check_types(files, tables)
        tables = match(files, tables, len(sources))
        raws = [Raw(table.x, table.y, file.stem, table.ids) for file, table in zip(files, tables, strict=True)]
        raws = _fitted(files, raws, len(sources))
        task = assemble(
            raws[: len(sources)],
            raws[len(sources)],
            raws[-1] if self.target_test else None,
            test_fraction=self.test_fraction,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
        )
        task = replace(task, metric=self.metric, columns=(tables[0].columns, tables[len(sources)].columns))
        task = replace(task, notes=tuple(doubts(files, tables)), id_name=self._id_name(tables[-1]))
        x = task.target.train.x
        reading = TableInputs(
            columns=task.columns[1],
            width=x.shape[1],
            is_sparse=sparse.issparse(x),
            label_column=self.label_column,
            feature_key=self.feature_key,
            id_column=self.id_column,
        )
        if not self.standardize:
            return replace(task, inputs=reading)
        standardized = tuple(map(_standardized, task.sources))
        mean, deviation = _moments(task.target)
        return replace(
            task,
            sources=standardized,
            target=_standardized(task.target),
            inputs=replace(reading, mean=mean, deviation=deviation),
        )

    def _id_name(self, table: Table) -> str:
        """What names the rows of a table: its column of names, or their numbers."""
        return "row" if table.ids is None or self.id_column is None else self.id_column

    def _apart(self) -> tuple[str, ...]:
        """Names of the columns that are not features."""
        return (() if self.id_column is None else (self.id_column,)) + tuple(self.drop or ())

    def _read(self, file: Path, *, labelled: bool) -> Table:
        return read_table(
            file,
            label_column=self.label_column,
            feature_key=self.feature_key,
            left_out=tuple(self.drop or ()),
            labelled=labelled,
            id_column=self.id_column,
        )

    def _check_left_out(self, tables: Sequence[Table]) -> None:
        """Refuse names of left-out columns that no file has: a misspelt one would stay a feature."""
        there = {name for table in tables for name in table.left_out}
        for name in self._apart():
            if name not in there:
                known = dict.fromkeys(column for table in tables for column in table.columns or ())
                option = "id_column" if name == self.id_column else "drop"
                raise DataError(f"data.{option} names '{name}', which no file has; {nearest_of_many(name, known)}")


UNSIGNED = ("uint8", "uint16")


def _check_types(files: Sequence[Path], tables: Sequence[Table]) -> None:
    """Refuse files of which one holds bytes and another 16-bit numbers, whatever their values are."""
    pair = [next((f for f, t in zip(files, tables, strict=True) if t.stored == kind), None) for kind in UNSIGNED]
    if all(pair):
        raise DataError(
            f"The features of '{pair[0]}' are bytes (0..255), and those of '{pair[1]}' 16-bit numbers (0..65535); "
            "bring all to one scale, and save them as one type."
        )


def _fitted(files: list[Path], raws: list[Raw], n_sources: int) -> list[Raw]:
    """Give the domains the columns that they must share: widen svmlight files, match sources, and test and target."""
    open_width = [file.suffix.lower() in SVMLIGHT for file in files]
    width = max((raw.x.shape[1] for raw, is_open in zip(raws, open_width, strict=True) if is_open), default=0)
    raws = [replace(r, x=_widened(r.x, width)) if is_open else r for r, is_open in zip(raws, open_width, strict=True)]
    for group in (range(n_sources), range(n_sources, len(raws))):
        first = group[0]
        for k in group[1:]:
            if raws[k].x.shape[1:] != raws[first].x.shape[1:]:
                raise DataError(
                    f"'{files[first]}' has features of shape {raws[first].x.shape[1:]} but '{files[k]}' of "
                    f"{raws[k].x.shape[1:]}; bring all sources, and the target and its test file, to the same columns."
                )
        if not all(sparse.issparse(raws[k].x) for k in group):  # pooled domains must be all dense or all sparse
            for k in group:
                raws[k] = replace(raws[k], x=dense(raws[k].x))
    return raws


def doubts(files: Sequence[Path], tables: Sequence[Table]) -> list[str]:
    """Sentences on properties of arrays that are allowed but rarely intended; each names all files concerned."""
    rows = sum(table.x.shape[0] for table in tables)
    wide = [f"'{f}'" for f, t in zip(files, tables, strict=True) if t.x.ndim == 2 and _transposed(t, rows)]
    last = [f"'{f}'" for f, t in zip(files, tables, strict=True) if t.x.ndim == 4 and _channels_last(t.x.shape)]
    sentences = []
    named = [f"'{f}'" for f, t in zip(files, tables, strict=True) if t.columns is not None]
    if 0 < len(named) < len(files):
        others = [f"'{f}'" for f, t in zip(files, tables, strict=True) if t.columns is None]
        sentences.append(
            f"The columns of {' and '.join(named)} have names and those of {' and '.join(others)} have none: they are "
            "taken to stand in the same order."
        )
    if wide:
        sentences.append(
            f"{' and '.join(wide)} have more columns than all files have rows; transpose them if rows are features."
        )
    if last:
        sentences.append(
            f"{' and '.join(last)} seem to hold images with channels last, and networks take (n, channels, height, "
            "width); transpose them with x.transpose(0, 3, 1, 2)."
        )
    return sentences


def _transposed(table: Table, rows: int) -> bool:
    """Whether a dense unlabelled table has more columns than all files have rows, so that it may be transposed."""
    return table.x.shape[1] > rows and table.y is None and not sparse.issparse(table.x)


def _channels_last(shape: tuple[int, ...]) -> bool:
    return shape[3] in (1, 3, 4) and shape[1] not in (1, 3, 4)


def _widened(x: Any, width: int) -> Any:
    return sparse.csr_matrix((x.data, x.indices, x.indptr), shape=(x.shape[0], width))


def _moments(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each feature in the training part."""
    x = split.train.x
    if sparse.issparse(x):
        raise DataError(
            f"data.standardize=true would fill the sparse matrix of '{split.train.name}'; "
            "set data.standardize=false, or save it as a dense array."
        )
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    return mean, np.where(deviation == 0, 1, deviation)  # a constant feature becomes 0


def _standardized(split: Split) -> Split:
    """Both parts of a domain, standardised by the training part."""
    mean, deviation = _moments(split)

    def scaled(domain: Domain) -> Domain:
        return replace(domain, x=(domain.x - mean) / deviation)

    train = scaled(split.train)
    if split.test is split.train:
        return Split(train, train)
    return Split(train, None if split.test is None else scaled(split.test))
