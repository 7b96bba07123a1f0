from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da.cli.report import main
from da.results.record import Record

TASKS = ("art->clip", "art->real", "clip->art", "clip->real", "real->art", "real->clip", "art->photo")
CLASSES = ("cup", "pen", "<b>bag</b>")


def _record(method: str, task: str, accuracy: float, seed: int = 0, epochs: int = 1, **changes: Any) -> Record:
    """A finished record; with several epochs accuracy rises by two points each, and rules choose different ones."""
    history = [
        {"epoch": e, "target_test": {"accuracy": accuracy - 2.0 * (epochs - e)}, "scores": {}}
        for e in range(1, epochs + 1)
    ]
    chosen = {"last": epochs, "entropy": 1, "oracle_accuracy": epochs}
    content = {
        "schema": 1,
        "status": "finished",
        "run_id": f"{method}-{task}-{seed}".replace(">", ""),
        "method": method,
        "data": "office",
        "seed": seed,
        "config": {
            "method": {"_target_": f"da.methods.{method}.Class"},
            "data": {"_target_": "da.data.office.Office", "task": task},
            "optimizer": {"_target_": "torch.optim.Adam"},
            "trainer": {},
            "selection": "last",
            "seed": seed,
        },
        "fingerprint": f"{TASKS.index(task):016x}",
        "code": {"source": "0123abcd", "commit": ""},
        "versions": {"numpy": "2.4.6", "torch": "2.15.0"},
        "device": "1 x cpu",
        "parameters": 0,
        "task": {"name": task, "transductive": True, "domains": {"target/train": {"samples": 30}}},
        "target_test": {"accuracy": accuracy},
        "selection": {
            rule: {"epoch": e, "score": 0.0, "target_test": history[e - 1]["target_test"]} for rule, e in chosen.items()
        },
        "epochs": history,
        "seconds": {"train": 1.0 + accuracy / 100, "evaluate": 0.5, "load": 0.1},
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:01:00+00:00",
    }
    return Record.from_json(content | changes)


@pytest.fixture(autouse=True)
def of_this_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records of these tests were made by the code as it is."""
    monkeypatch.setattr("da.engine.result.record.code_version", lambda: {"source": "0123abcd", "commit": ""})


@pytest.fixture
def record() -> Callable[..., Record]:
    return _record


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Record], Path]:
    """Write a record below `tmp_path`, and predictions of as many samples for a finished one."""

    def write(r: Record) -> Path:
        directory = tmp_path / r.method / r.run_id
        directory.mkdir(parents=True)
        (directory / "record.json").write_text(json.dumps(r.to_json()))
        if r.is_finished:
            rng = np.random.default_rng(0)
            y = np.arange(30) % 3
            logits = rng.normal(size=(30, 3)) + 2.0 * np.eye(3)[y]
            np.savez(directory / "predictions.npz", logits=logits, predicted=logits.argmax(1), classes=CLASSES, y=y)
        return directory

    return write


@pytest.fixture
def folder(tmp_path: Path, keep: Callable[..., Path]) -> Path:
    """Seven tasks: a baseline, two methods, one that failed on a task; closed-form."""
    for k, task in enumerate(TASKS):
        keep(_record("unadapted", task, 40.0 + k))
        keep(_record("tca", task, 50.0 + 2 * k))
        keep(_record("jda", task, 45.0 + 1.1 * k))
        broken = {
            "status": "failed",
            "error": "It broke <here>.",
            "error_kind": "LinAlgError",
            "traceback": "Trace & back",
        }
        keep(_record("kmm", task, 30.0, **(broken if k == 2 else {})))
    return tmp_path


@pytest.fixture
def report(monkeypatch, capsys):
    """Run the command in this process: its exit code and what it said."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["report.py", *map(str, arguments)])
        code = main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
