"""Models that runs leave predict new samples without the data, as the run itself did."""

import csv
import json
import shutil

import numpy as np
import pytest

import da
from da.engine.result import one_line
from da.errors import DataError, UsageError


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two tables in the working folder: labels in one, columns in another order in the other."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    with open("a.csv", "w") as a, open("b.csv", "w") as b:
        a.write("name,u,v,label\n")
        b.write("v,name,u\n")
        for k in range(60):
            u, v = rng.normal(k % 2, 0.4, 2)
            a.write(f"a{k},{u:.4f},{v:.4f},{'cat' if k % 2 else 'dog'}\n")
            b.write(f"{v + 0.3:.4f},b{k},{u + 0.2:.4f}\n")
    return tmp_path


def run(*overrides):
    common = ("data=features", "data.source=a.csv", "data.target=b.csv", "data.id_column=name", "output=runs")
    return da.run(*common, "trainer.enable_progress_bar=false", *overrides)


def table(directory):
    with open(directory / "predictions.csv", newline="") as file:
        return list(csv.DictReader(file))


DEEP = ("method=dann", "trainer.max_epochs=2", "steps_per_epoch=5")


@pytest.mark.parametrize(
    "overrides", [("method=coral",), ("method=tca", "data.standardize=true"), ("method=unadapted", "classifier=one_nn"), DEEP],
    ids=["mapping", "standardised", "neighbours", "deep"],
)  # fmt: skip
def test_a_model_in_another_folder_predicts_as_its_run_did(files, overrides):
    made = run(*overrides)
    rows = table(made.directory)
    assert [row["name"] for row in rows] == [f"b{k}" for k in range(60)]  # every row of an unlabelled target
    home = shutil.copytree(made.directory, files / "elsewhere" / "model")
    for file in ("a.csv", "b.csv"):
        (files / file).rename(files / "elsewhere" / file)
    model = da.load(home)
    assert model.classes_.tolist() == ["cat", "dog"]
    assert model.predict("elsewhere/b.csv").tolist() == [row["prediction"] for row in rows]
    proba = model.predict_proba("elsewhere/b.csv")
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(proba.max(axis=1), [float(row["probability"]) for row in rows], rtol=2e-6)
    assert len(model.transform("elsewhere/b.csv")) == 60


def test_arrays_frames_and_files_are_the_same_samples(files):
    import pandas

    model = da.load(run("method=coral", "data.standardize=true").directory)
    frame = pandas.read_csv("b.csv")
    expected = model.predict("b.csv").tolist()
    assert model.predict(frame).tolist() == expected  # by the names of its columns
    assert model.predict(frame[["u", "v"]].to_numpy()).tolist() == expected
    with pytest.raises(DataError, match=r"lacks the columns v"):
        model.predict(frame[["u"]])
    frame.drop(columns="v").to_csv("short.csv", index=False)
    with pytest.raises(DataError, match=r"'short.csv' lacks the columns v"):
        model.predict("short.csv")


def test_what_does_not_fit_is_refused(files):
    model = da.load(run("method=coral").directory)
    for x, message in (
        (np.zeros((3, 5)), r"shape \(3, 5\); the model takes \(n, 2\)"),
        (np.array([[np.nan, 1.0]]), "NaN"),
        (np.zeros((0, 2)), "no samples"),
    ):
        with pytest.raises(DataError, match=message):
            model.predict(x)
    with pytest.raises(DataError, match=r"holds no model.json"):
        da.load(files)


def test_a_classifier_outside_the_list_is_not_kept_but_predicts(files):
    forest = ("classifier._target_=sklearn.ensemble.RandomForestClassifier", "~classifier.C", "~classifier.max_iter")
    made = run("method=coral", *forest)
    assert not (made.directory / "model.json").exists()
    assert any("RandomForestClassifier" in note and "without pickle" in note for note in made.record.notes)
    assert len(table(made.directory)) == 60
    with pytest.raises(DataError, match="holds no model"):
        da.load(made.directory)


def test_margins_are_no_probabilities(files):
    made = run("method=coral", "classifier=linear_svm")
    assert {row["probability"] for row in table(made.directory)} == {""}
    with pytest.raises(UsageError, match="has no probabilities"):
        da.load(made.directory).predict_proba("b.csv")


def test_a_model_that_holds_samples_says_so(files):
    made = run("method=unadapted", "classifier=one_nn", "data.validation_fraction=0")
    assert "(its model holds 60 training samples)" in one_line(made.record, made.directory, fresh=True)
    made = run("method=coral")
    assert "holds" not in one_line(made.record, made.directory, fresh=True)


def test_no_model_is_kept_where_none_is_asked_for(files):
    made = run("method=coral", "save_model=false")
    assert not list(made.directory.glob("model.*"))
    assert not run("method=coral").fresh  # it is the same run


@pytest.mark.parametrize("overrides", [("method=coral",), DEEP], ids=["closed_form", "deep"])
def test_python_and_the_command_line_are_one(files, capsys, overrides):
    from da.cli.train import train

    made = run(*overrides)
    words = ["data=features", "data.source=a.csv", "data.target=b.csv", "data.id_column=name", "output=lines"]
    assert train([*words, *overrides, "trainer.enable_progress_bar=false"]) == 0
    line = capsys.readouterr().out.strip().splitlines()[-1]
    other = files / line.rpartition(" -> ")[2]
    assert other.name == "predictions.csv"
    assert other.parent.name == made.directory.name
    assert other.read_bytes() == (made.directory / "predictions.csv").read_bytes()
    records = [json.loads((folder / "record.json").read_text()) for folder in (other.parent, made.directory)]
    assert records[0]["epochs"][0]["scores"] == records[1]["epochs"][0]["scores"]


def test_labels_stand_beside_predictions_where_they_are_known(files):
    shutil.copy("a.csv", "c.csv")
    with open("c.csv") as file:
        text = file.read().replace(",0.", ",1.")
    (files / "c.csv").write_text(text)
    made = run("method=coral", "data.target=c.csv")
    rows = table(made.directory)
    assert len(rows) == 18  # three tenths of a labelled target
    hits = np.mean([row["prediction"] == row["label"] for row in rows])
    assert made.value == pytest.approx(100 * hits)
