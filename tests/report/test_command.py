from __future__ import annotations

import sys

import pytest

from da.report import command


@pytest.fixture
def report(monkeypatch, capsys):
    """Run the command in this process: its exit code and what it said."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["report.py", *map(str, arguments)])
        code = command.main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


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
    assert r"\textbf{56.00} \\" in files["tex"].read_text()
    for read in (pandas.read_csv(files["csv"]), pandas.read_parquet(files["parquet"])):
        assert len(read) == 28
        assert read["figure.last"].max() == 62.0


def test_another_rule_is_reported_first(report, tmp_path, keep, record):
    keep(record("dann", "art->clip", 60.0, epochs=3))
    code, out, _ = report(tmp_path, "--selection", "entropy")
    assert code == 0
    assert "accuracy" in out
    assert "56.00" in (tmp_path / "report.html").read_text()


def test_what_cannot_be_done_is_said(report, folder):
    code, _, err = report(folder, "--show", "nothing")
    assert code == 2
    assert "There is no run 'nothing' in this folder" in err
    code, _, err = report(folder, "--no-html", "--csv", folder / "runs.xlsx")
    assert code == 2
    assert "suffix '.xlsx'" in err
