"""Find the records of a folder, and say which of them may be compared and averaged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from da.results import record

ALWAYS = {"status", "method", "data", "seed", "config"}
FINISHED = ALWAYS | {"task", "fingerprint", "selection", "seconds", "target_test"}
FAILED = ALWAYS | {"error"}


class Found(NamedTuple):
    """What lies below a folder.

    Args:
        records: the readable records, by data, method and seed; ``directory`` says where each lies.
        skipped: the run directories whose record is unreadable, half written or of another schema.
    """

    records: list[dict[str, Any]]
    skipped: list[Path]


class Protocol(NamedTuple):
    """What two figures must share to stand in one table.

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


def scan(folder: Path) -> Found:
    """Read every record below a folder; what cannot be read is listed, never a crash."""
    records: list[tuple[Any, dict[str, Any]]] = []
    skipped = []
    for directory in _run_directories(folder):
        try:
            found = record.read(directory)
        except (OSError, UnicodeDecodeError):
            found = None
        if found is None or not complete(found):
            skipped.append(directory)
        else:
            order = (str(found["data"]), str(found["method"]), int(found["seed"]), str(directory))
            records.append((order, found | {"directory": str(directory)}))
    return Found([found for _, found in sorted(records, key=lambda pair: pair[0])], sorted(skipped))


def load(folder: Path) -> list[dict[str, Any]]:
    """The readable records below a folder, by data, method and seed; :func:`scan` also says what was skipped."""
    return scan(folder).records


def _run_directories(folder: Path) -> Iterator[Path]:
    for directory, inner, files in os.walk(folder):
        if record.FILE in files:
            inner.clear()  # a run holds no runs; its logs need not be walked
            yield Path(directory)


def current(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records without failures of what finished in another run: the same configuration, seed and data keys."""
    done = {_asked(r) for r in records if r["status"] == "finished"}
    return [r for r in records if r["status"] == "finished" or _asked(r) not in done]


def _asked(r: Mapping[str, Any]) -> tuple[Any, ...]:
    """What was asked for: everything in a configuration that can change a result."""
    return r["method"], _data_key(r), int(r["seed"]), frozenset(settings(r).items())


def complete(found: Mapping[str, Any]) -> bool:
    """Whether a record has what every reader of records may rely on."""
    return (FINISHED if found.get("status") == "finished" else FAILED) <= found.keys()


def protocols(records: Sequence[Mapping[str, Any]]) -> list[Protocol]:
    """The protocol of every record.

    A failed run knows no task: it joins the finished runs on the same data, and otherwise stands by its data's keys.
    """
    own = [_own(r) if r["status"] == "finished" else None for r in records]
    by_data: dict[str, set[Protocol]] = {}
    for r, protocol in zip(records, own, strict=True):
        if protocol is not None:
            by_data.setdefault(_data_key(r), set()).add(protocol)

    def joined(r: Mapping[str, Any]) -> Protocol:
        fingerprint = r.get("fingerprint")
        candidates = [p for p in by_data.get(_data_key(r), ()) if fingerprint in (None, p.fingerprint)]
        if len(candidates) == 1:
            return candidates[0]
        keys = ", ".join(f"{k}={v}" for k, v in r["config"]["data"].items() if k != "_target_")
        task = f"no run finished ({keys})" if keys else "no run finished"
        return Protocol(str(r["data"]), task, False, fingerprint or "")

    return [protocol or joined(r) for r, protocol in zip(records, own, strict=True)]


def _own(r: Mapping[str, Any]) -> Protocol:
    return Protocol(str(r["data"]), str(r["task"]["name"]), bool(r["task"]["transductive"]), str(r["fingerprint"]))


def _data_key(r: Mapping[str, Any]) -> str:
    return json.dumps([r["config"]["data"], r["config"].get("features")], sort_keys=True)


def settings(r: Mapping[str, Any]) -> dict[str, Any]:
    """The flat configuration that runs must share to be averaged: all that can change a result but seed and data.

    Keys are as on the command line (``method.weight``), a choice is the last part of its ``_target_``
    (``optimizer: Adam``). The data are left out because a :class:`Protocol` holds their content.
    """
    flat: dict[str, Any] = {}
    for key, value in r["config"].items():
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
        flat[key] = tuple(value) if isinstance(value, list) else value
