"""Records as runs leave them, made up, and fixtures that hand them out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da.results.record import Record, Status
from da.results.schema import Selected


def _finished(method: str = "dann", seed: int = 0, accuracy: float = 50.0, **changes: Any) -> Record:
    """A finished record of what the tables read; changes are of its JSON."""
    return Record.from_json(_content(method, seed, accuracy, **changes))


def _content(method: str, seed: int, accuracy: float, **changes: Any) -> dict[str, Any]:
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


def _failed(method: str = "dann", seed: int = 0, error: str = "It broke.", **changes: Any) -> Record:
    """The record of a failed run."""
    given = {"status": "failed", "error": error, "error_kind": "ValueError"} | changes
    left_out = {"task", "target_test", "selection", "seconds"}
    content = _content(method, seed, 50.0, **given)
    return Record.from_json({key: value for key, value in content.items() if key not in left_out})


def scored(rule: str, score: float, **changes: Any) -> Record:
    """The least of a finished record: what one rule chose."""
    chosen = {rule: Selected(score=score)}
    given: dict[str, Any] = {"config": {"selection": rule}, "seconds": {"train": 1.0, "evaluate": 1.0}} | changes
    return Record(status=Status.FINISHED, method="coral", data="toy", seed=0, selection=chosen, **given)


CLASSES = ("cup", "pen", "<b>bag</b>")


def unlabelled(
    folder: Path,
    method: str,
    scores: Mapping[str, Sequence[float]],
    predicted: Sequence[int] | None = (0, 1, 2, 0),
    seed: int = 0,
    **changes: Any,
) -> Record:
    """A finished run on a target without labels, written into a folder with what it predicts.

    Args:
        folder: a run's directory is made in it.
        method: its name.
        scores: by rule, one for each epoch; source accuracy is 70 in the first epoch, 71 in the second, ...
        predicted: the labels of the target's samples; None leaves the file out.
        seed: of the run.
        changes: of its JSON.
    """
    n = max(map(len, scores.values()))
    source = [{"accuracy": 70.0 + k} for k in range(n)]
    by_epoch = [{rule: values[k] for rule, values in scores.items()} for k in range(n)]
    history = [{"epoch": k + 1, "source_test": source[k], "target_test": {}, "scores": by_epoch[k]} for k in range(n)]
    chosen = {
        rule: {"epoch": values.index(max(values)) + 1, "score": max(values), "target_test": {}}
        for rule, values in scores.items()
    }
    content = _content(method, seed, 0.0, selection=chosen, epochs=history, target_test={}, source_test=source[-1])
    parts = {"source/train": {"samples": 8, "per_class": [4, 2, 2]}, "target/test": {"samples": 4, "per_class": None}}
    content["task"] = {"name": "shop->home", "transductive": False, "classes": CLASSES, "domains": parts}
    directory = folder / f"{method}-{seed}"
    r = Record.from_json(content | {"run_id": directory.name} | changes, directory)
    directory.mkdir(parents=True)
    (directory / "record.json").write_text(json.dumps(r.to_json()))
    if predicted is not None:
        labels = np.asarray(predicted)
        noise = np.random.default_rng(seed).normal(scale=0.1, size=(len(labels), 3))
        np.savez(
            directory / "predictions.npz", logits=3.0 * np.eye(3)[labels] + noise, predicted=labels, classes=CLASSES
        )
    return r


@pytest.fixture
def of_this_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records of these tests were made by the code as it is."""
    monkeypatch.setattr("da.engine.result.record.code_version", lambda: {"source": "one", "commit": ""})


@pytest.fixture
def finished() -> Callable[..., Record]:
    return _finished


@pytest.fixture
def failed() -> Callable[..., Record]:
    return _failed


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Write a record (or any text in its place) below `tmp_path`."""

    def write(name: str, record: Any) -> Path:
        file = tmp_path / name / "record.json"
        file.parent.mkdir(parents=True)
        content = record.to_json() if isinstance(record, Record) else record
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    return write
