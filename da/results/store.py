"""Find the records of a folder, and say which of them may be compared and averaged."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from da.errors import UsageError
from da.results import index, record
from da.results.record import Record
from da.results.schema import DamagedRecord


class Skipped(NamedTuple):
    """A run directory whose record cannot be read, and why, in a sentence that names it."""

    directory: Path
    reason: str


class FoundRecords(NamedTuple):
    """What lies below a folder.

    Args:
        records: the readable records, by data, method and seed; ``directory`` says where each lies.
        skipped: the directories whose record is damaged, or of a later version of this package.
    """

    records: list[Record]
    skipped: list[Skipped]

    def complaint(self) -> str:
        """How many records were skipped, and why the first one was; empty where all could be read."""
        if not self.skipped:
            return ""
        several = len(self.skipped) > 1
        return f"skipped {len(self.skipped)} unreadable record{'s, such as this' * several}. {self.skipped[0].reason}"


class SharedProtocol(NamedTuple):
    """What two scores must share to stand in one table.

    Args:
        data: name of the data entry.
        task: name of the task; for data that were never loaded, their keys.
        transductive: whether the target's test inputs are its training inputs.
        fingerprint: content hash of the data.
    """

    data: str
    task: str
    transductive: bool
    fingerprint: str


def existing(folder: Path) -> Path:
    """The folder of results that somebody named.

    Raises:
        UsageError: there is none, or it is a file.
    """
    if folder.is_dir():
        return folder
    what = "is a file" if folder.exists() else "is not there"
    raise UsageError(f"The folder {folder} {what}; name the one that runs were given by output=FOLDER (default: runs).")


def scan(folder: Path) -> FoundRecords:
    """Read every record below a folder; what cannot be read is listed, never a crash.

    Many records come from :mod:`da.results.index`, as far as their files are as it saw them; the index is written anew
    once many are not.
    """
    with collector_off():
        return _scanned(folder)


def _scanned(folder: Path) -> FoundRecords:
    since, known = time.monotonic(), index.read(folder)
    found: dict[str, index.Indexed] = {}
    skipped, fresh = [], 0
    for directory in index.run_directories(folder, record.FILE):
        try:
            stamp = index.Stamp.of(f"{directory}/{record.FILE}")
            indexed = known.get(directory)
            if indexed is None or indexed.stamp != stamp:
                indexed = index.Indexed(stamp, record.load(Path(directory)))
                fresh += 1
            found[directory] = indexed
        except DamagedRecord as error:
            skipped.append(Skipped(Path(directory), str(error)))
        except OSError as error:
            skipped.append(Skipped(Path(directory), f"The record of {directory} cannot be opened: {error.strerror}."))
    if index.worth_writing(fresh, len(known)):
        index.write(folder, found, since)
    return FoundRecords(sorted((r for _, r in found.values()), key=_order), sorted(skipped))


@contextmanager
def collector_off() -> Iterator[None]:
    """Without garbage collection meanwhile: reading makes millions of objects and no cycles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _order(r: Record) -> tuple[str, str, int, str]:
    return r.data, r.method, r.seed, str(r.directory)


def load(folder: Path) -> list[Record]:
    """The readable records below a folder, by data, method and seed; :func:`scan` also says what was skipped."""
    return scan(folder).records


def current(records: Sequence[Record]) -> list[Record]:
    """The records without failures of what finished in another run: the same configuration, seed and data keys."""
    done = {_asked(r) for r in records if r.is_finished}
    return [r for r in records if r.is_finished or _asked(r) not in done]


def _asked(r: Record) -> tuple[Any, ...]:
    """What was asked for: everything in a configuration that can change a result."""
    return r.method, _data_key(r), r.seed, frozenset(settings(r).items())


def protocols(records: Sequence[Record]) -> list[SharedProtocol]:
    """The protocol of every record.

    A failed run knows no task: it joins the finished runs on the same data, and otherwise stands by its data's keys.
    """
    own = [_own(r) for r in records]
    by_data: dict[str, set[SharedProtocol]] = {}
    for r, protocol in zip(records, own, strict=True):
        if protocol is not None:
            by_data.setdefault(_data_key(r), set()).add(protocol)

    def joined(r: Record) -> SharedProtocol:
        candidates = [p for p in by_data.get(_data_key(r), ()) if r.fingerprint in ("", p.fingerprint)]
        if len(candidates) == 1:
            return candidates[0]
        keys = ", ".join(f"{k}={v}" for k, v in r.config["data"].items() if k != "_target_")
        task = f"no run finished ({keys})" if keys else "no run finished"
        return SharedProtocol(r.data, task, False, r.fingerprint)

    return [protocol or joined(r) for r, protocol in zip(records, own, strict=True)]


def _own(r: Record) -> SharedProtocol | None:
    return (
        None
        if r.task is None or not r.is_finished
        else SharedProtocol(r.data, r.task.name, r.task.transductive, r.fingerprint)
    )


def _data_key(r: Record) -> str:
    return json.dumps([r.config["data"], r.config.get("features")], sort_keys=True)


def settings(r: Record) -> dict[str, Any]:
    """The flat configuration that runs must share to be averaged: all that can change a result but seed and data.

    Keys are as on the command line (``method.weight``), a choice is the last part of its ``_target_``
    (``optimizer: Adam``). The data are left out because a :class:`SharedProtocol` holds their content.
    """
    flat: dict[str, Any] = {}
    for key, value in r.config.items():
        if key not in {*record.VOLATILE, "seed", "data"}:
            _flatten(key, value, flat)
    for key in record.VOLATILE_TRAINER:
        flat.pop(f"trainer.{key}", None)
    return flat


def _flatten(key: str, value: Any, flat: dict[str, Any]) -> None:
    if isinstance(value, Mapping):
        for inner, part in value.items():
            _flatten(f"{key}.{inner}", part, flat)
    elif key.endswith("._target_"):
        flat[key.removesuffix("._target_")] = str(value).rpartition(".")[2]
    else:
        flat[key] = _hashable(value)


def _hashable(value: Any) -> Any:
    """A value of a configuration, by which runs are grouped: a list as a tuple, what lists hold in turn as text."""
    if not isinstance(value, list):
        return value
    return tuple(json.dumps(part, sort_keys=True) if isinstance(part, list | dict) else part for part in value)
