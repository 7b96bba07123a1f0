"""The command ``da``: every command is there, and what is misspelt is told."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from da import places
from da.cli import main as entry
from da.cli import new


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = entry.main(words)
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_commands_are_listed_in_a_line_each(capsys, words: tuple[str, ...]) -> None:
    code, out, err = said(capsys, *words)
    assert (code, err) == (0, "")
    assert re.findall(r"^  (\S+)  ", out, re.MULTILINE) == list(entry.COMMANDS)
    assert all(len(line) <= 100 for line in out.splitlines())


def test_every_command_is_a_function_of_words() -> None:
    for where, _ in entry.COMMANDS.values():
        module, _, name = where.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_every_script_is_a_command() -> None:
    scripts = {file.stem for file in (places.ROOT / "scripts").glob("*.py")}
    named = {places.SCRIPTS.get(name, name) for name in entry.COMMANDS} | {f"new_{kind}" for kind in new.kinds()}
    assert scripts - named == {"gallery", "render_docs"}, "both write into the checkout"


@pytest.mark.parametrize(("word", "nearest"), [("trian", "train"), ("reports", "report"), ("check", "checks")])
def test_an_unknown_command_is_told_with_the_nearest(capsys, word: str, nearest: str) -> None:
    assert said(capsys, word) == (2, "", f"da: There is no command '{word}'; did you mean '{nearest}'?\n")


def test_a_command_gets_its_words(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = said(capsys, "train", "method=dan", "data=digitz")
    assert (code, err) == (2, "train: There is no data=digitz; did you mean 'digits'?\n")
    code, out, _ = said(capsys, "list")
    assert code == 0
    assert "Which method runs on which data:" in out
    code, out, _ = said(capsys, "status")
    assert (code, out) == (2, "no sweep is running here\n")
    code, _, err = said(capsys, "report")
    assert code == 2
    assert "runs is not there" in err
    code, _, err = said(capsys, "checks", "corall")
    assert code == 2
    assert "did you mean 'coral'" in err


def test_new_names_what_it_can_start(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"method", "data"} <= new.kinds().keys()
    assert said(capsys, "new", "metod", "x")[0] == 2
    assert "da new method NAME" in said(capsys, "new", "--help")[1]
    monkeypatch.setattr(sys, "path", list(sys.path))
    code, out, _ = said(capsys, "new", "method", "quite_new", "--family", "subspace")
    assert code == 0
    assert (tmp_path / "quite_new.py").is_file()
    assert (tmp_path / "conf/method/quite_new.yaml").is_file()
    assert "quite_new" in out


def test_a_command_is_called_as_it_works_where_the_user_is(tmp_path: Path, monkeypatch) -> None:
    def called(name: str) -> str:
        return places.command(name)

    monkeypatch.chdir(places.ROOT)
    assert [*map(called, ("train", "status", "new method", "checks"))] == [
        "python scripts/train.py",
        "python scripts/sweep_status.py",
        "python scripts/new_method.py",
        "python -m da.checks",
    ]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/da", "train"])
    assert called("train") == "python scripts/train.py", "pages are rendered alike whoever renders them"
    monkeypatch.chdir(tmp_path)
    assert called("train") == "da train"
    monkeypatch.setattr(sys, "argv", [str(places.ROOT / "scripts" / "report.py")])
    assert called("train") == f"python {places.ROOT / 'scripts' / 'train.py'}"
    monkeypatch.setattr(places, "INSTALLED", True)
    assert called("new method") == "da new method"
