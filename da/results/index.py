"""An index beside records, so that many of them load at once; it is never believed about a file that changed.

Reading 10,000 files and checking every epoch in them takes many seconds, and lists and frames look at none of the
epochs. The index holds what the records say in one file. A record is taken from it only while its own file still has
the inode, size and times that it had when it was read, so that a record that was replaced, edited or removed is never
shown as it was; and a file is not entered while its times are so young that a second change would leave them as they
are. Whatever is wrong with the index (another format, a damaged file, a folder that takes no files) costs time alone.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from da.files import write_atomically
from da.results.record import NUMBERS, TEXTS, Record, Status
from da.results.schema import SCHEMA, Epochs, Selected, code_from_json, task_from_json

FILE = ".records.index"
FORMAT = 1
"""Of the index; one of another format, or of records of another schema, is not looked at."""
LEAST = 200
"""Records that must have been read one by one before an index is written: fewer load in a moment without."""
YOUNG = 2_000_000_000
"""Nanoseconds within which two changes of a file may leave the same times (file systems count in up to two seconds)."""


class Stamp(NamedTuple):
    """What changes with a file."""

    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, path: str) -> Stamp:
        """The stamp of a file as it is now."""
        found = os.stat(path)
        return cls(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class Indexed(NamedTuple):
    """A record and the stamp of its file before it was read."""

    stamp: Stamp
    record: Record


def read(folder: Path) -> dict[str, Indexed]:
    """The indexed records of a folder, by their directories; empty where there is no index that can be read."""
    try:
        return _decoded(folder, (folder / FILE).read_bytes())
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return {}


def write(folder: Path, records: Mapping[str, Indexed], since: float) -> None:
    """Replace the index of a folder; where that cannot be done there is none.

    Args:
        folder: the results folder.
        records: by their directories.
        since: when the first of their files was looked at, by ``time.monotonic``.
    """
    with suppress(OSError):
        limit = _now_of(folder) - int(1e9 * (time.monotonic() - since)) - YOUNG
        old = {path: r for path, r in records.items() if max(r.stamp.modified, r.stamp.changed) < limit}
        write_atomically(folder / FILE, _encoded(folder, old))


def worth_writing(fresh: int, known: int) -> bool:
    """Whether so many records had to be read one by one that an index pays, beside those that it knew."""
    return fresh >= max(LEAST, known // 10)


def _now_of(folder: Path) -> int:
    """The time by the clock of the folder's file system, which need not be this machine's, in nanoseconds."""
    probe = folder / f"{FILE}.{os.getpid()}"
    try:
        probe.touch()
        return probe.stat().st_mtime_ns
    finally:
        probe.unlink(missing_ok=True)


# --- the file: a line that says what it is, values that records share, the records, and their epochs, a line each


class Shared:
    """Values that many records have, kept once: configurations differ in few of their keys."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        """The number of a value."""
        return self.places.setdefault(json.dumps(value), len(self.places))

    def text(self) -> bytes:
        """All values, in the order of their numbers."""
        return f"[{','.join(self.places)}]".encode()


def _encoded(folder: Path, records: Mapping[str, Indexed]) -> bytes:
    shared = Shared()
    listed = [
        [os.path.relpath(path, folder), *stamp, *_line(r.to_json(), shared)] for path, (stamp, r) in records.items()
    ]
    epochs = [json.dumps(r.epochs.to_json(), separators=(",", ":")).encode() for _, r in records.values()]
    body = b"\n".join([shared.text(), json.dumps(listed, separators=(",", ":")).encode(), *epochs])
    head = json.dumps({"format": FORMAT, "schema": SCHEMA, "checksum": zlib.crc32(body)}).encode()
    return head + b"\n" + body


def _line(content: Mapping[str, Any], shared: Shared) -> list[Any]:
    """A record but for its epochs: shared values by number, and the rest."""
    config = content["config"]
    places = [shared.place(list(config)), *map(shared.place, config.values())]
    common = [shared.place(content.get(key)) for key in ("code", "versions", "task")]
    chosen = {rule: list(found.values()) for rule, found in content.get("selection", {}).items()}
    plain = {key: content[key] for key in (*TEXTS, *NUMBERS) if content.get(key) not in (None, "")}
    rest = [content.get(key) for key in ("finished", "notes", "target_test", "source_test", "seconds")]
    return [content["status"], content["seed"], places, common, chosen, plain, *rest]


def _decoded(folder: Path, content: bytes) -> dict[str, Indexed]:
    head, _, body = content.partition(b"\n")
    said = json.loads(head)
    if said != {"format": FORMAT, "schema": SCHEMA, "checksum": zlib.crc32(body)}:
        return {}
    shared, listed, *epochs = body.split(b"\n")
    values = json.loads(shared)
    reader = Reader(values)
    root = os.fspath(folder)
    found: dict[str, Indexed] = {}
    for line, text in zip(json.loads(listed), epochs, strict=True):
        path = f"{root}/{line[0]}"
        found[path] = Indexed(Stamp(*line[1:5]), reader.record(line[5:], text, path))
    return found


class Reader:
    """Makes records of the lines of an index; what they share is decoded once.

    Args:
        values: that records share.
    """

    def __init__(self, values: Sequence[Any]):
        self.values = values
        self.codes: dict[int, Any] = {}
        self.tasks: dict[int, Any] = {}

    def record(self, line: Sequence[Any], epochs: bytes, path: str) -> Record:
        """One record."""
        status, seed, config, (code, versions, task), chosen, plain, ended, notes, target, source, seconds = line
        if code not in self.codes:
            self.codes[code] = code_from_json(self.values[code])
        if task not in self.tasks:
            self.tasks[task] = task_from_json(self.values[task]) if self.values[task] else None
        keys, *values = map(self.values.__getitem__, config)
        return Record(
            **plain,
            status=Status(status),
            seed=seed,
            config=dict(zip(keys, values, strict=True)),
            code=self.codes[code],
            versions=self.values[versions],
            task=self.tasks[task],
            ended=ended,
            notes=tuple(notes or ()),
            target_test=target or {},
            source_test=source or {},
            selection={rule: Selected(*found) for rule, found in chosen.items()},
            epochs=Epochs(epochs),
            seconds=seconds or {},
            directory=Path(path),
        )


def run_directories(folder: Path, file: str) -> Iterator[str]:
    """The directories below a folder that hold a file of this name, and those that cannot be read.

    Directories inside a run's are not looked at.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(directory) as entries:
                inside = {entry.name: entry for entry in entries}
        except PermissionError:
            yield directory  # it may hold a run: whoever reads it says that it cannot be opened
            continue
        except OSError:
            continue
        if file in inside:
            yield directory
        else:
            waiting += [entry.path for entry in inside.values() if entry.is_dir(follow_symlinks=False)]
