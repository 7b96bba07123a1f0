"""How much a data file may unpack to: a small file must not fill the memory."""

from __future__ import annotations

import os
from pathlib import Path

from da.errors import DataError

VARIABLE = "DA_MAX_GB"
DEFAULT = 64.0


def most_bytes() -> float:
    """The limit: :data:`DEFAULT` GB, or as many as the variable ``DA_MAX_GB`` says.

    Raises:
        DataError: it says no number above 0.
    """
    told = os.environ.get(VARIABLE)
    try:
        limit = float(told) if told else DEFAULT
    except ValueError:
        limit = float("nan")
    if not limit > 0:
        raise DataError(
            f"{VARIABLE}={told} is no number of gigabytes above 0; unset it, or write such as {VARIABLE}=64."
        )
    return limit * 1e9


def check_size(path: Path, size: float) -> None:
    """Refuse a file that unpacks to more than the limit.

    Args:
        path: the file.
        size: bytes that it says to unpack to.

    Raises:
        DataError: it is too large.
    """
    limit = most_bytes()
    if size > limit:
        raise DataError(
            f"'{path}' unpacks to {size / 1e9:.3g} GB, and {limit / 1e9:.3g} GB is the limit; if you trust it, set "
            f"{VARIABLE} to more."
        )
