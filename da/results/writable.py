"""Whether results can be written where they are to go, asked before anything is computed."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from da.errors import ConfigError

DEEPEST = "x/" * 150
"""About as long as the longest path of a run's file below the results folder."""


def check(output: Path) -> None:
    """Try to write beside or in a results folder; nothing is left there.

    Raises:
        ConfigError: a part of the path is a file, too long, or lies where this user may not write.
    """
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.stat(output / DEEPEST)
    except OSError as error:
        raise _refusal(output, error) from error
    place = next(folder for folder in (output, *output.absolute().parents) if os.path.lexists(folder))
    if not place.is_dir():
        raise ConfigError(f"output={output} cannot be a folder: '{place}' is a file; name another folder.")
    for part in output.parts:
        if len(os.fsencode(part)) > os.pathconf(place, "PC_NAME_MAX"):
            raise _refusal(output, OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)))
    try:
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        raise _refusal(output, error) from error


def _refusal(output: Path, error: OSError) -> ConfigError:
    shown = str(output) if len(str(output)) < 80 else f"{str(output)[:60]}... ({len(str(output))} characters)"
    return ConfigError(
        f"output={shown} cannot be written to ({error.strerror}); name another folder with output=FOLDER."
    )
