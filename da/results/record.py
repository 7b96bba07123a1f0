"""The record of a run: what it was asked for and what came of it, in one JSON file that is written atomically."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import numpy as np

from da.errors import DataError
from da.files import write_atomically
from da.results.identity import VOLATILE as VOLATILE
from da.results.identity import VOLATILE_TRAINER as VOLATILE_TRAINER
from da.results.identity import essential as essential
from da.results.identity import run_id as run_id
from da.results.schema import (
    SCHEMA,
    Code,
    Content,
    DamagedRecord,
    Epochs,
    Metrics,
    NewerRecord,
    Selected,
    TaskRecord,
    code_from_json,
    metrics_from_json,
    migrated,
    plain_from_json,
    selected_from_json,
    task_from_json,
    task_to_json,
)

CPU = "cpu"
"""Under ``seconds`` what the processor took, beside the parts by the clock."""
FILE = "record.json"
OLD = "record.old.json"
PACKAGES = ("torch", "pytorch-lightning", "numpy", "scipy", "scikit-learn", "hydra-core", "omegaconf")
ROOT = Path(__file__).resolve().parents[2]


class Status(StrEnum):
    """How a recorded run ended."""

    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one run leaves.

    Args:
        status: how it ended.
        method: name of the method's entry.
        data: name of the data's entry.
        seed: of the run.
        config: the whole validated configuration.
        family: of the method.
        setting: of transfer.
        run_id: see :func:`run_id`; empty where the data could not be loaded.
        fingerprint: content hash of the data; empty where they could not be loaded.
        code: which code computed and scored it.
        versions: of packages.
        started: when, in UTC, ISO 8601.
        ended: when; ``finished`` in the file.
        task: what it was on; None of a failed run.
        notes: warnings, in sentences.
        parameters: number of the method's parameters.
        device: such as ``1 x cpu``.
        kernel: the CPU and its instructions.
        threads: numerical threads.
        metric: name of the main metric; empty without target labels.
        target_test: metrics on the target test split in the last epoch.
        source_test: the same on the source test split.
        selection: what each selection rule chose.
        epochs: every evaluation.
        seconds: by part: ``train``, ``evaluate``, ``load``; beside them ``cpu``, of the processor for all but the last
            part, where one process computed all of it without a break.
        error: of a failed run, in a sentence.
        error_kind: ``timeout``, ``crashed``, ``oom``, ``usage``, or the exception's class.
        traceback: of the error.
        directory: where the record lies; not part of the file.
    """

    status: Status
    method: str
    data: str
    seed: int
    config: dict[str, Any]
    family: str = ""
    setting: str = ""
    run_id: str = ""
    fingerprint: str = ""
    code: Code = field(default_factory=Code)
    versions: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    ended: str = ""
    task: TaskRecord | None = None
    notes: Sequence[str] = ()
    parameters: int | None = None
    device: str = ""
    kernel: str = ""
    threads: int | None = None
    metric: str = ""
    target_test: Metrics = field(default_factory=dict)
    source_test: Metrics = field(default_factory=dict)
    selection: Mapping[str, Selected] = field(default_factory=dict)
    epochs: Epochs = field(default_factory=Epochs)
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    error_kind: str = ""
    traceback: str = ""
    directory: Path | None = field(default=None, compare=False)

    @property
    def is_finished(self) -> bool:
        """Whether it has scores."""
        return self.status is Status.FINISHED

    @property
    def work_seconds(self) -> float:
        """Seconds of training and evaluation, without loading."""
        return self.seconds.get("train", 0.0) + self.seconds.get("evaluate", 0.0)

    @property
    def total_seconds(self) -> float:
        """Seconds of all parts, by the clock."""
        return sum(value for part, value in self.seconds.items() if part != CPU)

    @property
    def cpu_seconds(self) -> float | None:
        """Seconds of the processor for training and evaluation; None where the record does not say."""
        return self.seconds.get(CPU)

    @property
    def place(self) -> Path:
        """The run's directory.

        Raises:
            DataError: the record was not read from one.
        """
        if self.directory is None:
            raise DataError(f"The record of {self.method}, seed {self.seed}, was not read from a directory.")
        return self.directory

    def main(self, rule: str) -> float:
        """The main metric on the target test split in the epoch that a rule chose, in percent; NaN without one."""
        chosen = self.selection.get(rule)
        return self.main_of(chosen.target_test) if chosen else math.nan

    def main_of(self, metrics: Metrics) -> float:
        """The main metric among metrics of this run; NaN where it is not there."""
        return metrics.get(self.metric, math.nan)

    @classmethod
    def from_json(cls, content: Any, directory: Path | None = None) -> Self:
        """A record as its file holds it, of this schema or an earlier one.

        Args:
            content: the decoded JSON.
            directory: where it lies.

        Raises:
            NewerRecord: a later version of this package wrote it.
            DamagedRecord: a part is missing, or is not what it should be.
        """
        try:
            given = migrated(content)
            return cls._decoded(given, Epochs.from_json(given.get("epochs") or ()), directory)
        except DamagedRecord:
            raise
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise DamagedRecord(f"a part of it is missing or wrong ({type(error).__name__}: {error})") from error

    @classmethod
    def _decoded(cls, given: Content, epochs: Epochs, directory: Path | None) -> Self:
        status = Status(given["status"])
        lacking = (FINISHED_KEYS if status is Status.FINISHED else FAILED_KEYS) - given.keys()
        if lacking:
            raise KeyError(min(lacking))
        config = given["config"]
        groups = config["method"], config["data"], config["trainer"], config.get("network", {})
        if not all(isinstance(group, dict) for group in groups):
            raise TypeError("a group of the configuration is no mapping")
        if status is Status.FINISHED and not given["task"]:
            raise TypeError("a finished run has no task")
        return cls(
            **plain_from_json(given, TEXTS, str),
            **plain_from_json(given, NUMBERS, int),
            status=status,
            seed=int(given["seed"]),
            config=config,
            code=code_from_json(given.get("code") or {}),
            versions={name: str(version) for name, version in (given.get("versions") or {}).items()},
            ended=str(given.get("finished") or ""),
            task=task_from_json(given["task"]) if given.get("task") else None,
            notes=tuple(map(str, given.get("notes") or ())),
            target_test=metrics_from_json(given.get("target_test") or {}),
            source_test=metrics_from_json(given.get("source_test") or {}),
            selection={rule: selected_from_json(chosen) for rule, chosen in (given.get("selection") or {}).items()},
            epochs=epochs,
            seconds=metrics_from_json(given.get("seconds") or {}),
            directory=directory,
        )

    def to_json(self) -> Content:
        """The content of the record's file."""
        made: Content = {"schema": SCHEMA}
        for name in WRITTEN:
            value = getattr(self, name)
            if value or name in HEADER or (name in ENDING_KEYS) != self.is_finished:
                made["finished" if name == "ended" else name] = value
        made |= {"run_id": self.run_id or None, "fingerprint": self.fingerprint or None}
        made["code"] = {name: value for name, value in self.code._asdict().items() if value or name in Code._fields[:2]}
        if "task" in made:
            made["task"] = None if self.task is None else task_to_json(self.task)
        if "selection" in made:
            made["selection"] = {rule: chosen._asdict() for rule, chosen in self.selection.items()}
        if "epochs" in made:
            made["epochs"] = self.epochs.to_json()
        return made


