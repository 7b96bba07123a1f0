"""Read tables of features from files of several formats, without ever executing anything in a file."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from scipy import sparse

from da.data.delimited import read_delimited
from da.data.limits import check_matlab, check_parquet, check_size
from da.data.tables import FEATURE_KEYS, LABEL_KEYS, Table, from_frame, tidy
from da.errors import DataError, few, nearest_of_many

SVMLIGHT = (".svmlight", ".libsvm", ".svm", ".txt")
"""Suffixes that are read as svmlight, whose files do not state their number of columns."""


class Wanted(NamedTuple):
    """Which labels and features to read from a file.

    Args:
        label_column: the column (csv, parquet) or the array (npz, mat, h5) that holds the labels.
        feature_key: the array (npz, mat, h5) that holds the features; None tries the usual names.
        left_out: columns (csv, parquet) that are not features.
        labelled: whether a named label column must exist; otherwise a file without it, or with an empty one, has no
            labels.
        id_column: column (csv, parquet) that names the rows, one of those left out.
    """

    label_column: str = "label"
    feature_key: str | None = None
    left_out: tuple[str, ...] = ()
    labelled: bool = True
    id_column: str | None = None


def read_table(
    path: str | Path,
    *,
    label_column: str = "label",
    feature_key: str | None = None,
    left_out: Sequence[str] = (),
    labelled: bool = True,
    id_column: str | None = None,
) -> Table:
    """Read the features and raw labels of a file, whose suffix determines the format.

    ==================================== ===============================================================================
    npz                                  ``X``, ``x``, ``features``, ``fts`` or ``data``, with ``y``, ``labels`` or
                                         ``label``; CSR parts ``<p>_data``, ``<p>_indices``, ``<p>_indptr`` and
                                         ``<p>_shape`` (labels also ``<p>_y``); or from ``scipy.sparse.save_npz``
    mat (v5 and v7.3), h5, hdf5          the same names; dense or sparse
    csv, parquet                         named columns, all numeric but ``label_column``; of csv, separated by comma,
                                         semicolon, tab or bar, in UTF-8 or UTF-16
    svmlight, libsvm, svm, txt           ``label index:value ...``; an index is the number of a column, so that files
                                         agree, and column 0 of files that count from 1 is empty
    ==================================== ===============================================================================

    Args:
        path: the file.
        label_column: see :class:`Wanted`, also for the other arguments.
        feature_key: name of an array.
        left_out: names of columns.
        labelled: whether a named label column must exist.
        id_column: column that names the rows; it is left out, too.

    Raises:
        DataError: one sentence that names the file, what is wrong and the remedy.
    """
    path = Path(path)
    reader = reader_of(path)
    if not path.is_file():
        raise DataError(f"There is no file '{path}'; check the spelling.")
    left_out = (*(() if id_column is None else (id_column,)), *left_out)
    wanted = Wanted(label_column, feature_key, left_out, labelled, id_column)
    if feature_key is not None and reader in (_csv, _parquet, _svmlight):
        raise DataError(f"'{path}' has columns, not arrays with names; leave out feature_key={feature_key}.")
    if left_out and reader not in (_csv, _parquet):
        raise DataError(f"'{path}' has no columns with names, so {few(left_out)} cannot be left out of it.")
    try:
        x, y, *columns = reader(path, wanted)
    except DataError:
        raise
    except ImportError as error:
        raise DataError(f"'{path}' cannot be read ({error}); install that package.") from error
    except Exception as error:  # third-party parsers raise errors of many kinds on a damaged file
        why = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise DataError(
            f"'{path}' cannot be read as {path.suffix.lower()[1:]} ({why}); check that it is whole and of that format."
        ) from error
    stored = str(getattr(x, "dtype", ""))
    return Table(*tidy(x, y, path), *columns)._replace(stored=stored)


def reader_of(path: Path) -> Callable[[Path, Wanted], tuple[Any, ...]]:
    """The function that reads a file, by its suffix.

    Raises:
        DataError: the path is a folder, or the format is unknown.
    """
    if path.is_dir():
        raise DataError(f"'{path}' is a folder; data=features reads files, and data=image_folder folders of images.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"'{path}' ends in '{path.suffix}', which is no known format; known: {', '.join(READERS)} "
            "(pickled files are never read: they can run code)."
        )
    return reader


def _npz(path: Path, wanted: Wanted) -> tuple[Any, Any]:
    with path.open("rb") as stream:  # NumPy leaves the file of a damaged archive open
        return _arrays(path, stream, wanted)


def _arrays(path: Path, stream: BinaryIO, wanted: Wanted) -> tuple[Any, Any]:
    def load(what: str, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            raise DataError(
                f"'{path}' holds Python objects ({what}), which are never loaded because a pickle can run code; "
                "save plain arrays, such as np.savez(file, x=x, y=y.astype(str))."
            ) from error

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            check_size(path, sum(part.file_size for part in packed.infolist()))
    archive = load("a pickle", lambda: np.load(stream, allow_pickle=False))
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise DataError(f"'{path}' is a single array, not an npz archive; save it with np.savez(file, x=x, y=y).")
    with archive:
        names = list(archive.files)
        parts = {name[: -len("indptr")] for name in names if name.endswith("indptr")}
        prefixes = sorted(p for p in parts if {p + "data", p + "indices", p + "shape"} <= set(names))
        if len(prefixes) > 1 and "X_" in prefixes:
            prefixes = ["X_"]
        if len(prefixes) > 1:
            raise DataError(
                f"'{path}' holds several sparse matrices ({few(p.rstrip('_') for p in prefixes)}); "
                "save the one that you mean in a file of its own."
            )
        label = _label_key(path, names, wanted, extra=[p + "y" for p in prefixes])
        y = None if label is None else load(f"under '{label}'", lambda: archive[label])
        if prefixes:
            data, indices, indptr, shape = (archive[prefixes[0] + p] for p in ("data", "indices", "indptr", "shape"))
            kind = str(archive[prefixes[0] + "format"].astype(str)) if prefixes[0] + "format" in names else "csr"
            return _compressed(path, kind, data, indices, indptr, shape), y
        key = _feature_key(path, names, wanted)
        return load(f"under '{key}'", lambda: archive[key]), y


def _compressed(path: Path, kind: str, data: Any, indices: Any, indptr: Any, shape: Any) -> Any:
    makers = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}
    if kind not in makers:
        raise DataError(f"'{path}' holds a sparse matrix of format '{kind}'; save matrix.tocsr() instead.")
    # unsigned or 64-bit parts are cast: SciPy needs signed indices, and all of one width
    matrix = makers[kind]((data, indices.astype(np.int64), indptr.astype(np.int64)), shape=tuple(map(int, shape)))
    matrix.check_format(full_check=True)
    return matrix


def _mat(path: Path, wanted: Wanted) -> tuple[Any, Any]:
    import h5py

    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            names = [name for name in file if not name.startswith("#")]
            return _named(path, names, wanted, lambda name: _mat73(path, name, _own(path, file, name)))
    from scipy.io import loadmat

    check_matlab(path)
    with warnings.catch_warnings():  # SciPy 1.20 returns sparse arrays where it returned matrices; both are read
        warnings.filterwarnings("ignore", message="The default value for `spmatrix`", category=DeprecationWarning)
        content: Mapping[str, Any] = loadmat(path)
    return _named(path, [name for name in content if not name.startswith("__")], wanted, content.__getitem__)


def _hdf5(path: Path, wanted: Wanted) -> tuple[Any, Any]:
    import h5py

    def get(name: str) -> Any:
        first, _, rest = name.partition("/")
        node = _own(path, file, first)  # and all within it
        return _array(path, name, node[rest] if rest else node)

    with h5py.File(path, "r") as file:
        inside: list[str] = []
        file.visit(inside.append)  # which follows no links
        return _named(path, list(dict.fromkeys([*file, *inside])), wanted, get)


def _own(path: Path, group: Any, name: str) -> Any:
    """Resolve a name inside an HDF5 file; an array stored elsewhere could be any file of this machine.

    Raises:
        DataError: it is a link to another file, or its values lie in other files, or it is too large.
    """
    import h5py

    if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
        raise DataError(
            f"'{name}' in '{path}' is a link to another file, which is not followed; store the array itself."
        )
    node = group[name]
    if node.file.filename != group.file.filename:  # a soft link may point to an external one
        raise DataError(f"'{name}' in '{path}' leads to another file, which is not followed; store the array itself.")
    if isinstance(node, h5py.Dataset):
        if node.external or node.is_virtual:
            raise DataError(
                f"'{name}' in '{path}' has its values in other files, which are not read; store them itself."
            )
        check_size(path, float(node.nbytes))
    else:
        for part in node:
            _own(path, node, part)
    return node


def _array(path: Path, name: str, node: Any) -> Any:
    if not hasattr(node, "dtype"):
        raise DataError(
            f"'{name}' in '{path}' is a group, not an array; name an array in it with feature_key or label_column "
            f"({few(f'{name}/{part}' for part in node) or 'it is empty'})."
        )
    return node.asstr()[()].astype(str) if node.dtype.kind == "O" else node[()]


def _mat73(path: Path, name: str, node: Any) -> Any:
    """Read an array of a MATLAB v7.3 file, which is HDF5 with the dimensions reversed."""
    if "MATLAB_sparse" in node.attrs:
        columns = node["jc"][()].astype(np.int64)
        if "data" not in node:  # MATLAB omits the values of an empty matrix
            return sparse.csc_matrix((int(node.attrs["MATLAB_sparse"]), len(columns) - 1))
        shape = (node.attrs["MATLAB_sparse"], len(columns) - 1)
        return _compressed(path, "csc", node["data"][()], node["ir"][()], columns, shape)
    if node.attrs.get("MATLAB_class", b"double") in (b"cell", b"char", b"struct", b"function_handle") or not hasattr(
        node, "dtype"
    ):
        raise DataError(f"'{name}' in '{path}' is not an array of numbers; save it as one (labels as integers).")
    return node[()].T


def _named(path: Path, names: Iterable[str], wanted: Wanted, get: Callable[[str], Any]) -> tuple[Any, Any]:
    names = list(names)
    label = _label_key(path, names, wanted)
    return get(_feature_key(path, names, wanted)), None if label is None else get(label)


def _feature_key(path: Path, names: list[str], wanted: Wanted) -> str:
    if wanted.feature_key is not None:
        if wanted.feature_key not in names:
            raise DataError(
                f"'{path}' has no array '{wanted.feature_key}'; {nearest_of_many(wanted.feature_key, names)}"
            )
        return wanted.feature_key
    candidates = [name for key in FEATURE_KEYS for name in names if name.lower() == key]
    if len(candidates) > 1:
        raise DataError(
            f"'{path}' holds {' and '.join(candidates)}, which may all be features; say which with feature_key."
        )
    if candidates:
        return candidates[0]
    raise DataError(
        f"'{path}' has no features: it holds {few(names) or 'nothing'}, but one of "
        f"{', '.join(FEATURE_KEYS)} is looked for; name the array with feature_key."
    )


def _label_key(path: Path, names: list[str], wanted: Wanted, extra: Iterable[str] = ()) -> str | None:
    if wanted.label_column in names:
        return wanted.label_column
    alike = [name for name in names if name.lower() == wanted.label_column.lower()]
    if wanted.label_column != "label" and alike:
        raise DataError(
            f"'{path}' has no '{wanted.label_column}' but {few(alike)}, which differs by case alone; give the "
            "labels of all files one name."
        )
    known = dict.fromkeys(key.lower() for key in (*LABEL_KEYS, *extra))
    candidates = [name for key in known for name in names if name.lower() == key]
    if wanted.label_column != "label" and not wanted.labelled:
        if candidates:
            raise DataError(
                f"'{path}' has no '{wanted.label_column}' but '{candidates[0]}', which looks like its labels; leave "
                "out label_column, so that each file's are found by their name, or rename the array."
            )
        return None
    if wanted.label_column != "label":  # the user named the column, so no other one is tried
        raise DataError(
            f"'{path}' has no '{wanted.label_column}': it holds {few(names)}; set label_column to one of these."
        )
    if len(candidates) > 1:
        raise DataError(
            f"'{path}' holds {' and '.join(candidates)}, which may all be labels; say which with label_column."
        )
    return candidates[0] if candidates else None


def _csv(path: Path, wanted: Wanted) -> Table:
    check_size(path, path.stat().st_size)
    frame = read_delimited(path, text=(wanted.label_column, *wanted.left_out))
    return _of_frame(frame, path, wanted)


def _parquet(path: Path, wanted: Wanted) -> Table:
    import pandas

    check_parquet(path)
    frame = pandas.read_parquet(path)
    indices = [str(name) for name in frame.index.names if name is not None]
    not_features = {wanted.label_column, *wanted.left_out}
    if lost := [name for name in indices if name not in not_features]:
        raise DataError(
            f"'{path}' has '{lost[0]}' as its index, which may be a feature or not; leave it out with "
            f"data.id_column={lost[0]}, or write the file after frame.reset_index()."
        )
    frame = frame.reset_index() if indices else frame
    exact = [name for name in frame.columns if isinstance(frame[name].dropna().head(1).squeeze(), Decimal)]
    frame = frame.astype({name: float for name in exact if name not in not_features})
    return _of_frame(frame, path, wanted)


def _of_frame(frame: Any, path: Path, wanted: Wanted) -> Table:
    """A table with the names of its rows, where they have any."""
    names = [str(name) for name in frame.columns]
    ids = None
    if wanted.id_column in names:
        ids = frame.iloc[:, names.index(wanted.id_column)].astype(str).to_numpy(dtype=np.str_)
    table = from_frame(frame, path, wanted.label_column, labelled=wanted.labelled, left_out=wanted.left_out)
    return table._replace(ids=ids)


def _svmlight(path: Path, wanted: Wanted) -> tuple[Any, Any]:
    from sklearn.datasets import load_svmlight_file

    check_size(path, path.stat().st_size)
    # zero_based="auto" would shift one file of a pair and not the other, so nothing is shifted
    x, y = load_svmlight_file(str(path), zero_based=True)
    return x, y


READERS: dict[str, Callable[[Path, Wanted], tuple[Any, ...]]] = {
    ".npz": _npz,
    ".mat": _mat,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".csv": _csv,
    ".parquet": _parquet,
    **dict.fromkeys(SVMLIGHT, _svmlight),
}
