"""One run: record, skipping, failures, resuming."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from da.config import catalog
from da.config.compose import compose
from da.config.validate import cautions, validate
from da.data.toy import Toy
from da.engine import accepted, codehash
from da.engine import run as runs
from da.engine.result import error_message, made_by_other_code, place
from da.errors import ConfigError, DataError
from da.estimators.subspace.coral import CORAL as Coral
from da.methods.transductive.source_only import SourceOnly
from da.results import record

pytestmark = pytest.mark.versions

SMALL = [
    "data=toy",
    "data.samples=60",
    "trainer.max_epochs=2",
    "steps_per_epoch=3",
    "trainer.enable_progress_bar=false",
]


def config(tmp_path: Path, *overrides: str) -> dict[str, Any]:
    return compose([*SMALL, f"output={tmp_path}", *overrides])


def test_a_run_leaves_a_whole_record(tmp_path: Path) -> None:
    result = runs.run(config(tmp_path, "method=dann"))
    found = json.loads((result.directory / "record.json").read_text())
    assert found["status"] == "finished"
    assert (found["method"], found["family"], found["setting"], found["seed"]) == (
        "dann",
        "transductive",
        "transductive",
        0,
    )
    assert [e["epoch"] for e in found["epochs"]] == [1, 2]
    assert found["epochs"][-1]["step"] == 6
    assert set(found["epochs"][0]["terms"]) == {"task", "domain"}
    assert {"last", "source_accuracy", "entropy", "infomax", "oracle_accuracy"} <= set(found["selection"])
    best = max(e["target_test"]["accuracy"] for e in found["epochs"])
    assert found["selection"]["oracle_accuracy"]["target_test"]["accuracy"] == best
    assert found["selection"]["last"]["target_test"] == found["target_test"] == found["epochs"][-1]["target_test"]
    assert found["task"]["domains"]["target/test"]["samples"] == 60
    assert sum(found["task"]["domains"]["source/train"]["per_class"]) == 60
    assert found["versions"]["torch"] == torch.__version__.split("+")[0]
    assert len(found["fingerprint"]) == 16
    assert found["seconds"]["train"] > 0
    assert found["seconds"]["cpu"] > 0
    assert not list(result.directory.glob("*.ckpt")), "a finished run keeps no checkpoint"


def test_predictions_agree_with_the_record(tmp_path: Path) -> None:
    result = runs.run(config(tmp_path, "method=source_only"))
    saved = np.load(result.directory / "predictions.npz", allow_pickle=False)
    assert 100 * np.mean(saved["predicted"] == saved["y"]) == pytest.approx(result.record.target_test["accuracy"])
    assert (saved["logits"].argmax(1) == saved["predicted"]).all()


def test_a_trained_method_can_be_restored(tmp_path: Path) -> None:
    from da.methods.inference import predict

    result = runs.run(config(tmp_path, "method=cdan"))
    method, _, exam = runs.restore(result.directory)
    logits = predict(method, exam.domains["target_test"])[1]
    np.testing.assert_allclose(logits, np.load(result.directory / "predictions.npz")["logits"], rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match="no finished deep run with its weights"):
        runs.restore(tmp_path)
    stored = json.loads((result.directory / record.FILE).read_text())  # as runs recorded before loggers moved
    stored["config"]["logger"] = {"_target_": "da.results.tracking.csv"}
    (result.directory / record.FILE).write_text(json.dumps(stored))
    assert type(runs.restore(result.directory).method) is type(method)


def test_a_finished_run_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = runs.run(config(tmp_path, "method=source_only"))
    monkeypatch.setattr(runs, "execute", lambda *_: pytest.fail("ran again"))
    for same in ([], ["logger=none"], ["selection=entropy"], ["trainer.enable_progress_bar=true"]):
        again = runs.run(config(tmp_path, "method=source_only", *same))
        assert not again.fresh
        assert again.directory == first.directory
    assert first.fresh


@pytest.mark.parametrize(
    "change", ["seed=1", "data.split_seed=1", "batch_size=32", "optimizer.lr=0.1", "trainer.max_epochs=3"]
)
def test_whatever_can_change_a_result_changes_the_identity(tmp_path: Path, change: str) -> None:
    first = runs.run(config(tmp_path, "method=source_only"))
    second = runs.run(config(tmp_path, "method=source_only", change))
    assert second.fresh
    assert second.directory != first.directory


def test_the_content_of_a_named_checkpoint_is_part_of_the_identity(tmp_path: Path) -> None:
    trained = runs.run(config(tmp_path, "method=source_only")).directory / "model.safetensors"
    first = runs.run(config(tmp_path, "method=fine_tune", f"method.checkpoint={trained}"))
    save_file({name: value + 0.1 for name, value in load_file(trained).items()}, trained)
    assert runs.run(config(tmp_path, "method=fine_tune", f"method.checkpoint={trained}")).directory != first.directory


def test_runs_of_other_code_are_rerun_on_request_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.run(config(tmp_path, "method=source_only"))
    monkeypatch.setattr(record, "code_version", lambda: {"source": "other", "commit": ""})
    assert not runs.run(config(tmp_path, "method=source_only", "rerun=stale")).fresh, "nothing that it computes with"
    monkeypatch.setattr(codehash, "of_config", lambda config: "other")
    assert not runs.run(config(tmp_path, "method=source_only")).fresh
    assert runs.run(config(tmp_path, "method=source_only", "rerun=stale")).fresh
    assert not runs.run(config(tmp_path, "method=source_only", "rerun=stale")).fresh
    (old,) = tmp_path.rglob("record.old.json")
    assert json.loads(old.read_text())["code"]["method"] != "other", "the record that was replaced is kept"
    assert runs.run(config(tmp_path, "method=source_only", "rerun=all")).fresh


def test_a_run_is_of_other_code_unless_what_computed_and_scored_it_is_there_or_accepted_as_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepted, "FILE", tmp_path / "equal.json")
    made = runs.run(config(tmp_path, "method=source_only")).record
    assert not made_by_other_code(made)
    for old in ({"method": "old"}, {"scoring": {"entropy": "old"}}):
        other = replace(made, code=made.code._replace(**old))
        assert made_by_other_code(other)
    present = made.code.scoring["entropy"]
    accepted.accept({("old", present): ["a cell"]})
    assert not made_by_other_code(other)
    assert not made_by_other_code(replace(made, code=made.code._replace(scoring={"a rule that is gone": "x"})))


def test_a_failed_run_leaves_its_traceback_and_is_retried_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild = config(tmp_path, "method=source_only", "optimizer=sgd", "optimizer.lr=1e30")
    with pytest.raises(runs.RunFailed, match=r"not finite at step \d .*lower optimizer.lr"):
        runs.run(wild)
    (file,) = tmp_path.rglob("record.json")
    found = json.loads(file.read_text())
    assert found["status"] == "failed"
    assert "TrainingError" in found["traceback"]
    assert "not finite" in found["error"]
    with pytest.raises(runs.RunFailed, match="failed before.*rerun=failed"):
        runs.run(wild)
    monkeypatch.setattr(SourceOnly, "training_step", lambda self, batch, index: None)
    assert runs.run(wild | {"rerun": "failed"}).record.status == "finished"


def test_what_is_refused_before_training_leaves_nothing(tmp_path: Path) -> None:
    few = config(tmp_path, "method=source_only") | {"data": {"_target_": "da.data.toy.Toy", "samples": 1}}
    with pytest.raises(ConfigError, match="needs at least 2 classes"):
        runs.run(few)
    path = ["data=features", f"data.source={tmp_path}/a.csv", f"data.target={tmp_path}/b.csv"]
    with pytest.raises(DataError, match=r"There is no '.*a.csv'"):
        runs.run(compose([*path, "method=coral", f"output={tmp_path}"]))
    with pytest.raises(ConfigError, match="MCD updates 'encoder', which has no parameters"):
        runs.run(config(tmp_path, "method=mcd", "network=linear"))
    with pytest.raises(DataError, match=r"shots=500 labels the whole target"):
        runs.run(config(tmp_path, "method=soft_transfer", "shots=500"))
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.parametrize("before", ["finished", "interrupted"])
def test_a_refusal_takes_nothing_from_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    made = runs.run(config(tmp_path, "method=source_only")).directory
    if before == "interrupted":
        (made / "record.json").replace(made / "last.ckpt")
    files = {file.name: file.read_bytes() for file in made.iterdir() if file.name != "run.lock"}

    def refusing(*_: Any) -> None:
        raise ConfigError("It needs another network.")

    monkeypatch.setattr(runs, "make_method", refusing)
    with pytest.raises(ConfigError, match="another network"):
        runs.run(config(tmp_path, "method=source_only", "rerun=all"))
    assert {name: (made / name).read_bytes() for name in files if name != "config.json"}.items() <= files.items()


def test_what_a_fit_finds_out_about_the_data_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(self: Coral, source: Any, target: Any) -> None:
        raise DataError("The source lacks a class.")

    monkeypatch.setattr(Coral, "fit", fit)
    with pytest.raises(runs.RunFailed, match="The source lacks a class"):
        runs.run(config(tmp_path, "method=coral"))
    (file,) = tmp_path.rglob("record.json")
    assert json.loads(file.read_text())["error"] == "The source lacks a class."


@pytest.mark.parametrize("owner", [Toy, SourceOnly])
def test_an_error_that_nobody_foresaw_says_where_it_was_and_where_more_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type
) -> None:
    def broken(*_: Any) -> int:
        return int("toluene")

    monkeypatch.setattr(owner, "load" if owner is Toy else "terms", broken)
    with pytest.raises(runs.RunFailed) as caught:
        runs.run(config(tmp_path, "method=source_only", "data.split_seed=7"))
    (file,) = tmp_path.rglob("record.json")
    line = broken.__code__.co_firstlineno + 1
    said = f"ValueError: invalid literal for int() with base 10: 'toluene' (tests/engine/test_run.py:{line}"
    assert str(caught.value).endswith(f"{said}; traceback in {file})")
    found = json.loads(file.read_text())
    assert (found["status"], found["error"]) == ("failed", f"{said})")
    assert "in broken" in found["traceback"]


def test_an_error_within_a_package_is_placed_where_we_called_it() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    assert place(caught.value).startswith("tests/engine/test_run.py:")
    assert place(ValueError("never raised")) == ""
    assert error_message(KeyError()) == "KeyError"


def test_a_wrong_configuration_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        runs.run(config(tmp_path, "method=source_only") | {"seeed": 1})
    assert not list(tmp_path.iterdir())


def test_seconds_of_the_processor_are_those_of_training_and_evaluation_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("da.engine.run.time.process_time", lambda: clock[0])
    train = runs.trained

    def counted(*given: Any) -> Any:
        clock[0] += 7.0
        made = train(*given)
        clock[0] += 0.5
        return made

    monkeypatch.setattr("da.engine.run.trained", counted)
    made = runs.run(config(tmp_path, "method=coral")).record
    assert made.cpu_seconds == 7.5
    assert made.total_seconds == sum(made.seconds[part] for part in ("train", "evaluate", "load"))


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Starts a run that the user stops in the middle of its second epoch."""
    from da.methods.base import Method

    step = Method.training_step

    def stopping(self: Method, batch: Any, index: int) -> None:
        if self.steps_done == 4:
            raise KeyboardInterrupt
        step(self, batch, index)

    def start(config: dict[str, Any]) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Method, "training_step", stopping)
            with pytest.raises(KeyboardInterrupt):
                runs.run(config)

    return start


