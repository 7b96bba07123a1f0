"""What a group of processes leaves behind becomes an error of its kind, and of a refusal nothing stays."""

import json
import subprocess
import sys

import pytest

from da.cli import train as entry
from da.engine import distributed as launch
from da.errors import UsageError

pytestmark = pytest.mark.versions

SMALL = [
    "data=toy",
    "data.samples=60",
    "method=source_only",
    "trainer=ddp",
    "trainer.devices=2",
    "trainer.max_epochs=1",
]


@pytest.fixture
def torchrun(monkeypatch, tmp_path):
    """Sets what stands in place of Python as the starter of processes: it leaves files and an exit code."""

    def set_(code: int, **files: str) -> None:
        script = tmp_path / "python"
        body = "".join(f"Path(sys.argv[-1], '{name}.txt').write_text({text!r})\n" for name, text in files.items())
        script.write_text(
            f"#!{python}\nimport sys\nfrom pathlib import Path\n{body.replace('__', '-')}sys.exit({code})\n"
        )
        script.chmod(0o755)
        monkeypatch.setattr(launch.sys, "executable", str(script))

    python = sys.executable
    return set_


def test_a_refusal_of_one_process_is_a_refusal_of_the_run(torchrun, tmp_path, capsys):
    torchrun(1, error__refused__1="batch_size=1 is too small for 2 devices.")
    results = tmp_path / "results"
    for words in ([], ["-m"]):
        assert entry.train([*words, *SMALL, "launcher=in_process", f"output={results}"]) == 2
        assert "batch_size=1 is too small for 2 devices." in capsys.readouterr().err
        assert not list(results.rglob("record.json")), "a refusal leaves no record"
        assert not list(results.rglob("error*")), "nor what its processes wrote"


def test_the_first_process_that_failed_is_the_cause(torchrun, tmp_path, capsys):
    torchrun(1, error__0="The loss is not finite.")
    assert entry.train([*SMALL, f"output={tmp_path / 'results'}"]) == 1
    assert "The loss is not finite." in capsys.readouterr().err
    (record,) = (tmp_path / "results").rglob("record.json")
    assert json.loads(record.read_text())["status"] == "failed"


def test_processes_without_a_word_are_told_by_their_exit_code(torchrun, tmp_path):
    torchrun(3)
    with pytest.raises(launch.WorkerFailed, match="a process of 2 ended with exit code 3 and left no message"):
        launch.processes(tmp_path, {}, 2)
    (tmp_path / "error-refused-0.txt").write_text("of an earlier attempt")
    with pytest.raises(launch.WorkerFailed, match="left no message"):
        launch.processes(tmp_path, {}, 2)
    torchrun(1, error__refused__0="No.")
    with pytest.raises(UsageError, match="^No.$"):
        launch.processes(tmp_path, {}, 2)


def test_an_interrupted_group_is_ended(torchrun, tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nsleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(launch.sys, "executable", str(script))
    started = []

    class Interrupted(subprocess.Popen):
        def wait(self, timeout=None):
            if not started:
                started.append(self)
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(launch.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        launch.processes(tmp_path, {}, 2)
    assert started[0].poll() is not None
