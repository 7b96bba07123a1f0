"""Loggers: CSV, TensorBoard, and what every tracker is told at the end."""

import csv
import sys
from pathlib import Path
from typing import Any

import pytest

from da.config.compose import compose
from da.engine import run as runs
from da.engine import tracking
from da.engine.result import RunFailed
from da.engine.tracking import EpochCSV
from da.engine.tracking.tracker import Stopped, Tracker
from da.methods.transductive.source_only import SourceOnly
from da.results.record import Record

pytestmark = [pytest.mark.usefixtures("of_this_code"), pytest.mark.versions]

SMALL = [
    "method=source_only",
    "data=toy",
    "data.samples=60",
    "trainer.max_epochs=2",
    "steps_per_epoch=2",
    "trainer.enable_progress_bar=false",
]


def rows_of(directory: Path) -> list[dict[str, str]]:
    with (directory / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_csv_has_a_row_for_each_epoch(tmp_path: Path) -> None:
    result = runs.run(compose([*SMALL, f"output={tmp_path}"]))
    rows = rows_of(result.directory)
    assert [(row["step"], row["epoch"]) for row in rows] == [("2", "1"), ("4", "2")]
    assert float(rows[-1]["target_test/accuracy"]) == result.record.target_test["accuracy"]


def test_a_resumed_csv_goes_on_and_replaces_what_is_repeated(tmp_path: Path) -> None:
    first = EpochCSV(tmp_path / "metrics.csv")
    for step in (2, 4, 6):
        first.log_metrics({"loss": float(step)}, step)
    second = EpochCSV(tmp_path / "metrics.csv")
    second.log_metrics({"loss": -4.0, "new": 1.0}, 4)
    assert [(r["step"], r["loss"], r["new"]) for r in rows_of(tmp_path)] == [("2", "2.0", ""), ("4", "-4.0", "1.0")]


class Listener(Tracker):
    """Keeps what it was told; raises where asked."""

    name = "listener"

    def __init__(self, broken: str = "") -> None:
        super().__init__()
        self.broken, self.told, self.last = broken, 0, {}

    def log(self, metrics: Any, step: int) -> None:
        self.told += 1
        if self.broken == "log":
            raise OSError("no space\nleft")

    def end(self, made: Record | Stopped, directory: Path) -> None:
        self.last = made
        if self.broken == "end":
            raise OSError("no space\nleft")


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(broken: str = "") -> Listener:
        made = Listener(broken)
        monkeypatch.setattr(tracking, "none", lambda directory, info: [made])
        return made

    return use


def test_trackers_are_handed_the_record(tmp_path: Path, listen: Any) -> None:
    listener = listen()
    result = runs.run(compose([*SMALL, f"output={tmp_path}", "logger=none"]))
    assert (listener.told, listener.last) == (2, result.record)


@pytest.mark.parametrize("broken", ["log", "end"])
def test_a_tracker_that_breaks_is_one_line_and_no_failure(
    tmp_path: Path, listen: Any, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listener = listen(broken)
    result = runs.run(compose([*SMALL, f"output={tmp_path}", "logger=none"]))
    assert result.record.status == "finished"
    assert listener.told == (1 if broken == "log" else 2), "it is left alone once it broke"
    assert capsys.readouterr().err.splitlines() == [
        "logger=listener: OSError: no space; the run goes on without it, metrics.csv and the record are complete."
    ]


@pytest.mark.parametrize("error", [ValueError("odd"), KeyboardInterrupt()])
def test_trackers_are_told_why_a_run_ended(
    tmp_path: Path, listen: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def terms(*_: Any) -> None:
        raise error

    monkeypatch.setattr(SourceOnly, "terms", terms)
    listener = listen()
    with pytest.raises((RunFailed, KeyboardInterrupt)):
        runs.run(compose([*SMALL, f"output={tmp_path}", "logger=none"]))
    kind = type(error).__name__
    status = "failed" if isinstance(error, Exception) else "interrupted"
    assert (listener.last.status, listener.last.error_kind, listener.last.error) == (status, kind, str(error))
    assert tracking.scores(listener.last)["error_kind"] == kind


def test_scores_are_those_of_the_record(tmp_path: Path) -> None:
    made = runs.run(compose([*SMALL, f"output={tmp_path}"])).record
    found = tracking.scores(made)
    for rule in ("last", "infomax", "oracle_accuracy"):
        assert found[f"chosen/{rule}/accuracy"] == made.selection[rule].target_test["accuracy"]
        assert found[f"chosen/{rule}/epoch"] == made.selection[rule].epoch
    assert found["seconds/train"] == made.seconds["train"]
    assert found["status"] == "finished"


def scalars(directory: Path) -> Any:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    made = accumulator.EventAccumulator(str(directory / "tensorboard"))
    made.Reload()
    return made


def test_tensorboard_holds_what_csv_holds_and_the_figures(tmp_path: Path) -> None:
    result = runs.run(compose([*SMALL, f"output={tmp_path}", "logger=tensorboard"]))
    events, rows = scalars(result.directory), rows_of(result.directory)
    for name in set(rows[0]) - {"step"}:
        assert [(e.step, e.value) for e in events.Scalars(name)] == [
            (int(row["step"]), pytest.approx(float(row[name]), rel=1e-6)) for row in rows
        ]
    (oracle,) = events.Scalars("chosen/oracle_accuracy/accuracy")
    best = result.record.selection["oracle_accuracy"].target_test["accuracy"]
    assert (oracle.step, oracle.value) == (4, pytest.approx(best, rel=1e-6))
    written = b"".join(file.read_bytes() for file in (result.directory / "tensorboard").glob("events*"))
    assert b"optimizer/lr" in written, "the configuration is on the HParams page"


def test_tensorboard_hides_what_a_repeated_run_had_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    info = {"config": {"seed": 0}}
    for value in (1.0, 2.0):
        *_, board = tracking.tensorboard(tmp_path, info)
        for step in (2, 4):
            board.log_metrics({"loss": value}, step)
        board.finish(Stopped("failed", "", "OSError"), tmp_path)
    assert [(e.step, e.value) for e in scalars(tmp_path).Scalars("loss")] == [(2, 2.0), (4, 2.0)]


@pytest.mark.parametrize("package", ["wandb", "tensorboard"])
def test_a_missing_package_is_a_line_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = runs.run(compose([*SMALL, f"output={tmp_path}", f"logger={package}"]))
    assert result.record.status == "finished"
    assert len(rows_of(result.directory)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"logger={package}: the package {package} is missing" in line
    assert f'pip install "da[{package}]"' in line