@pytest.mark.parametrize("method", ["mcd", "weighted_risk"])
def test_an_interrupted_run_continues_to_the_same_weights(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupted: Callable[[dict[str, Any]], None],
    method: str,
) -> None:
    from da.methods.base import Method

    extra = [f"method={method}", "trainer.max_epochs=3", "data.shift=covariate"]
    whole = runs.run(config(tmp_path / "whole", *extra))
    interrupted(config(tmp_path / "cut", *extra))
    assert list((tmp_path / "cut").rglob("last.ckpt"))
    assert not list((tmp_path / "cut").rglob("record.json"))
    resumed_from: list[int] = []
    step = Method.training_step

    def counted(self: Method, batch: Any, index: int) -> None:
        resumed_from.append(self.steps_done)
        step(self, batch, index)

    monkeypatch.setattr(Method, "training_step", counted)
    resumed = runs.run(config(tmp_path / "cut", *extra))
    assert resumed_from == [4, 5, 6, 7, 8], "it goes on where it stopped"
    assert whole.record.cpu_seconds is not None
    assert resumed.record.cpu_seconds is None, "another process computed a part of it"
    a, b = (load_file(r.directory / "model.safetensors") for r in (whole, resumed))
    assert all(torch.equal(a[name], b[name]) for name in a)
    for again, once in zip(resumed.record.epochs, whole.record.epochs, strict=True):
        assert again.target_test == once.target_test
        assert again.terms == pytest.approx(once.terms)
        assert again.diagnostics == once.diagnostics


