from __future__ import annotations

import pytest
from records import unlabelled


def test_the_page_is_written_into_the_folder(report, folder):
    code, out, _ = report(folder)
    assert code == 0
    assert "office" in out
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert f"report: {folder / 'report.html'}" in out


def test_the_page_goes_where_it_is_told_or_nowhere(report, folder):
    report(folder, "--html", folder / "new" / "page.html")
    assert (folder / "new" / "page.html").is_file()
    report(folder, "--no-html")
    assert not (folder / "report.html").exists()


def test_exports_are_written_beside(report, folder):
    pandas = pytest.importorskip("pandas")
    files = {kind: folder / "out" / f"table.{kind}" for kind in ("md", "tex", "csv", "parquet")}
    code, _, _ = report(
        folder, "--no-html", "--markdown", files["md"], "--latex", files["tex"], "--csv", files["csv"],
        "--parquet", files["parquet"],
    )  # fmt: skip
    assert code == 0
    assert "| tca | 50.0 | 50.0 | 1 |" in files["md"].read_text()
    assert r"\textbf{56.00}$^{*}$ \\" in files["tex"].read_text()
    for read in (pandas.read_csv(files["csv"]), pandas.read_parquet(files["parquet"])):
        assert len(read) == 28
        assert read["figure.last"].max() == 62.0


def test_another_rule_is_reported_first(report, tmp_path, keep, record):
    keep(record("dann", "art->clip", 60.0, epochs=3))
    code, out, _ = report(tmp_path, "--selection", "entropy")
    assert code == 0
    assert "accuracy" in out
    assert "56.00" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("rule", ["last", "oracle_accuracy"])
def test_every_export_says_which_rule_chose_and_when_it_is_an_oracle(report, tmp_path, keep, record, monkeypatch, rule):
    monkeypatch.setenv("HOME", str(tmp_path))
    keep(record("dann", "art->clip", 60.0, epochs=3))
    keep(record("dann", "art->real", 60.0, epochs=3))
    folder = tmp_path / "out"
    _, out, _ = report(
        tmp_path, "--selection", rule, "--by-task", "--markdown", "~/out/by_task.md", "--latex", folder / "t.tex",
        "--html", folder / "t.html", "--csv", folder / "t.csv",
    )  # fmt: skip
    (caption,) = (line for line in (folder / "t.tex").read_text().splitlines() if line.startswith(r"\caption"))
    caption = caption.replace("\\", "")
    for text in (out, caption, (folder / "by_task.md").read_text(), (folder / "t.html").read_text()):
        assert f"selection={rule}" in text
        bound = f"selection={rule}, an oracle that reads the target test labels: a bound, not a result"
        assert (bound in text) == (rule != "last")
    assert f"figure.{rule}" in (folder / "t.csv").read_text().splitlines()[0].split(",")


def test_failures_come_last_and_go_where_the_run_has_finished_since(report, tmp_path, keep, record):
    def failing(*where, **changes):
        changes |= {"status": "failed", "error": f"{where[0]} broke.", "traceback": "T", "fingerprint": None}
        keep(record(*where, 1.0, **changes))

    failing("ann", "art->clip")
    failing("unmet", "art->real", data="aaa", run_id="nothing-finished")
    failing("dann", "art->clip", run_id="before")
    keep(record("dann", "art->clip", 60.0))
    files = [tmp_path / "out" / name for name in ("t.md", "t.html", "t.csv", "t.tex")]
    code, out, _ = report(
        tmp_path, "--markdown", files[0], "--html", files[1], "--csv", files[2], "--latex", files[3]
    )  # fmt: skip
    assert code == 0
    for text in (out, *(file.read_text() for file in files)):
        assert "dann broke" not in text
    for text in (out, files[0].read_text(), files[3].read_text()):
        assert text.index("dann") < text.index("ann", text.index("dann") + 4) < text.index("unmet")
    page = files[1].read_text()
    assert page.index("data=office") < page.index("data=aaa") < page.index("ann broke.</summary>")
    assert [line.split(",")[4] for line in files[2].read_text().splitlines()[1:]] == ["finished", "failed", "failed"]


def test_what_cannot_be_done_is_said(report, folder):
    code, _, err = report(folder, "--show", "nothing")
    assert code == 2
    assert "There is no run 'nothing' in this folder" in err
    code, _, err = report(folder, "--no-html", "--csv", folder / "runs.xlsx")
    assert code == 2
    assert "suffix '.xlsx'" in err


def test_a_folder_that_is_not_there_or_holds_no_record_is_said(report, tmp_path):
    code, out, err = report(tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert f"report: The folder {tmp_path / 'nowhere'} is not there" in err
    code, _, err = report(tmp_path)
    assert code == 2
    assert "there are no records below" in err


def test_every_output_of_a_target_without_labels_is_scores(report, tmp_path, monkeypatch):
    monkeypatch.setattr("da.engine.result.record.code_version", lambda: {"source": "one", "commit": ""})
    unlabelled(tmp_path, "dann", {"last": [1, 2], "infomax": [0.9, 0.5], "entropy": [-3.0, -4.0]}, [0, 1, 2] * 10)
    unlabelled(tmp_path, "tca", {"last": [1], "infomax": [0.5], "entropy": [-1.0]}, [0, 1, 1] * 10)
    files = {kind: tmp_path / f"t.{kind}" for kind in ("md", "tex", "csv")}
    code, out, _ = report(
        tmp_path, "--selection", "entropy", "--markdown", files["md"], "--latex", files["tex"], "--csv", files["csv"]
    )
    assert code == 0
    for text in (out, files["md"].read_text()):
        assert text.index("tca") < text.index("dann")
        assert "Rows are ordered by entropy" in text.replace("\n", " ")
    tex = files["tex"].read_text()
    assert tex.index(r"tca & -1.000 & 70.0") < tex.index("dann & -3.000")
    assert "the target has no labels, so nothing here is an accuracy on it. Rows are ordered by entropy" in tex
    assert "score.infomax" in files["csv"].read_text().splitlines()[0].split(",")
    assert "highest entropy: tca" in (tmp_path / "report.html").read_text()


def test_records_that_cannot_be_read_are_said_on_the_page_too(report, folder):
    (folder / "half").mkdir()
    (folder / "half" / "record.json").write_text("{")
    _, _, err = report(folder)
    assert "skipped 1 unreadable record" in err
    assert f"The record of {folder / 'half'} cannot be read" in (folder / "report.html").read_text()
