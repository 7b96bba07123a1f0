"""Weights & Biases may be anything: absent, broken, killed, silent. The run does not care."""

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from processes import HANGING

from da.config.compose import compose
from da.engine import run as runs
from da.engine.tracking import scores, wandb
from da.engine.tracking.tracker import Stopped
from da.engine.tracking.wandb_run import CLIENT

SMALL = [
    "method=source_only",
    "data=toy",
    "data.samples=60",
    "trainer.max_epochs=3",
    "steps_per_epoch=2",
    "trainer.enable_progress_bar=false",
    "logger=wandb",
    f"logger.patience={HANGING}",  # a busy machine may need it; where W&B hangs, it passes at once
]
pytestmark = [pytest.mark.usefixtures("mortal"), pytest.mark.versions]

# A package that does what W&B does, in a file; and what W&B may do to us, unless it is offline.
FAKE = """
    import json, os, signal, sitecustomize, sys, threading

    broken = os.environ.get("BROKEN", "")
    if broken == "import":
        raise TypeError("Descriptors cannot be created directly")
    seen = {"log": [], "summary": {}, "artifacts": {}}

    def maybe(moment):
        if broken.startswith(moment) and (seen["mode"] != "offline" or broken.endswith("always")):
            if "killed" in broken:
                os.kill(os.getpid(), signal.SIGKILL)
            if "exit" in broken:
                sys.exit(0)
            if "hangs" in broken:
                sitecustomize.hanging.set()
                threading.Event().wait()
            raise ConnectionError("no answer\\nat all")

    def login(**keywords):
        return os.environ.get("BROKEN") is not None

    class Settings:
        def __init__(self, **keywords):
            pass

    class Artifact:
        def __init__(self, name, type):
            self.name, self.files = name, []

        def add_file(self, file, policy):
            self.files.append(os.path.basename(file))

    class Run:
        summary = seen["summary"]

        def log(self, metrics, step):
            maybe("log")
            seen["log"].append(metrics | {"step": step})

        def log_artifact(self, artifact):
            maybe("artifact")
            seen["artifacts"][artifact.name] = artifact.files

        def finish(self, exit_code):
            maybe("finish")
            with open(os.environ["SEEN"], "w") as stream:
                json.dump(seen | {"exit_code": exit_code}, stream)

    def init(mode, settings, **keywords):
        seen.update(keywords, mode=mode)
        maybe("init")
        return Run()
"""

