"""Models that runs leave predict new samples without the data, as the run itself did."""

import csv
import json
import shutil

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file

import da
from da.engine.result import one_line
from da.errors import DataError, UsageError

pytestmark = pytest.mark.versions


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


@pytest.mark.parametrize(
    ("overrides", "held"),
    [
        (("method=coral",), 0),
        (("method=unadapted", "classifier=one_nn"), 54),  # a tenth of the source is held out
        (("method=unadapted", "classifier=one_nn", "data.validation_fraction=0"), 60),
        (("method=tca", "method.kernel=rbf"), 114),  # the target's, too
        (("method=self_training", "classifier=one_nn"), 114),
    ],
    ids=["none", "neighbours", "all", "kernel", "labelled"],
)
def test_a_model_that_holds_samples_says_so(files, overrides, held):
    made = run(*overrides)
    line = one_line(made.record, made.directory, fresh=True)
    assert ("holds" in line) == bool(held)
    assert not held or f"(its model holds {held} training samples)" in line


def test_support_vectors_and_sparse_rows_are_samples(files):
    held = json.loads((run("method=coral", "classifier=svm").directory / "model.json").read_text())["training_samples"]
    assert 0 < held <= 54
    x = sparse.random(40, 30, 0.3, format="csr", random_state=0)
    for name, scale in (("s", 1.0), ("t", 1.5)):
        dump_svmlight_file(x * scale, np.arange(40) % 2, f"{name}.svm")
    made = da.run(
        "method=unadapted", "classifier=one_nn", "data=features", "data.source=s.svm", "data.target=t.svm",
        "data.validation_fraction=0", "data.test_fraction=0.5", "output=runs",
    )  # fmt: skip
    assert json.loads((made.directory / "model.json").read_text())["training_samples"] == 40
    narrow = sparse.csr_matrix(x.toarray()[:5, :29])
    dump_svmlight_file(narrow, np.zeros(5), "narrow.svm")  # its last columns are empty, and it does not say so
    wide = sparse.hstack([narrow, sparse.csr_matrix((5, 1))]).tocsr()
    model = da.load(made.directory)
    assert model.predict("narrow.svm").tolist() == model.predict(wide).tolist()
    assert model.predict(wide.tocoo()).tolist() == model.predict(wide).tolist()


def test_what_tells_units_is_no_sample_of_the_target(files):
    target = da.load(run("method=coral").directory)
    with np.load(run("method=coral").directory / "model.npz") as arrays:
        values = {float(v) for name in arrays.files for v in np.ravel(arrays[name])}
    with open("b.csv") as file:
        cells = [{float(row["u"]), float(row["v"])} for row in csv.DictReader(file)]
    assert not any(row <= values for row in cells)
    assert target.probe.size <= 3
    with pytest.raises(DataError, match="bring all to one type"):
        target.predict(np.full((4, 2), 7, np.uint8))


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


def test_whole_numbers_as_labels_stay_numbers(files):
    for name, y in (("n.csv", ("11", "2")), ("z.csv", ("01", "2"))):
        text = (files / "a.csv").read_text()
        (files / name).write_text(text.replace("cat", y[0]).replace("dog", y[1]))
    assert da.load(run("method=coral", "data.source=n.csv").directory).classes_.tolist() == [2, 11]
    assert set(da.load(run("method=coral", "data.source=n.csv").directory).predict("b.csv")) <= {2, 11}
    assert da.load(run("method=coral", "data.source=z.csv").directory).classes_.tolist() == ["01", "2"]


def test_an_earlier_model_goes_where_none_is_to_be_kept(files):
    made = run(*DEEP)
    assert (made.directory / "model.safetensors").exists()
    assert run(*DEEP, "save_model=false", "rerun=all").fresh
    assert not list(made.directory.glob("model.*"))


@pytest.mark.parametrize("name", ["model.npz", "model.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "empty", "absent", "other"])
def test_a_damaged_file_is_named(files, name, damage):
    made = run(*DEEP)
    home = shutil.copytree(made.directory, files / "copy")
    content = (home / name).read_bytes()
    (home / name).unlink()
    other = run(*DEEP, "seed=1").directory / name
    if damage != "absent":
        (home / name).write_bytes(
            {"cut": content[: len(content) // 2], "empty": b"", "other": other.read_bytes() + b"\0"}[damage]
        )
    with pytest.raises(DataError, match=f"{name}.*copy the whole folder"):
        da.load(home)


def test_what_is_no_number_is_refused(files):
    import pandas

    model = da.load(run("method=coral").directory)
    words = pandas.DataFrame({"u": ["a", "b"], "v": ["c", "d"]})
    for samples in (words, [["a", "b"]], np.array([[object(), 1]], dtype=object)):
        with pytest.raises(DataError, match="are not all numbers"):
            model.predict(samples)
    x = np.array([[0.1, 0.2], [1.0, 0.0]])
    assert model.predict(sparse.csr_matrix(x)).tolist() == model.predict(x).tolist()  # made dense, as in training
    with pytest.raises(DataError, match=r"shape \(2, 2\)"):
        da.load(da.run("method=coral", "data=toy", "output=runs").directory).predict(sparse.csr_matrix(x))


def test_python_runs_one_configuration_and_no_options(files):
    with pytest.raises(UsageError, match="several"):
        da.run("method=coral,tca", "data=toy")
    with pytest.raises(UsageError, match="takes overrides such as method=coral, not '--dry-run'"):
        da.run("--dry-run", "data=toy")


def test_clusters_have_no_class_names(files):
    from da.cli.predict import predict

    text = (files / "a.csv").read_text()
    (files / "labelled.csv").write_text(text.replace(",0.", ",1."))
    deep = ("trainer.max_epochs=1", "steps_per_epoch=2")
    made = run("method=aligned_autoencoder", "data.target=labelled.csv", *deep)
    rows = table(made.directory)
    assert {row["prediction"] for row in rows} <= {"cluster 0", "cluster 1"}
    assert {row["label"] for row in rows} == {"cat", "dog"}
    model = da.load(made.directory)
    assert model.classes_.tolist() == ["cluster 0", "cluster 1"]
    with pytest.raises(DataError, match="finds clusters, which have no names"):
        model.known_labels(model.read("labelled.csv"))
    assert predict([str(made.directory), "data=labelled.csv"]) == 0
    with open("labelled_predictions.csv", newline="") as file:
        assert "label" not in csv.DictReader(file).fieldnames
