"""Runs that were made when keywords had other names are runs of the present names, wherever they are looked for."""

import json
import shutil
import warnings
from pathlib import Path

import pytest

from da.cli import train as entry
from da.config.compose import compose
from da.config.validate import validate
from da.engine import run as runs
from da.engine.result import directory_of, load_failure_directory, other_data
from da.engine.run import RunFailed
from da.results import index, record, store
from da.results.record import Record
from da.tables.task_runs import grouped_by_task

STORED = Path(__file__).parents[1] / "results/stored/toy/tca"
COMMAND = ["method=tca", "data=toy", "data.samples=60", "method.n_components=2", "method.random_state=1", "logger=none"]


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The directory of a run of TCA that was made with ``components`` and ``seed``."""
    shutil.copytree(STORED, tmp_path / "toy/tca")
    (directory,) = (tmp_path / "toy/tca").iterdir()
    return directory


def config(folder: Path, *more: str) -> dict:
    return compose([*COMMAND, f"output={folder}", "trainer.enable_progress_bar=false", *more])


def test_its_record_has_the_present_names_and_the_identity_of_the_present_run(left: Path, tmp_path: Path) -> None:
    found = record.load(left)
    plan = validate(config(tmp_path))
    assert found.config["method"] == plan.config["method"]
    assert found.run_id == record.run_id(plan.config, found.fingerprint) != left.name.removeprefix("seed0-")


def test_it_is_not_run_again(left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "execute", lambda *arguments: pytest.fail("it was run again"))
    found = runs.run(config(tmp_path))
    assert (found.fresh, found.directory) == (False, left)
    assert found.value == json.loads((left / record.FILE).read_text())["selection"]["last"]["target_test"]["accuracy"]


def test_it_computes_the_same_under_the_present_names_in_the_same_directory(left: Path, tmp_path: Path) -> None:
    before = record.load(left)
    again = runs.run(config(tmp_path, "rerun=all"))
    assert (again.fresh, again.directory) == (True, left)
    assert [made.name for made in left.parent.iterdir()] == [left.name], "never two of one configuration"
    assert again.record.run_id == before.run_id
    assert again.value == before.main("last")
    assert json.loads((left / "config.json").read_text())["method"]["n_components"] == 2
    assert not runs.run(config(tmp_path)).fresh


def test_another_setting_is_another_run(left: Path, tmp_path: Path) -> None:
    made = runs.run(config(tmp_path, "method.n_components=1"))
    assert made.fresh
    assert made.directory.name == f"seed0-{made.record.run_id}" != left.name


@pytest.mark.usefixtures("left")
def test_a_dry_run_knows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swept = [word.replace("n_components=2", "n_components=1,2") for word in COMMAND]
    assert entry.train(["-m", *swept, f"output={tmp_path}", "--dry-run"]) == 0
    assert "2 runs: 1 to run, 1 finished, skipped" in capsys.readouterr().out


def test_a_failed_one_is_not_tried_again_unless_asked_to(left: Path, tmp_path: Path) -> None:
    content = json.loads((left / record.FILE).read_text())
    failed = {k: v for k, v in content.items() if k not in ("task", "target_test", "selection", "seconds", "epochs")}
    (left / record.FILE).write_text(json.dumps(failed | {"status": "failed", "error": "It broke."}))
    with pytest.raises(RunFailed, match=r"failed before: It broke\..*rerun=failed tries again"):
        runs.run(config(tmp_path))
    assert runs.run(config(tmp_path, "rerun=failed")).directory == left


def test_a_failure_to_load_is_replaced(tmp_path: Path) -> None:
    plan = validate(config(tmp_path))
    old = json.loads((next(STORED.iterdir()) / "config.json").read_text())
    directory = tmp_path / f"toy/tca/seed0-{record.run_id(old, 'no data')}"
    directory.mkdir(parents=True)
    assert load_failure_directory(plan) == directory
    (directory / record.FILE).write_text("{}")
    runs.run(config(tmp_path))
    assert not (directory / record.FILE).exists()


def test_that_its_data_changed_is_said(left: Path, tmp_path: Path) -> None:
    plan = validate(config(tmp_path))
    directory = directory_of(plan, "f" * 16)
    assert directory.name != left.name
    assert f"the record of {left} is of data" in other_data(plan, directory, "f" * 16)
    other = validate(config(tmp_path, "method.n_components=1"))
    assert other_data(other, directory_of(other, "f" * 16), "f" * 16) == ""


@pytest.mark.usefixtures("left")
def test_it_is_averaged_with_the_present_ones(tmp_path: Path) -> None:
    shots = ["method=tradaboost", "data=toy", "data.samples=60", "method.n_estimators=3", f"output={tmp_path}"]
    made = [runs.run(compose([*shots, "logger=none", f"seed={seed}"])) for seed in (0, 1)]
    content = json.loads((made[0].directory / record.FILE).read_text())
    content["config"]["method"]["rounds"] = content["config"]["method"].pop("n_estimators")
    (made[0].directory / record.FILE).write_text(json.dumps(content | {"schema": 2, "run_id": "made before"}))
    (task,) = grouped_by_task([r for r in store.load(tmp_path) if r.method == "tradaboost"])
    ((label, row),) = task.rows.items()
    assert (label, [r.seed for r in row]) == ("tradaboost", [0, 1])
    assert [r.run_id for r in row] == [m.record.run_id for m in made]


@pytest.mark.usefixtures("left")
def test_an_index_of_the_earlier_schema_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "LEAST", 1)
    monkeypatch.setattr(index, "YOUNG", -(10**12))
    (found,) = store.load(tmp_path)
    assert (tmp_path / index.FILE).is_file()
    monkeypatch.setattr(record, "load", lambda directory: pytest.fail("the index was not used"))
    assert store.load(tmp_path) == [found]
    assert found.config["method"]["n_components"] == 2
    monkeypatch.setattr(index, "SCHEMA", index.SCHEMA - 1)
    assert index.read(tmp_path) == {}


def test_infinity_has_the_identity_that_it_had() -> None:
    given = {"_target_": "da.estimators.weighting.kmm.KMM", "limit": float("inf"), "tol": 1e-6, "slack": None}
    old = {"limit": "inf", "accuracy": 1e-6, "tolerance": None}
    content = json.loads((next(STORED.iterdir()) / record.FILE).read_text())
    content["config"] = content["config"] | {"method": {"_target_": given["_target_"], **old}}
    present = content["config"] | {"method": given}
    assert Record.from_json(content).run_id == record.run_id(present, content["fingerprint"])


def test_keywords_of_a_weighting_within_a_deep_method_are_renamed_too() -> None:
    inner = {"_target_": "da.estimators.weighting.ulsif.ULSIF", "seed": 3}
    content = json.loads((next(STORED.iterdir()) / record.FILE).read_text())
    method = {"_target_": "da.methods.instance.weighted_risk.WeightedRisk", "weighting": inner, "seed": 7}
    content["config"] = content["config"] | {"method": method}
    found = Record.from_json(content).config
    assert found["method"] == method | {"weighting": {"_target_": inner["_target_"], "random_state": 3}}
    assert found["seed"] == 0


def test_a_record_without_a_renamed_keyword_keeps_its_identity(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = runs.run(compose(["method=coral", "data=toy", "data.samples=60", f"output={tmp_path}", "logger=none"]))
    content = json.loads((made.directory / record.FILE).read_text()) | {"schema": 2, "run_id": "as it was"}
    assert Record.from_json(content).run_id == "as it was"
