"""Locate data files; the only module that knows the data folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from da.errors import DataError
from da.signatures import find

VARIABLE = "DA_DATA_DIR"
File = Annotated[str, "a path"]
"""Annotation of a constructor's parameter that names a file or folder, whose content is part of a run's inputs.

See :func:`named_by`.
"""
WEIGHTS = ("model.safetensors", "model.pt")
"""Names of the file of weights in a run's directory: as runs write it, and as earlier versions did."""
RANDOM = "random"
"""Value of a parameter of weights for random initialisation."""
LATER = "loaded later"
"""Value of a parameter of weights for a network built as for pretrained ones, which are loaded afterwards."""


def data_dir() -> Path:
    """The folder of the data sets: the variable ``DA_DATA_DIR``, else ``data`` in the working folder."""
    return Path(os.environ.get(VARIABLE) or "data").expanduser()


def require(relative_path: str, sha256: str | None = None) -> Path:
    """The path of a data set's file below :func:`data_dir`, checked to exist and, given ``sha256``, to be unchanged.

    Args:
        relative_path: with forward slashes, such as ``digits/usps.npz``.
        sha256: expected checksum of the content, in hex.

    Raises:
        DataError: the file is missing or differs; the message names the file and ``DA_DATA_DIR``.
    """
    path = data_dir() / relative_path
    if not path.is_file():
        raise DataError(
            f"There is no file '{relative_path}' in the data folder '{data_dir()}' ({_state()}); "
            f"put it there, or point {VARIABLE} at the folder that holds it."
        )
    if sha256 is not None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != sha256:
            raise DataError(
                f"The file '{relative_path}' in the data folder '{data_dir()}' ({_state()}) is damaged or another "
                f"version: its sha256 is {digest[:12]}..., not {sha256[:12]}...; fetch it anew."
            )
    return path


def locate(path: str) -> Path:
    """Path of a file or folder that a user names: relative to the working folder, else to :func:`data_dir`.

    Raises:
        DataError: it is in neither place.
    """
    expanded = Path(path).expanduser()
    for candidate in (expanded, data_dir() / expanded):
        if candidate.exists():
            return candidate
    raise DataError(
        f"There is no '{path}', neither in the working folder '{Path.cwd()}' nor in the data folder '{data_dir()}' "
        f"({_state()}); check the spelling or give the whole path."
    )


def weights_of(directory: Path) -> Path | None:
    """The file of weights that a run left in its directory; None if there is none."""
    return next((directory / name for name in WEIGHTS if (directory / name).is_file()), None)


def named_by(node: Mapping[str, Any]) -> Iterator[Path]:
    """Existing files and folders named by a node of a configuration and the nodes within it.

    Args:
        node: a ``_target_`` with its keywords. Those that its signature marks with :data:`File` are paths, and so are
            weights other than random ones.
    """
    for path in names_in(node):
        with suppress(DataError):  # reported by the code that reads the file
            yield locate(path)


def names_in(node: Mapping[str, Any]) -> Iterator[str]:
    """The file and folder names of :func:`named_by` as the configuration gives them."""
    signature = find(str(node.get("_target_", "")))
    known = signature.keywords() if signature else {}
    paths = {key for key, p in known.items() if re.search(r"\b(File|Weights)\b", p.annotation)}
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from names_in(value)
        elif key in paths and value not in (RANDOM, LATER):
            yield from [value] if isinstance(value, str) else value or ()


def _state() -> str:
    value = os.environ.get(VARIABLE)
    return f"{VARIABLE}={value}" if value else f"{VARIABLE} is not set"


def write_atomically(file: Path, content: bytes) -> Path:
    """Write to a temporary name in the same folder, sync, rename; links are followed, and devices written to."""
    if file.exists() and not file.is_file() and not file.is_dir():  # a pipe or device, such as /dev/stdout
        with file.open("wb") as stream:
            stream.write(content)
        return file
    named, file = file, file.resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return named
