"""Loggers."""

import csv
from pathlib import Path

import pytest

from da import run as runs
from da.config import compose
from da.results.tracking import EpochCSV

SMALL = [
    "method=source_only",
    "data=toy",
    "data.samples=60",
    "trainer.max_epochs=2",
    "steps_per_epoch=2",
    "trainer.enable_progress_bar=false",
]


def test_csv_has_a_row_for_each_epoch(tmp_path: Path) -> None:
    result = runs.run(compose([*SMALL, f"output={tmp_path}"]))
    with (result.directory / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["step"], row["epoch"]) for row in rows] == [("2", "1"), ("4", "2")]
    assert float(rows[-1]["target_test/accuracy"]) == result.record["target_test"]["accuracy"]


def test_a_resumed_csv_goes_on_and_replaces_what_is_repeated(tmp_path: Path) -> None:
    first = EpochCSV(tmp_path / "metrics.csv")
    for step in (2, 4, 6):
        first.log_metrics({"loss": float(step)}, step)
    second = EpochCSV(tmp_path / "metrics.csv")
    second.log_metrics({"loss": -4.0, "new": 1.0}, 4)
    with (tmp_path / "metrics.csv").open(newline="") as stream:
        assert [(r["step"], r["loss"], r["new"]) for r in csv.DictReader(stream)] == [
            ("2", "2.0", ""),
            ("4", "-4.0", "1.0"),
        ]


def test_wandb_runs_offline_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    result = runs.run(compose([*SMALL, f"output={tmp_path}", "logger=wandb"]))
    assert result.record["status"] == "finished"
    (offline,) = (result.directory / "wandb").glob("offline-run-*")
    (log,) = offline.glob("*.wandb")
    content = log.read_bytes()
    for expected in (b"target_test/accuracy", b"toy subspace", b"transductive"):
        assert expected in content
    assert (result.directory / "metrics.csv").is_file()


def test_wandb_missing_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(runs.RunFailed, match="logger=wandb needs the package wandb"):
        runs.run(compose([*SMALL, f"output={tmp_path}", "logger=wandb"]))
