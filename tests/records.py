"""Records as runs leave them, made up, and fixtures that hand them out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def _finished(method: str = "dann", seed: int = 0, accuracy: float = 50.0, **changes: Any) -> dict[str, Any]:
    """A finished record, as `da.engine.run` writes it, of what the tables read."""
    figures = {"last": accuracy, "entropy": accuracy - 1.0, "oracle_accuracy": accuracy + 2.0}
    extra = {"nmi": changes.pop("nmi")} if "nmi" in changes else {}
    config = {
        "method": {"_target_": f"da.methods.{method}.Class", **changes.pop("keys", {})},
        "data": {"_target_": "da.data.digits.Digits", "shift": "sensor"},
        "optimizer": {"_target_": changes.pop("optimizer", "torch.optim.Adam"), "lr": 0.001},
        "trainer": {"max_epochs": changes.pop("max_epochs", 3), "enable_progress_bar": bool(seed)},
        "selection": changes.pop("selected", "last"),
        "seed": seed,
        "output": f"runs{seed}",
        "rerun": "none",
        "logger": {"_target_": "da.engine.tracking.csv"},
    }
    domains = {"target/train": {"samples": 60}, "target/test": {"samples": 40}}
    made = {
        "schema": 1,
        "status": "finished",
        "method": method,
        "data": "digits",
        "seed": seed,
        "config": config,
        "fingerprint": "0123456789abcdef",
        "code": {"source": "one"},
        "task": {"name": "digits->sensor", "transductive": False, "domains": domains},
        "target_test": {"accuracy": accuracy, **extra},
        "selection": {rule: {"target_test": {"accuracy": value, **extra}} for rule, value in figures.items()},
        "seconds": {"train": 2.0 + seed, "evaluate": 1.0, "load": 9.0},
        "finished": "2026-01-01T00:00:00+00:00",
    }
    return made | changes


def _failed(method: str = "dann", seed: int = 0, error: str = "It broke.", **changes: Any) -> dict[str, Any]:
    """The record of a failed run."""
    made = _finished(method, seed, **changes) | {"status": "failed", "error": error, "error_kind": "ValueError"}
    return {key: value for key, value in made.items() if key not in {"task", "target_test", "selection", "seconds"}}


@pytest.fixture
def of_this_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records of these tests were made by the code as it is."""
    monkeypatch.setattr("da.engine.result.record.code_version", lambda: {"source": "one", "commit": ""})


@pytest.fixture
def finished() -> Callable[..., dict[str, Any]]:
    return _finished


@pytest.fixture
def failed() -> Callable[..., dict[str, Any]]:
    return _failed


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Write a record (or any text in its place) below `tmp_path`."""

    def write(name: str, record: Any) -> Path:
        file = tmp_path / name / "record.json"
        file.parent.mkdir(parents=True)
        file.write_text(record if isinstance(record, str) else json.dumps(record))
        return file

    return write
