"""Words of a command line that names a run's folder and a few keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from da.errors import UsageError, few, nearest


def run_and_keys(
    words: Sequence[str], keys: Sequence[str], usage: str, needed: Sequence[str] = ()
) -> tuple[Path, dict[str, str]]:
    """The run's folder, and the values of the keys that were given.

    Args:
        words: of the command line.
        keys: that may be given, as ``key=value``.
        usage: how it is written, for the message.
        needed: those of the keys that must be given.

    Raises:
        UsageError: a key is unknown, without a value or not given, or not exactly one run is named.
    """
    folders = [word for word in words if "=" not in word or Path(word).is_dir()]
    pairs = [word.partition("=")[::2] for word in words if word not in folders]
    given = dict(pairs)
    if len(given) < len(pairs):
        raise UsageError(f"a key is given twice: {usage}")
    for key, value in given.items():
        if key not in keys:
            raise UsageError(f"There is no key '{key}'; {nearest(key, keys)}")
        if not value:
            raise UsageError(f"{key}= has no value; write {usage}")
    if len(folders) != 1:
        raise UsageError(f"name one run: {usage}")
    if lacking := [key for key in needed if key not in given]:
        raise UsageError(f"give {few(lacking)}: {usage}")
    return Path(folders[0]).expanduser(), given


def flag(key: str, value: str) -> bool:
    """The value of a key that is true or false.

    Raises:
        UsageError: it is neither.
    """
    if value.lower() not in ("true", "false"):
        raise UsageError(f"{key}={value} is neither true nor false.")
    return value.lower() == "true"


def writable_file(file: Path, key: str, apart_from: Sequence[Path] = ()) -> None:
    """Make the folder of a file that is to be written.

    Args:
        file: to be written.
        key: that named it, for messages.
        apart_from: files and folders in which it must not lie.

    Raises:
        UsageError: the file is a folder or one of those, or its folder cannot be made.
    """
    for place in apart_from:
        if file.resolve().is_relative_to(place.resolve()):
            raise UsageError(f"{key}={file} would be written over {place} or into it; name another file.")
    if file.is_dir():
        raise UsageError(f"{key}={file} is a folder; name a file in it.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{key}={file} cannot be written ({error.strerror}); name another file.") from error