# Python runs this first. A client whose W&B hangs has no patience left, and every other one has as much as it needs: no
# time that passes, and so no load of the machine, decides.
PATIENCE = """
    import threading, time

    hanging = threading.Event()
    time.sleep = hanging.wait
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """A W&B of ours in place of the real one; what it saw."""
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "wandb.py").write_text(textwrap.dedent(FAKE))
    (tmp_path / "fake" / "sitecustomize.py").write_text(textwrap.dedent(PATIENCE))
    monkeypatch.setattr("da.engine.tracking.wandb_run.GRACE", HANGING)
    monkeypatch.syspath_prepend(str(tmp_path / "fake"))
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    monkeypatch.setenv("SEEN", str(tmp_path / "seen.json"))
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)

    def seen() -> dict[str, Any]:
        found: dict[str, Any] = json.loads((tmp_path / "seen.json").read_text())
        return found

    return seen


def rows_of(directory: Path) -> list[dict[str, str]]:
    with (directory / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def complete(result: Any) -> bool:
    return result.record.status == "finished" and len(rows_of(result.directory)) == 3


def test_wandb_is_told_everything(tmp_path: Path, fake: Any, capfd: pytest.CaptureFixture[str]) -> None:
    result = runs.run(compose([*SMALL, f"output={tmp_path / 'runs'}"]))
    assert capfd.readouterr().err == ""
    seen = fake()
    assert (seen["mode"], seen["project"], seen["exit_code"]) == ("offline", "da", 0), "no key is known"
    assert (seen["group"], seen["tags"]) == (result.record.task.name, ["transductive", result.record.setting])
    assert seen["config"] == result.record.config
    expected = [{name: pytest.approx(float(value)) for name, value in row.items()} for row in rows_of(result.directory)]
    assert seen["log"] == expected
    assert seen["summary"] == scores(result.record) | {
        f"selection/{rule}": found.score for rule, found in result.record.selection.items()
    }
    name = f"source_only-toy-{result.record.run_id}"
    assert seen["artifacts"] == {
        f"{name}-model": ["model.json", "model.npz", "model.safetensors"],
        f"{name}-results": ["predictions.csv", "predictions.npz", "record.json"],
    }


@pytest.mark.parametrize("moment", ["init", "log", "artifact", "finish", "init killed", "log killed", "finish killed"])
def test_what_goes_wrong_is_one_line_and_the_whole_run_is_kept_offline(
    tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], moment: str
) -> None:
    monkeypatch.setenv("BROKEN", moment)
    result = runs.run(compose([*SMALL, f"output={tmp_path / 'runs'}"]))
    assert complete(result)
    seen = fake()
    assert (seen["mode"], [row["epoch"] for row in seen["log"]], seen["exit_code"]) == ("offline", [1, 2, 3], 0)
    assert seen["summary"]["status"] == "finished"
    (line,) = capfd.readouterr().err.splitlines()
    assert ("exit code -9" if "killed" in moment else "logger=wandb: ConnectionError: no answer; ") in line
    assert f"wandb sync {result.directory}/wandb/offline-run-*" in line


@pytest.mark.parametrize("moment", ["import", "init always", "finish exit always", "log killed always"])
def test_what_goes_wrong_offline_too_is_one_line(
    tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], moment: str
) -> None:
    monkeypatch.setenv("BROKEN", moment)
    assert complete(runs.run(compose([*SMALL, f"output={tmp_path / 'runs'}"])))
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("logger=wandb: ")
    assert "metrics.csv and the record are complete" in line


@pytest.mark.parametrize("moment", ["init hangs", "log hangs", "finish hangs"])
def test_a_server_that_never_answers_costs_the_patience_at_the_end(
    tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], moment: str
) -> None:
    monkeypatch.setenv("BROKEN", moment)
    assert complete(runs.run(compose([*SMALL, f"output={tmp_path / 'runs'}"])))
    assert [row["epoch"] for row in fake()["log"]] == [1, 2, 3]
    (line,) = capfd.readouterr().err.splitlines()
    assert f"W&B did not finish within {HANGING:g} seconds; the whole run is kept offline" in line


def test_a_client_that_cannot_even_give_up_is_killed(
    tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("da.engine.tracking.wandb_run.GRACE", 0.2)
    info = {"name": "a", "group": "b", "tags": [], "config": {}}
    *_, run = wandb(tmp_path, info, patience=0.2)
    os.kill(run.client.pid, signal.SIGSTOP)
    stopped = run.client
    run.finish(Stopped("failed", "", ""), tmp_path)
    assert stopped.returncode == -signal.SIGKILL


def client(*events: dict[str, Any], torn: str = "") -> subprocess.Popen[str]:
    """A client that was told of the start and some events, and whose run is gone."""
    made = subprocess.Popen(
        [sys.executable, "-P", str(CLIENT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert made.stdin is not None
    assert made.stdout is not None
    made.stdout.close()
    first = {"init": {"name": "a"}, "offline": None, "patience": HANGING}
    made.stdin.write("".join(json.dumps(event) + "\n" for event in (first, *events)) + torn)
    made.stdin.close()
    return made


@pytest.mark.parametrize("torn", ["", '{"log": {"lo'])
def test_a_run_that_is_killed_is_a_failed_one_in_wandb(fake: Any, torn: str) -> None:
    assert client({"log": {"loss": 1.0}, "step": 2}, torn=torn).wait(HANGING) == 0
    assert (fake()["exit_code"], fake()["summary"], len(fake()["log"])) == (1, {"status": "killed"}, 1)


@pytest.mark.usefixtures("fake")
def test_no_client_outlives_its_run_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", "log hangs")
    assert client({"log": {"loss": 1.0}, "step": 2}).wait(HANGING) == 1


def test_a_resumed_run_is_whole(tmp_path: Path, fake: Any) -> None:
    info = {"name": "a", "group": "b", "tags": [], "config": {}}
    failed = Stopped("failed", "", "OSError")
    for steps in ((2, 4, 6), (4, 8)):
        loggers = wandb(tmp_path, info)
        for step in steps:
            for logger in loggers:
                logger.log_metrics({"loss": 10.0 * steps[0] + step}, step)
        loggers[-1].finish(failed, tmp_path)
    assert fake()["log"] == [{"loss": 22.0, "step": 2}, {"loss": 44.0, "step": 4}, {"loss": 48.0, "step": 8}]
    assert (fake()["exit_code"], fake()["summary"]["status"]) == (1, "failed")


# The real package.


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("wandb") is None:
        pytest.skip("wandb is not installed")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setattr("da.engine.tracking.wandb_run.GRACE", HANGING)


def kept(directory: Path) -> bytes:
    """The content of the one offline run."""
    (offline,) = (directory / "wandb").glob("offline-run-*")
    (log,) = offline.glob("*.wandb")
    return log.read_bytes()


ALL = (
    b"target_test/accuracy",
    b"toy subspace",
    b"transductive",
    b"chosen/oracle_accuracy/accuracy",
    b"model.safetensors",
)


@pytest.mark.usefixtures("real")
def test_wandb_runs_offline_without_a_key(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = runs.run(compose([*SMALL, f"output={tmp_path}"]))
    assert complete(result)
    content = kept(result.directory)
    assert all(expected in content for expected in ALL)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_a_closed_port_costs_a_moment_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    result = runs.run(compose([*SMALL, f"output={tmp_path}", "logger.patience=60"]))
    assert complete(result)
    content = kept(result.directory)
    assert all(expected in content for expected in ALL)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("logger=wandb: ")  # and W&B's own words
    assert "; the whole run is kept offline" in line


def children(parent: int) -> dict[str, int]:
    """Processes below one, by name."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue  # it ended just now
        if int(rest.split()[1]) == parent:
            found[name] = int(stat.parent.name)
    return found


class Killer:
    """Kills W&B's own process after the first epoch."""

    killed = False

    def started(self, directory: Path, frozen: dict[str, Any]) -> None:
        pass

    def epoch(self, epoch: int, scores: dict[str, float | None]) -> bool:
        deadline = time.monotonic() + HANGING
        while not self.killed and time.monotonic() < deadline:
            for client in children(os.getpid()).values():
                core = children(client).get("wandb-core")
                if core is not None:
                    os.kill(core, signal.SIGKILL)
                    self.killed = True
            time.sleep(0.05)
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.usefixtures("real")
def test_the_death_of_wandb_in_mid_run_loses_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    killer = Killer()
    result = runs.run(compose([*SMALL, f"output={tmp_path}"]), observer=killer)
    assert killer.killed
    assert complete(result)
    contents = [file.read_bytes() for file in (result.directory / "wandb").glob("offline-run-*/*.wandb")]
    assert any(all(expected in content for expected in ALL) for content in contents)
    (line,) = capfd.readouterr().err.splitlines()
    assert "the whole run is kept offline" in line
