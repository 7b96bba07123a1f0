"""The record of a run: one JSON file, written atomically."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from da.files import named_by

SCHEMA = 1
FILE = "record.json"
OLD = "record.old.json"
VOLATILE = ("output", "rerun", "logger", "launcher", "sweep", "selection")
VOLATILE_TRAINER = ("enable_progress_bar", "enable_model_summary")
PACKAGES = ("torch", "pytorch-lightning", "numpy", "scipy", "scikit-learn", "hydra-core", "omegaconf")
ROOT = Path(__file__).resolve().parents[2]


def run_id(config: dict[str, Any], fingerprint: str) -> str:
    """Content hash (12 hex digits) of what can change a result: the configuration, the data, files that it names."""
    kept = essential(config)
    named = [path for group in ("method", "network") for path in named_by(kept.get(group, {}))]
    files = [_digest(file) for path in named for file in (path, path / "model.pt") if file.is_file()]
    text = json.dumps([kept, fingerprint, files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def essential(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without what cannot change a result."""
    kept: dict[str, Any] = {key: value for key, value in config.items() if key not in VOLATILE}
    kept["trainer"] = {k: v for k, v in kept["trainer"].items() if k not in VOLATILE_TRAINER}
    return kept


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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


def write(directory: Path, record: dict[str, Any]) -> Path:
    """Write a record so that a reader sees the old file or the whole new one, never a part."""
    text = json.dumps(portable(record), indent=1, default=_plain, allow_nan=False)
    return write_atomically(directory / FILE, text.encode())


def portable(content: Any) -> Any:
    """What JSON can hold, which has no number for infinity: ``"inf"``, as which :mod:`da.config.validate` reads it."""
    if isinstance(content, dict):
        return {key: portable(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [portable(value) for value in content]
    return "inf" if isinstance(content, float) and content == math.inf else content


def write_atomically(file: Path, content: bytes) -> Path:
    """Write to a temporary name in the same folder, sync, rename."""
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
    return file


def read(directory: Path) -> dict[str, Any] | None:
    """The record of a run's directory, or None if there is none."""
    try:
        loaded = json.loads((directory / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # absent, or not JSON text
        return None
    return loaded if isinstance(loaded, dict) and loaded.get("schema") == SCHEMA else None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A record holds plain values only, got {type(value).__name__}.")
