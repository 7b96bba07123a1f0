"""Hashes of the contents of many files; only files that are new or may have changed are read again."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from da.data.cache import cache_dir
from da.errors import DataError
from da.files import write_atomically

FileStamp = tuple[int, int, int, int]
"""A file's inode, size in bytes, and times of the last change of its content and of its inode, in nanoseconds."""
SETTLED = 2_000_000_000
"""Nanoseconds after which another write to a file certainly changes its times, however coarse the disk's clock is."""
WORTH = 100_000_000
"""Bytes that must have been read for their hashes to be stored for later runs."""
_KNOWN: dict[str, dict[str, tuple[FileStamp, str]]] = {}


def digests(root: Path, names: Sequence[str]) -> list[str]:
    """Hashes (hex) of the contents of files.

    Args:
        root: a folder.
        names: of the files, relative to it.

    Raises:
        OSError: a file is missing.
    """
    from tqdm import tqdm

    place = str(root.absolute())
    if place not in _KNOWN:
        _KNOWN[place] = _kept(place)
    known = _KNOWN[place]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        wanted = list(dict.fromkeys(names))
        stamps = dict(zip(wanted, pool.map(lambda name: _stamp((root / name).stat()), wanted), strict=True))
        by_name = {name: known[name][1] for name in wanted if name in known and known[name][0] == stamps[name]}
        unread = [name for name in wanted if name not in by_name]
        begun, size = time.time_ns(), sum(stamps[name][1] for name in unread)
        # disable=None shows the bar on terminals only
        hidden = None if size >= WORTH else True
        read = tqdm(pool.map(lambda name: _digest(root / name), unread), f"hashing {root.name}", len(unread),
                    unit="file", disable=hidden)  # fmt: skip
        by_name |= dict(zip(unread, read, strict=True))
    known |= {name: (stamps[name], by_name[name]) for name in unread if _settled(stamps[name], begun)}
    if size >= WORTH:
        _keep(place, known)
    return [by_name[name] for name in names]


def state(paths: Iterable[Path]) -> str:
    """A hash that changes with any file at or below some paths, computed without reading them.

    A file that was written to a moment ago may be written to again within the resolution of the disk's clock, so in
    that case every call returns a different hash.
    """
    now = time.time_ns()
    stamps = [(str(path), name, _stamp(status)) for path in paths for name, status in below(path)]
    fresh = None if all(_settled(stamp, now) for _, _, stamp in stamps) else now
    return hashlib.sha256(json.dumps([fresh, sorted(stamps)]).encode()).hexdigest()


def below(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files below a folder by relative paths with forward slashes; a file itself has an empty one.

    Links are followed, except to a folder that contains them. A dangling link counts as a file.

    Raises:
        DataError: a folder cannot be read.
    """
    if path.is_dir():
        real = path.resolve()
        yield from _walk(str(path), "", {_place(folder.stat()) for folder in (real, *real.parents)})
    else:
        yield "", path.stat()


def _walk(folder: str, prefix: str, above: set[tuple[int, int]]) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"The folder '{folder}' cannot be read ({error}); mend its permissions.") from error
    for entry in entries:
        try:
            status = entry.stat()
        except OSError:
            status = entry.stat(follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            yield prefix + entry.name, status
        elif (place := _place(status)) not in above:
            yield from _walk(entry.path, f"{prefix}{entry.name}/", above | {place})


def _place(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _stamp(status: os.stat_result) -> FileStamp:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _settled(stamp: FileStamp, now: int) -> bool:
    return max(stamp[2:]) + SETTLED < now


def regular(file: Path) -> Path:
    """Return the file if it is a regular one: reading a device or pipe might never end.

    Raises:
        OSError: it is a device or pipe, or missing.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError("it is no regular file")
    return file


def _digest(file: Path) -> str:
    with regular(file).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _file(place: str) -> Path:
    return cache_dir() / "contents" / f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.json"


def _kept(place: str) -> dict[str, tuple[FileStamp, str]]:
    """Hashes that earlier runs stored; empty if their file is missing or damaged."""
    try:
        checksum, text = _file(place).read_text(encoding="utf-8").split("\n", 1)
    except (OSError, ValueError):
        return {}
    if hashlib.sha256(text.encode()).hexdigest() != checksum:
        return {}
    return {name: (tuple(stamp), digest) for name, (stamp, digest) in json.loads(text).items()}


def _keep(place: str, known: dict[str, tuple[FileStamp, str]]) -> None:
    text = json.dumps(known)
    try:
        write_atomically(_file(place), f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}".encode())
    except OSError as error:
        print(f"The hashes of the files in {place} are not kept ({error}); the next run reads them again.", flush=True)
