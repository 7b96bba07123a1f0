"""Limits on the uncompressed size of data files, so that a small file cannot fill the memory."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from pathlib import Path

from da.errors import DataError, few

VARIABLE = "DA_MAX_GB"
DEFAULT = 64.0
COMPRESSED = 15  # type of a compressed element of a .mat file
PIECE = 1 << 20  # bytes decompressed at a time


def most_bytes() -> float:
    """The limit in bytes: :data:`DEFAULT` GB, or the value of the variable ``DA_MAX_GB``.

    Raises:
        DataError: the variable is not a number above 0.
    """
    text = os.environ.get(VARIABLE)
    try:
        limit = float(text) if text else DEFAULT
    except ValueError:
        limit = float("nan")
    if not limit > 0:
        raise DataError(
            f"{VARIABLE}={text} is no number of gigabytes above 0; unset it, or write such as {VARIABLE}=64."
        )
    return limit * 1e9


def check_matlab(path: Path) -> None:
    """Apply :func:`check_size` to the whole content of a ``.mat`` file of version 5, including structs and cells.

    Its compressed parts are decompressed piece by piece, only to count their bytes.

    Raises:
        DataError: it unpacks to more than the limit.
    """
    total = 0.0
    with path.open("rb") as file:
        head = file.read(128)
        order = "little" if head[126:128] == b"IM" else "big"  # as SciPy does, whatever the other bytes are
        if 0 in head[:4]:  # version 4 has no compression
            check_size(path, path.stat().st_size)
            return
        while len(tag := file.read(8)) == 8:
            kind, size = (int.from_bytes(part, order) for part in (tag[:4], tag[4:]))  # type: ignore[arg-type]  # mypy takes order for any text
            if kind != COMPRESSED:
                total += size
                file.seek(size, os.SEEK_CUR)
                check_size(path, total)
                continue
            unpacking, left = zlib.decompressobj(), size
            while left > 0 and (packed := file.read(min(left, PIECE))):
                left -= len(packed)
                while packed:
                    total += len(unpacking.decompress(packed, PIECE))
                    packed = unpacking.unconsumed_tail
                    check_size(path, total)


def check_parquet(path: Path) -> None:
    """Apply :func:`check_size` to a parquet file, whose repeated values may be stored once with a count.

    Raises:
        DataError: it is too large, two columns have one name, or one holds lists or tables.
    """
    from pyarrow import types
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        fields = list(file.schema_arrow)
        if twice := [name for name, count in Counter(field.name for field in fields).items() if count > 1]:
            raise DataError(f"'{path}' has several columns called '{twice[0]}'; give each a name of its own.")
        if nested := [field.name for field in fields if types.is_nested(field.type)]:
            raise DataError(
                f"'{path}' has lists or tables in columns ({few(nested)}); give each number a column of its own."
            )
        groups = [file.metadata.row_group(k) for k in range(file.metadata.num_row_groups)]
        total = sum(max(g.total_byte_size, 8.0 * g.num_rows * g.num_columns) for g in groups)
        check_size(path, total)
        words = [field.name for field in fields if not (types.is_primitive(field.type) or types.is_null(field.type))]
        for batch in file.iter_batches(batch_size=256, columns=words) if words else ():
            total += batch.nbytes
            check_size(path, total)


def check_size(path: Path, size: float) -> None:
    """Refuse a file that unpacks to more than the limit.

    Args:
        path: the file.
        size: uncompressed size in bytes that it states.

    Raises:
        DataError: it is too large.
    """
    limit = most_bytes()
    if size > limit:
        raise DataError(
            f"'{path}' unpacks to {size / 1e9:.3g} GB, and {limit / 1e9:.3g} GB is the limit; if you trust it, set "
            f"{VARIABLE} to more."
        )
