"""The command line of scripts/train.py."""

import builtins
import json
import re
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import ROOT, finished, started
from small import SMALL

from da.cli import train as entry
from da.config import catalog

pytestmark = pytest.mark.versions

TRAIN = ROOT / "scripts" / "train.py"


def records(folder: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(folder.rglob("record.json"))]


@pytest.mark.parametrize("flag", ["--help", "--list"])
def test_help_and_list_name_everything_without_pytorch(flag: str) -> None:
    code = f"import sys; sys.argv=['train', '{flag}']; from da.cli import train as entry; entry.train(['{flag}']); assert 'torch' not in sys.modules"
    done = finished("-c", code)
    assert done.returncode == 0, done.stderr
    for group in ("method", "data"):
        for name in catalog.entries(group):
            assert re.search(rf"\b{name}\b", done.stdout)


MISTAKES = {
    "metod=dann": "did you mean 'method'",
    "method=danm": "did you mean 'da",
    "method.wieght=2": "did you mean 'weight'",
    "++method.wieght=2": "did you mean 'weight'",
    "method.weight=abc": "method.weight must be a number of at least 0",
    "data.shft=3": "did you mean 'shift'",
    "trainer.max_epoch=3": "did you mean 'max_epochs'",
    "trainer.max_epochs=abc": "trainer.max_epochs must be",
    "trainer.max_epochs=0": "at least 1",
    "trainer.callbacks=[]": "trainer.callbacks",
    "trainer.benchmark=true": "add it with +trainer.benchmark=True",
    "+trainer.callbacks=[]": "is set by the run itself",
    "optimizer.lr=-1": "optimizer.lr must be a number above 0",
    "classifier.C=0": "classifier.C must be a number above 0",
    "classifier.C=best": "or cv, got 'best'",
    "method=kmm classifier=one_nn": "method=kmm weighs samples, and KNeighborsClassifier takes no weights",
    "method=tradaboost classifier=one_nn": "use a classifier that does, such as classifier=logistic",
    "batch_size=0": "batch_size must be a whole number of at least 1",
    "seed=-1": "seed must be a whole number of at least 0",
    "selection=lst": "did you mean 'last'",
    "rerun=stal": "did you mean 'stale'",
    "schedule=cosine": "did you mean 'cosine_decay'",
    "method=weighted_risk method.weighting=kmn": "did you mean 'kmm'",
    "method=weighted_risk method.weighting=coral": "is not a weighting",
    "method=coral data=toy_dimensions": "cannot run on data=toy_dimensions: the data do not offer one feature space",
    "++method._target_=os.system": "not allowed",
    "++method._target_=joblib.load": "not allowed",
    "++data._target_=numpy.load": "not allowed",
    "++data._target_=pandas.read_pickle": "not allowed",
    "++network._target_=torch.load": "not allowed",
    "++network._target_=builtins.open": "not allowed",
    "++data._target_=da.data.readers.np.load": "not exist",
    "++optimizer._target_=torch.optim.sgd.cast": "not allowed",
    "trainer=ddp batch_size=7": "must be a multiple of trainer.devices=2",
    "method=[": "",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_refused_with_the_nearest_name_and_code_2(
    arguments: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert entry.train([*arguments.split(), f"output={tmp_path}/runs"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("train: ")
    assert MISTAKES[arguments] in error
    assert "Traceback" not in error
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def conf_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import shutil

    copy = tmp_path / "conf"
    shutil.copytree(catalog.CONF, copy)
    monkeypatch.setattr(catalog, "CONF", copy)
    catalog.entries.cache_clear()
    yield copy
    catalog.entries.cache_clear()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("experiment/mine.yaml", "# @package _global_\ntrainr:\n  max_epochs: 3\n", "no key 'trainr' (in conf/experiment/mine.yaml); did you mean 'trainer'"),
        ("experiment/mine.yaml", "# @package _global_\nmethod:\n  wieght: 3\n", "no key 'method.wieght' (in conf/experiment/mine.yaml); did you mean 'weight'"),
        ("experiment/mine.yaml", "# @package _global_\nseed: abc\n", "seed must be a whole number"),
        ("method/dann.yaml", "_target_: da.methods.transductive.dann.DANN\nwieght: 1.0\n", "no key 'method.wieght' (in conf/method/dann.yaml)"),
        ("trainer/cpu.yaml", "_target_: pytorch_lightning.Trainer\nmax_epochs: 1\nacelerator: cpu\n", "did you mean 'accelerator'"),
    ],
)  # fmt: skip
def test_a_typo_in_any_file_is_refused(
    conf_copy: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, message: str
) -> None:
    (conf_copy / file).write_text(text)
    extra = ["experiment=mine"] if file.startswith("experiment") else []
    assert entry.train(extra) == 2
    assert message in capsys.readouterr().err


def test_data_that_are_refused_are_one_sentence_and_no_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.csv").write_text("x,label\n" + "1,a\n2,b\n" * 30)
    given = ["method=coral", "data=features", "data.source=~/a.csv", "data.target=~/b.csv", "output=~/runs"]
    for more, said in (([], f"There is no '{tmp_path}/b.csv'"), (["data.label_column=lable"], "'lable'")):
        if more:
            (tmp_path / "b.csv").write_text((tmp_path / "a.csv").read_text() + "3,a\n")
        assert entry.train([*given, *more]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("train: ")
        assert said in line
    assert not records(tmp_path)
    assert entry.train(given) == 0
    assert len(records(tmp_path / "runs")) == 1, "the home folder was meant"


def test_a_planted_pickle_is_not_executed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pickle

    class Payload:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "executed",))

    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(Payload()))
    pickle.loads(file.read_bytes())
    assert (tmp_path / "executed").exists(), "the payload works"
    (tmp_path / "executed").unlink()
    for target, key in (("joblib.load", "filename"), ("pandas.read_pickle", "filepath_or_buffer"), ("torch.load", "f")):
        assert entry.train([f"++method._target_={target}", f"++method.{key}={file}"]) == 2
    assert not (tmp_path / "executed").exists()