def test_a_checkpoint_of_other_code_is_not_used(
    tmp_path: Path,
    interrupted: Callable[[dict[str, Any]], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupted(config(tmp_path, "method=source_only"))
    monkeypatch.setattr("da.engine.checkpoint.code_version", lambda: {"source": "other", "commit": ""})
    assert runs.run(config(tmp_path, "method=source_only")).record.status == "finished"
    assert "other code" in capsys.readouterr().out


def test_a_checkpoint_cut_short_is_not_used(
    tmp_path: Path, interrupted: Callable[[dict[str, Any]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(config(tmp_path, "method=source_only"))
    (file,) = tmp_path.rglob("last.ckpt")
    file.write_bytes(file.read_bytes()[:500])
    assert runs.run(config(tmp_path, "method=source_only")).record.status == "finished"
    assert "cannot be read" in capsys.readouterr().out


def test_different_spaces_found_on_loading_are_refused_with_a_sentence(tmp_path: Path) -> None:
    for name, columns in (("a", 4), ("b", 6)):
        rng = np.random.default_rng(0)
        np.savez(tmp_path / f"{name}.npz", X=rng.normal(size=(40, columns)), y=np.arange(40) % 2)
    own = ["data=features", f"data.source={tmp_path}/a.npz", f"data.target={tmp_path}/b.npz"]
    common = [
        *own,
        "trainer.max_epochs=1",
        "steps_per_epoch=2",
        f"output={tmp_path}/runs",
        "trainer.enable_progress_bar=false",
    ]
    for method in ("source_only", "coral"):
        with pytest.raises(DataError, match=r"needs one space|a heterogeneous method"):
            runs.run(compose([*common, f"method={method}"]))
    assert runs.run(compose([*common, "method=soft_transfer"])).record.status == "finished"


def test_a_target_without_labels_is_predicted_and_not_scored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", X=rng.normal(size=(40, 4)), y=np.array(["cat", "dog"] * 20))
    np.savez(tmp_path / "b.npz", X=rng.normal(size=(30, 4)))
    result = runs.run(compose(["data=features", f"data.source={tmp_path}/a.npz", f"data.target={tmp_path}/b.npz",
                               "method=coral", f"output={tmp_path}/runs"]))  # fmt: skip
    assert result.record.target_test == {}
    assert np.isnan(result.value)
    assert "oracle_accuracy" not in result.record.selection
    saved = np.load(result.directory / "predictions.npz", allow_pickle=False)
    assert set(saved["classes"][saved["predicted"]]) <= {"cat", "dog"}


def test_float64_features_reach_an_estimator_unrounded(tmp_path: Path) -> None:
    """One nearest neighbour decides between points that float32 cannot tell apart."""
    x = np.array([[0.0], [1e-60]])
    np.savez(tmp_path / "a.npz", X=x, y=np.array([0, 1]))
    np.savez(tmp_path / "b.npz", X=1.25 * x, y=np.array([0, 1]))
    result = runs.run(compose(["data=features", f"data.source={tmp_path}/a.npz", f"data.target={tmp_path}/b.npz",
                               "data.test_fraction=0.0", "data.validation_fraction=0.0",
                               "method=unadapted", "classifier=one_nn", f"output={tmp_path}/runs"]))  # fmt: skip
    assert result.record.target_test["accuracy"] == 100.0


WEIGHED = [name for name, entry in catalog.entries("method").items() if ".estimators.weighting." in entry.path]


@pytest.mark.parametrize("method", [*WEIGHED, "landmarks", "tradaboost"])
def test_a_classifier_that_takes_no_weights_is_refused_for_all_that_weigh(method: str) -> None:
    with pytest.raises(ConfigError, match=rf"^method={method} weighs samples, and KNeighborsClassifier takes no"):
        validate(compose([f"method={method}", "classifier=one_nn"]))


def test_a_classifier_that_takes_no_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"method=kmm weighs samples, and KNeighborsClassifier takes no weights"):
        runs.run(config(tmp_path, "method=kmm", "data.shift=covariate", "classifier=one_nn"))


def test_the_content_of_a_networks_weights_is_part_of_the_identity(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    plain = {"method": {}, "network": {"_target_": "da.nn.torchvision.ResNet", "weights": "a.pt"}, "trainer": {}}
    found = []
    for content in (b"1", b"2"):
        (tmp_path / "a.pt").write_bytes(content)
        found.append(record.run_id(plain, "data"))
    assert found[0] != found[1]


def test_a_record_says_which_c_was_chosen_and_how_many_samples_are_in_effect(tmp_path: Path) -> None:
    said = runs.run(config(tmp_path, "method=kmm", "classifier=svm")).record.epochs[-1].diagnostics
    assert said["C"] in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
    assert 30.0 - 1e-6 <= said["effective_sample_size"] <= 60.0
    assert said["estimated_sample_size"] <= said["effective_sample_size"] + 1e-9
    said = runs.run(config(tmp_path, "method=ot_sinkhorn", "classifier.C=3")).record.epochs[-1].diagnostics
    assert said == {"C": 3.0, "converged": 1.0, "marginal_error": pytest.approx(0.0, abs=1e-3)}


def test_a_transport_of_standardised_features_is_cautioned(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("s", "t"):
        np.savez(tmp_path / f"{name}.npz", X=rng.normal(size=(40, 3)), y=np.arange(40) % 2)
    files = [
        "data=features",
        f"data.source={tmp_path}/s.npz",
        f"data.target={tmp_path}/t.npz",
        f"output={tmp_path}/runs",
    ]
    with pytest.warns(UserWarning, match="method=ot_emd moves samples by their distances, and data.standardize=true"):
        runs.run(compose([*files, "method=ot_emd", "data.standardize=true"]))
    assert cautions(validate(compose(["method=ot_emd", "data=wisdm"]))) == []  # its own scaling, of different units
    (said,) = cautions(validate(compose(["method=ot_emd", "data=amazon_reviews", "data.normalize=zscore"])))
    assert "data.normalize=zscore gives" in said
    runs.run(compose([*files, "method=ot_emd"]))  # warnings are errors here
    runs.run(compose([*files, "method=coral", "data.standardize=true"]))