FINISHED_KEYS = {"method", "data", "seed", "config", "task", "fingerprint", "selection", "seconds", "target_test"}
FAILED_KEYS = {"method", "data", "seed", "config", "error"}
"""What the file of a finished and of a failed run must have."""
ENDING_KEYS = {"error", "error_kind", "traceback"}
"""What only a failed run has."""
HEADER = {
    *("status", "run_id", "method", "family", "setting", "data", "seed", "config", "fingerprint"),
    *("code", "versions", "ended"),
}
"""What every record has."""
TEXTS = (
    *("method", "data", "family", "setting", "run_id", "fingerprint", "started", "device", "kernel", "metric"),
    *("error", "error_kind", "traceback"),
)
NUMBERS = ("parameters", "threads")
"""Fields that are in the file as they are here, words and whole numbers."""
WRITTEN = tuple(f.name for f in fields(Record) if f.name != "directory")


def latest(records: Iterable[Record]) -> list[Record]:
    """Records in the order of their weight: failed before finished, and older before newer; the last one counts."""
    return sorted(records, key=lambda r: (r.is_finished, r.ended))


@lru_cache(maxsize=1)
def code_version() -> dict[str, str]:
    """Hash of the package's source, and the commit if there is one."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "da").rglob("*.py")):
        digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    try:
        command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
        commit = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        commit = ""
    return {"source": digest.hexdigest()[:16], "commit": commit}


@lru_cache(maxsize=1)
def package_versions() -> dict[str, str]:
    """Versions of the packages that can change a result."""
    return {name: metadata.version(name) for name in PACKAGES}


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write(directory: Path, record: Record) -> Path:
    """Write a record so that a reader sees the old file or the whole new one, never a part."""
    text = json.dumps(portable(record.to_json()), indent=1, default=_plain, allow_nan=False)
    return write_atomically(directory / FILE, text.encode())


def portable(content: Any) -> Any:
    """What JSON can hold, which has no number for infinity: ``"inf"``, as which :mod:`da.config.validate` reads it."""
    if isinstance(content, dict):
        return {key: portable(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [portable(value) for value in content]
    return "inf" if isinstance(content, float) and content == math.inf else content


def load(directory: Path) -> Record:
    """The record of a run's directory.

    Raises:
        NewerRecord: a later version of this package wrote it; the message names the directory and the remedy.
        DamagedRecord: there is none, or what is there is no whole record.
    """
    try:
        return Record.from_json(json.loads((directory / FILE).read_bytes()), directory)
    except NewerRecord as error:
        raise NewerRecord(
            f"The record of {directory} cannot be read: {error}, or name another output=FOLDER."
        ) from None
    except DamagedRecord as error:
        raise DamagedRecord(f"The record of {directory} cannot be read: {error}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedRecord(f"The record of {directory} cannot be read: {_why(error)}.") from None


def read(directory: Path) -> Record | None:
    """The record of a run's directory, or None if there is none that is whole.

    Raises:
        NewerRecord: a later version of this package wrote it, which must not be run over.
    """
    try:
        return load(directory)
    except NewerRecord:
        raise
    except DamagedRecord:
        return None


def _why(error: Exception) -> str:
    """Why a file could not be decoded, in words."""
    if isinstance(error, OSError):
        return f"its file cannot be opened ({error.strerror})"
    return "its file is cut off or no JSON text"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A record holds plain values only, got {type(value).__name__}.")