def test_a_sweep_runs_skips_and_survives_a_failure(tmp_path: Path) -> None:
    sweep = ["-m", "method=source_only,coral", "optimizer.lr=0.001,1e30", *SMALL, f"output={tmp_path}", "optimizer=sgd"]
    first = finished(TRAIN, *sweep)
    assert first.returncode == 1, "one run failed"
    assert first.stdout.count("finished ") == 3
    assert "FAILED   method=source_only" in first.stderr
    assert "not finite" in first.stderr
    assert "Traceback" not in first.stderr
    assert sorted(r["status"] for r in records(tmp_path)) == ["failed", "finished", "finished", "finished"]
    second = finished(TRAIN, *sweep)
    assert second.returncode == 1
    assert "3 skipped, 1 failed" in second.stdout
    assert "failed before" in second.stderr
    assert not list(tmp_path.rglob("*.log")), "nothing leaves files of its own"


KILLED = """
import os, signal, sys
from da.cli import train as entry
from da.methods.base import Method

step = Method.training_step

def dying(self, batch, index):
    if self.steps_done == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    step(self, batch, index)

Method.training_step = dying
entry.train(sys.argv[1:])
"""


def test_a_killed_run_is_taken_up_again(tmp_path: Path) -> None:
    """Killed within its third epoch, at a step and not after a time: no machine is too fast or too slow for it."""
    arguments = ["method=source_only", "data=toy", "trainer.max_epochs=5", "steps_per_epoch=5", f"output={tmp_path}",
                 "trainer.enable_progress_bar=false", "logger=none"]  # fmt: skip
    killed = finished("-c", KILLED, *arguments)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (checkpoint,) = tmp_path.rglob("last.ckpt")
    assert torch.load(checkpoint, weights_only=True)["epoch"] == 1, "the second epoch is the last whole one"
    assert not records(tmp_path)
    done = finished(TRAIN, *arguments)
    assert done.returncode == 0, done.stderr
    (found,) = records(tmp_path)
    assert [e["epoch"] for e in found["epochs"]] == [1, 2, 3, 4, 5], "the history is whole"


def test_ctrl_c_stops_gracefully_and_keeps_the_step(tmp_path: Path) -> None:
    endless = ["method=source_only", "data=toy", "trainer.max_epochs=1000000", "steps_per_epoch=50",
               f"output={tmp_path}", "trainer.enable_progress_bar=false"]  # fmt: skip
    with started(TRAIN, *endless) as process:
        process.until(lambda: list(tmp_path.rglob("last.ckpt")), "a checkpoint")
        process.send(signal.SIGINT)
        done = process.ended()
    assert done.returncode == 130, done.stderr
    assert "goes on from the last step" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", sorted(TRAIN.parent.glob("*.py")), ids=lambda script: script.stem)
def test_ctrl_c_while_a_script_imports_is_no_traceback(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = builtins.__import__

    def interrupted(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "da" and name != "da.cli.start":
            raise KeyboardInterrupt
        return original(name, *rest)

    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 130
    assert capsys.readouterr().err == "\nInterrupted.\n"


@pytest.mark.slow
def test_sweeps_over_devices_give_each_run_all_its_processes(tmp_path: Path) -> None:
    """Plain Hydra with Lightning's launcher ends this with exit code 0 and half the data."""
    arguments = ["-m", "trainer.devices=2,1,2", "seed=0,1", "method=dann", *SMALL, f"output={tmp_path}"]
    done = finished(TRAIN, *arguments)
    assert done.returncode == 0, done.stderr
    found = records(tmp_path)
    assert sorted(r["device"][0] for r in found) == ["1", "1", "2", "2"]
    for seed in (0, 1):
        one, two = (next(r for r in found if r["seed"] == seed and r["device"][0] == n) for n in "12")
        assert one["epochs"][0]["terms"]["task"] == pytest.approx(two["epochs"][0]["terms"]["task"], abs=1e-5)
        assert one["target_test"] == two["target_test"]


@pytest.mark.slow
def test_a_failing_process_group_shows_the_cause_and_does_not_stop_the_sweep(tmp_path: Path) -> None:
    done = finished(
        TRAIN,
        "-m",
        "optimizer.lr=1e30,0.001",
        "optimizer=sgd",
        "method=source_only",
        "trainer=ddp",
        *SMALL,
        f"output={tmp_path}",
    )
    assert done.returncode == 1
    assert "not finite" in done.stderr
    assert sorted(r["status"] for r in records(tmp_path)) == ["failed", "finished"]
