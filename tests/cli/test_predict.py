"""scripts/predict.py: a file or folder and a run in, a table out."""

import csv
import json

import numpy as np
import pytest

import da
from da.cli.predict import predict

pytestmark = pytest.mark.versions

Image = pytest.importorskip("PIL.Image")


def rows(file):
    with open(file, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two tables, photos of two domains, and a run on each."""
    home = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    lines = [(f"s{k}", *rng.normal(k % 2, 0.3, 2), "yes" if k % 2 else "no") for k in range(60)]
    (home / "a.csv").write_text("id,u,v,label\n" + "".join(f"{i},{u:.3f},{v:.3f},{y}\n" for i, u, v, y in lines))
    (home / "b.csv").write_text("id,u,v\n" + "".join(f"t{i},{u + 0.2:.3f},{v:.3f}\n" for i, u, v, _ in lines))
    (home / "third.csv").write_text(
        "label,note,v,id,u\n" + "".join(f"{y},x y,{v:.3f},{i},{u + 0.3:.3f}\n" for i, u, v, y in lines[:20])
    )
    (home / "empty.csv").touch()
    (home / "other.csv").write_text("A,B\n1,2\n")
    for folder in ("red/cat", "red/dog", "blue", "new/deep"):
        (home / "photos" / folder).mkdir(parents=True)
        for k in range(5):
            image = Image.fromarray(rng.integers(0, 255, (33, 33, 3), dtype=np.uint8))
            image.save(home / "photos" / folder / f"{k}.png")
    return home


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def table_run(here):
    data = ("data=features", "data.source=a.csv", "data.target=b.csv", "data.id_column=id", "output=runs")
    return str(da.run("method=coral", *data, "trainer.enable_progress_bar=false").directory)


@pytest.fixture
def photo_run(here):
    data = ("data=image_folder", "data.root=photos", "data.source=red", "data.target=blue", "output=runs")
    return str(da.run("method=coral", *data, "trainer.enable_progress_bar=false").directory)


def test_columns_are_found_by_name_and_rows_keep_theirs(table_run, tmp_path, capsys):
    file = tmp_path / "out.csv"
    assert predict([table_run, "data=third.csv", f"output={file}"]) == 0
    made = rows(file)
    assert list(made[0]) == ["id", "prediction", "probability", "label"]
    assert [row["id"] for row in made] == [f"s{k}" for k in range(20)]
    hits = np.mean([row["prediction"] == row["label"] for row in made])
    assert hits > 0.8
    said = capsys.readouterr().out
    assert f"20 samples predicted by coral, accuracy {100 * hits:.2f} on their labels -> {file}" in said


def test_a_table_without_labels_has_no_column_of_them(table_run, here, capsys):
    assert predict([table_run, "data=b.csv"]) == 0
    assert list(rows(here / "b_predictions.csv")[0]) == ["id", "prediction", "probability"]
    assert "accuracy" not in capsys.readouterr().out


def test_batches_do_not_matter(table_run, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    predict([table_run, "data=b.csv", f"output={whole}"])
    monkeypatch.setattr("da.cli.predict.BATCH", 14)  # seven rows of two columns
    predict([table_run, "data=b.csv", f"output={parts}"])
    assert whole.read_text() == parts.read_text()


def test_folders_are_searched_and_files_named(photo_run, tmp_path):
    file = tmp_path / "out.csv"
    assert predict([photo_run, "data=photos/new", f"output={file}"]) == 0
    made = rows(file)
    assert [row["file"] for row in made] == [f"deep/{k}.png" for k in range(5)]
    assert {row["prediction"] for row in made} <= {"cat", "dog"}


def test_an_archive_of_images_is_refused(photo_run, tmp_path, capsys):
    (tmp_path / "photos.zip").touch()
    assert predict([photo_run, f"data={tmp_path / 'photos.zip'}"]) == 2
    assert "is an archive; unpack it" in capsys.readouterr().err


def test_an_image_that_cannot_be_read_ends_it_or_is_left_out(photo_run, here, tmp_path, capsys):
    bad = here / "photos" / "new" / "deep" / "2x.png"
    bad.write_bytes(b"no image")
    file = tmp_path / "out.csv"
    try:
        assert predict([photo_run, "data=photos/new", f"output={file}"]) == 2
        assert "'deep/2x.png' cannot be read" in capsys.readouterr().err
        assert not file.exists()
        assert predict([photo_run, "data=photos/new", f"output={file}", "skip_unreadable=true"]) == 0
    finally:
        bad.unlink()
    assert "1 images cannot be read and are left out: deep/2x.png" in capsys.readouterr().out
    assert [row["file"] for row in rows(file)] == [f"deep/{k}.png" for k in range(5)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["RUN"], "give data: "),
        (["data=b.csv"], "name one run"),
        (["RUN", "dta=b.csv"], "no key 'dta'; did you mean 'data'"),
        (["RUN", "data="], "data= has no value"),
        (["RUN", "data=b.csv", "data=a.csv"], "given twice"),
        (["RUN", "data=b.csv", "output=photos"], "output=photos is a folder"),
        (["RUN", "data=b.csv", "output=a.csv/out.csv"], "cannot be written"),
        (["RUN", "data=b.csv", "output=b.csv"], "would be written over b.csv"),
        (["RUN", "data=b.csv", "output=RUN/model.json"], "name another file"),
        (["RUN", "data=empty.csv"], "'empty.csv' cannot be read"),
        (["RUN", "data=other.csv"], "'other.csv' lacks the columns u, v"),
        (["RUN", "data=absent.csv"], "absent.csv"),
        (["RUN", "data=b.csv", "skip_unreadable=perhaps"], "neither true nor false"),
        (["photos", "data=b.csv"], "holds no model.json"),
    ],
)
def test_what_is_wrong_is_said(table_run, capsys, words, message):
    assert predict([word.replace("RUN", table_run) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("predict: ")
    assert message in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("u,v,id,label\n0.1,0.2,p,maybe\n0.3,0.1,q,no\n", "labels that the model does not know (maybe)"),
        ("u,v,id,label\n0.1,0.2,p,yes\n0.3,0.1,q,\n", "has no 'label' in 1 of 2 rows"),
    ],
    ids=["unknown", "partly"],
)
def test_labels_that_cannot_be_used_are_left_out_and_it_is_said(table_run, tmp_path, capsys, text, why):
    file, out = tmp_path / "some.csv", tmp_path / "out.csv"
    file.write_text(text)
    assert predict([table_run, f"data={file}", f"output={out}"]) == 0
    said = capsys.readouterr().out
    assert why in said
    assert "accuracy" not in said
    assert list(rows(out)[0]) == ["id", "prediction", "probability"]
    assert [row["id"] for row in rows(out)] == ["p", "q"]


def test_rows_without_a_column_of_names_are_numbered(table_run, tmp_path):
    file, out = tmp_path / "plain.csv", tmp_path / "out.csv"
    file.write_text("u,v\n0.1,0.2\n0.3,0.1\n")
    assert predict([table_run, f"data={file}", f"output={out}"]) == 0
    assert [row["row"] for row in rows(out)] == ["0", "1"]


def test_a_column_that_is_no_feature_decides_nothing(table_run, tmp_path):
    """Decimal commas could be thousands in the text of another column, which is not the model's."""
    file, plain = tmp_path / "semicolons.csv", tmp_path / "plain.csv"
    file.write_text('u;v;id;price\n0,1;0,2;p;"1,250"\n1,0;0,9;q;"2,500"\n')
    plain.write_text("u,v,id\n0.1,0.2,p\n1.0,0.9,q\n")
    for source in (file, plain):
        assert predict([table_run, f"data={source}", f"output={source.with_suffix('.out')}"]) == 0
    assert rows(file.with_suffix(".out")) == rows(plain.with_suffix(".out"))


def test_arrays_without_names_are_taken_in_order_and_it_is_said(table_run, tmp_path, capsys):
    x = np.array([[0.0, 0.1], [1.0, 0.9], [0.1, 1.2]])
    np.savez(tmp_path / "x.npz", x=x)
    out = tmp_path / "out.csv"
    assert predict([table_run, f"data={tmp_path / 'x.npz'}", f"output={out}"]) == 0
    assert "they are taken to stand in the same order" in capsys.readouterr().out
    assert [row["prediction"] for row in rows(out)] == da.load(table_run).predict(x).tolist()


def test_a_classifier_of_margins_tells_no_probabilities(here, tmp_path):
    data = ("data=features", "data.source=a.csv", "data.target=b.csv", "data.id_column=id", "output=runs")
    run = da.run("method=coral", "classifier=linear_svm", *data, "trainer.enable_progress_bar=false").directory
    out = tmp_path / "out.csv"
    assert predict([str(run), "data=b.csv", f"output={out}"]) == 0
    assert {row["probability"] for row in rows(out)} == {""}


def test_names_of_rows_under_a_heading_of_predictions_keep_theirs(here, tmp_path):
    for name in ("a.csv", "b.csv"):
        text = (here / name).read_text()
        (tmp_path / name).write_text(text.replace("id,", "prediction,", 1))
    files = (f"data.source={tmp_path / 'a.csv'}", f"data.target={tmp_path / 'b.csv'}", "data.id_column=prediction")
    made = da.run("method=coral", "data=features", *files, f"output={tmp_path / 'runs'}").directory
    assert list(rows(made / "predictions.csv")[0]) == ["prediction (id)", "prediction", "probability"]


def test_a_damaged_model_is_refused(table_run, here, tmp_path, capsys):
    import shutil

    for k, damage in enumerate(("{", json.dumps({"format": 1}), json.dumps({"format": 99}))):
        away = shutil.copytree(table_run, tmp_path / f"run{k}")
        (away / "model.json").write_text(damage)
        assert predict([str(away), "data=b.csv"]) == 2
        assert str(away) in capsys.readouterr().err


def test_help_names_every_key(capsys):
    from da.cli.predict import KEYS

    assert predict(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(key in said for key in KEYS)
