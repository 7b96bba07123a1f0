"""What tells one run from another: the configuration, the data, and the files that it names."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from da.files import named_by, weights_of

VOLATILE = ("output", "rerun", "logger", "launcher", "sweep", "selection", "save_model")
VOLATILE_TRAINER = ("enable_progress_bar", "enable_model_summary")


def run_id(config: dict[str, Any], fingerprint: str) -> str:
    """Content hash (12 hex digits) of what can change a result: the configuration, the data, files that it names."""
    kept = essential(config)
    named = [path for group in ("method", "network") for path in named_by(kept.get(group, {}))]
    files = [
        _digest(file) for path in named for file in (path, weights_of(path)) if file is not None and file.is_file()
    ]
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


def recorded_id(config: Mapping[str, Any], fingerprint: str) -> str:
    """The :func:`run_id` of a configuration as JSON holds it, which writes infinity as a word."""
    return run_id(_with_infinity(config), fingerprint)


def _with_infinity(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _with_infinity(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_with_infinity(value) for value in content]
    return math.inf if content == "inf" else content
