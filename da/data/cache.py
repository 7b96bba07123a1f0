"""Cache of computed arrays: files named by the hash of what they depend on, read through memory maps."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from da.data.apart import keep, kept
from da.errors import DataError

VARIABLE = "DA_CACHE_DIR"
DIGEST = 32  # bytes of the checksum that follows the array in its file


def cache_dir() -> Path:
    """The folder of cached results: the variable ``DA_CACHE_DIR``, else ``cache`` in the working folder."""
    return Path(os.environ.get(VARIABLE) or "cache").expanduser()


def cached(relative_path: str, compute: Callable[[], np.ndarray], what: str) -> np.ndarray:
    """Load an array from its file below :func:`cache_dir`, or compute it and write the file.

    A file is an ordinary ``.npy`` followed by its checksum. It is written atomically, so processes may compute the same
    array at once; a damaged one is computed again.

    Args:
        relative_path: path of the file; it must change with anything that changes the array.
        compute: computes the array.
        what: description of the array for the user, such as ``features of webcam``.

    Returns:
        The array, read-only and memory-mapped.

    Raises:
        DataError: the folder cannot be written.
    """
    path = cache_dir() / relative_path
    if path.is_file():
        try:
            array = _read(path)
        except (OSError, ValueError, EOFError) as error:
            print(f"{path} is damaged ({error}); the {what} are computed anew.", flush=True)
        else:
            print(f"The {what} are read from {path}.", flush=True)
            return array
    computed = compute()
    try:
        _write(path, computed)
    except OSError as error:
        raise DataError(
            f"The {what} cannot be kept below '{cache_dir()}' ({error}); point {VARIABLE} at a folder with room."
        ) from error
    print(f"The {what} are kept in {path}.", flush=True)
    return _read(path)


def _read(path: Path) -> np.ndarray:
    raw: Any = np.memmap(path, dtype=np.uint8, mode="r")
    if len(raw) < DIGEST or hashlib.sha256(raw[:-DIGEST]).digest() != raw[-DIGEST:].tobytes():
        raise ValueError("its checksum is wrong")
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _write(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w+b") as stream:
            np.save(stream, array, allow_pickle=False)
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").digest()
            stream.write(digest)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class CachedRows:
    """Rows of an array that are read on access, as inputs of a :class:`~da.domain.Domain`.

    The array may hold the rows of other splits too, so the object has no reference to it: see :mod:`da.data.apart`.

    Args:
        array: ``(n, ...)``, such as a memory map.
        index: ``(m,)`` indices of the rows, in order.
    """

    def __init__(self, array: np.ndarray, index: np.ndarray):
        self._array, self._index = keep(array), index
        self.shape: tuple[int, ...] = (len(index), *array.shape[1:])
        self.dtype: np.dtype[Any] = array.dtype

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: Any) -> np.ndarray:
        rows = kept(self._array)[self._index[index]]
        return np.asarray(rows) if rows.base is None else np.array(rows)  # a single row would be a view of the array

    def subset(self, index: Any) -> CachedRows:
        """The rows at ``index``, without reading them."""
        return CachedRows(kept(self._array), self._index[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)
