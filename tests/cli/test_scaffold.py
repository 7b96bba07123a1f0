"""Scaffolds: what they write runs at once, is listed, and passes the checks but the one that asks for a gain."""

import ast
from pathlib import Path

import pytest

from da.checks import CheckedData, CheckedMethod, checks_for
from da.checks.__main__ import subject_of
from da.cli import docs, scaffold, scaffold_closed_form
from da.config import catalog
from da.errors import ConfigError

CLOSED_FORM = sorted(scaffold_closed_form.KINDS)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def loaded(file: Path) -> dict:
    """What a module of one's own defines."""
    values: dict = {"__name__": file.stem}
    exec(compile(file.read_text(), str(file), "exec"), values)
    return values


def ran(file: Path) -> int:
    """Run the tests of a file that need no fixtures; returns how many."""
    tests = [value for name, value in loaded(file).items() if name.startswith("test_")]
    for test in tests:
        test()
    return len(tests)


def test_every_family_of_the_catalogue_can_be_begun() -> None:
    assert {entry.family for entry in catalog.entries("method").values()} <= set(scaffold.families())
    assert {e.family for e in catalog.entries("method").values() if e.is_estimator} == set(CLOSED_FORM)


@pytest.mark.parametrize("family", CLOSED_FORM)
def test_a_closed_form_scaffold_runs_and_adapts_nothing_yet(own: Path, family: str) -> None:
    name = f"begun_{family}"
    files = scaffold.new_method(name, family)
    assert [f.relative_to(own).as_posix() for f in (files.code, files.config, files.test)] == [
        f"{name}.py", f"conf/method/{name}.yaml", f"tests/test_{name}.py",
    ]  # fmt: skip
    import importlib

    made = getattr(importlib.import_module(name), f"Begun{family.capitalize()}")
    config = dict(line.split(": ") for line in files.config.read_text().splitlines())
    assert config.pop("_target_") == f"{name}.{made.__name__}"
    subject = CheckedMethod(name, made, made.needs, config={k: None if v == "null" else v for k, v in config.items()})
    failed = {}
    for title, check in checks_for(subject):
        try:
            check(subject)
        except AssertionError as error:
            failed[title] = str(error)
    assert failed.keys() == {"beats_its_baseline"}
    assert failed["beats_its_baseline"].endswith("it changes nothing yet, so write what it learns.")
    assert ran(files.test) >= 1


@pytest.mark.parametrize("family", [*CLOSED_FORM, "transductive"])
def test_a_test_of_a_scaffold_fails_once_the_method_does_something_else(own: Path, family: str) -> None:
    changes = {
        "subspace": ("return matrix(x)", "return 2.0 * matrix(x)"),
        "transport": ("return matrix(x)", "return 2.0 * matrix(x)"),
        "weighting": ("np.ones(len(x_s))", "1.0 + np.arange(len(x_s))"),
        "labelling": ("dense(x), self.classes_", "dense(x) + 1.0, self.classes_"),
        "boosting": ("np.ones(len(y))", "1.0 + np.arange(len(y))"),
        "transductive": ("(source.logits, source.y)", "(2.0 * source.logits, source.y)"),
    }
    name = f"moved_{family}"
    files = scaffold.new_method(name, family)
    assert ran(files.test) >= 1
    before, after = changes[family]
    text = files.code.read_text()
    assert text.count(before) == 1
    files.code.write_text(text.replace(before, after))
    import importlib
    import sys

    importlib.invalidate_caches()
    del sys.modules[name]
    with pytest.raises(AssertionError):
        ran(files.test)


def test_a_data_scaffold_loads_and_passes_the_checks(own: Path) -> None:
    files = scaffold.new_data("begun_data")
    made = loaded(files.code)["BegunData"]
    config = {"test_fraction": 0.3, "validation_fraction": 0.1, "split_seed": 0}
    assert files.config.read_text() == "_target_: begun_data.BegunData\n" + "".join(
        f"{k}: {v}\n" for k, v in config.items()
    )
    subject = CheckedData("begun_data", made, made.offers, config=config)
    assert len(list(checks_for(subject))) == 13
    assert ran(files.test) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scaffold.new_method("My-Method", "subspace"), "'My-Method' cannot name a method; use lower-case words .* my_method"),
        (lambda: scaffold.new_data("2data"), "'2data' cannot name a data set; use lower-case words .* my_data"),
        (lambda: scaffold.new_method("mine", "subspce"), "There is no family 'subspce'; did you mean 'subspace'"),
        (lambda: scaffold.new_method("mine", "classifiers"), "There is no family 'classifiers'"),
        (lambda: scaffold.new_method("coral", "subspace"), "method=coral exists already; choose another name"),
        (lambda: scaffold.new_data("digits"), "data=digits exists already; choose another name"),
    ],
)  # fmt: skip
def test_what_cannot_be_begun_is_refused_and_nothing_is_written(own: Path, call, message) -> None:
    with pytest.raises(ConfigError, match=message):
        call()
    assert list(own.iterdir()) == []


def test_a_file_that_is_there_is_not_written_over(own: Path) -> None:
    (own / "mine.py").write_text("precious")
    with pytest.raises(ConfigError, match=r"mine\.py exists already; choose another name"):
        scaffold.new_method("mine", "subspace")
    assert (own / "mine.py").read_text() == "precious"
    assert not (own / "conf").exists()


def test_the_command_says_what_it_wrote_and_what_comes_next(own: Path, capsys) -> None:
    assert scaffold.method_main(["mine", "--family", "weighting"]) == 0
    said = capsys.readouterr().out
    for words in ("mine.py  the method", "conf/method/mine.yaml  ", "tests/test_mine.py  ", "da checks method/mine"):
        assert words in said
    assert scaffold.data_main(["digits"]) == 2
    assert "new_data: data=digits exists already" in capsys.readouterr().err


@pytest.mark.parametrize("family", scaffold.families())
def test_what_is_written_is_well_formed(own: Path, family: str) -> None:
    files = scaffold.new_method("mine", family)
    for file in (files.code, files.test):
        text = file.read_text()
        ast.parse(text)
        assert max(map(len, text.splitlines())) <= 120
        assert "{" + "family_line" not in text
    assert f'family = "{family}"' in files.code.read_text(), "outside of the checkout no folder says it"


def test_a_method_of_the_catalogue_is_a_subject() -> None:
    assert subject_of(catalog.named("method", "coral")).is_estimator
    assert docs.advice(["methods"]).endswith("run `python scripts/render_docs.py`, which renders them.")
