"""What the command says: each check runs whatever another raises, and each failure is a sentence that says where."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from da.checks import __main__ as shell
from da.checks.differences import apart
from da.checks.results import CheckResult, results, run_check, sentence, summary
from da.config import catalog
from da.errors import ConfigError, DataError
from da.estimators.subspace.coral import CORAL
from da.estimators.weighting.nearest_neighbour import NearestNeighbour


def raising(error: BaseException):
    def check(subject: Any = None) -> None:
        raise error

    return check


class Made:
    """Raises deep within NumPy."""

    name = "made"
    make: Any = None

    def fit(self) -> None:
        np.linalg.inv(np.zeros((2, 2)))


Made.make = Made


@pytest.mark.parametrize(
    "error", [ValueError("bad"), SystemExit(3), pytest.fail.Exception("failed"), AssertionError("no")]
)
def test_every_check_runs_even_if_one_raises_anything(error) -> None:
    checks = [("first", raising(error)), ("second", lambda subject: None)]
    first, second = results("made", Made, lambda subject: checks)
    assert (first.failed, second.failed) == (True, False)
    assert (first.subject, first.check) == ("made", "first")
    assert type(error).__name__ in first.wrong
    assert "\n" not in first.wrong
    assert "Traceback (most recent call last)" in first.trace
    assert summary([first, second]) == "1 of 2 failed"


def test_nothing_but_an_interruption_ends_the_checks() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_check("made", "first", raising(KeyboardInterrupt()))


def test_an_error_is_said_to_be_where_the_methods_own_file_passed_last() -> None:
    result = run_check("made", "fit", lambda: Made().fit(), Made)
    assert re.fullmatch(r"LinAlgError in \S*test_results\.py, line \d+, in fit: Singular matrix\.", result.wrong)
    elsewhere = run_check("made", "fit", lambda: Made().fit(), CORAL)
    assert "test_results.py" in elsewhere.wrong, "not in NumPy"
    assert sentence(raises(DataError("There is no file 'x'; give one."))) == "There is no file 'x'; give one."


def raises(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_the_last_line_counts() -> None:
    passed, failed = CheckResult("a", "one"), CheckResult("a", "two", wrong="It is wrong.")
    left = CheckResult("a", "three", wrong="no data", ran=False)
    assert summary([passed] * 20) == "20 checks passed"
    assert summary([passed] * 19 + [failed]) == "1 of 20 failed"
    assert summary([passed, failed, left]) == "1 of 2 failed; 1 could not be run"
    assert str(failed).endswith("FAILED: It is wrong.")


class Typo(CORAL):
    """Fits never."""

    def fit(self, source, target):
        return self.learn(source)


class OfTensors(NearestNeighbour):
    """Weights that differ between arrays and tensors."""

    def fit(self, source, target):
        super().fit(source, target)
        if isinstance(source.x, torch.Tensor):
            self.weights_[4] += 0.5
        return self


def of(monkeypatch: pytest.MonkeyPatch, made: type) -> None:
    """`coral` of the catalogue is another class."""
    entry = catalog.named("method", "coral")
    monkeypatch.setattr(type(entry), "locate", lambda self: made)


def test_a_method_that_raises_gets_a_sentence_a_check_and_no_traceback(monkeypatch, capsys) -> None:
    of(monkeypatch, Typo)
    assert shell.main(["coral"]) == 1
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert re.fullmatch(r"\d+ of 14 failed", lines[-1])
    assert len(lines) == 15
    assert "AttributeError in" in said
    assert "in fit: 'Typo' object has no attribute 'learn'." in said
    assert "Traceback" not in said
    assert shell.main(["coral", "--verbose"]) == 1
    assert "Traceback" in capsys.readouterr().out


def test_a_method_that_cannot_be_imported_is_a_failure_and_the_next_is_checked(monkeypatch, capsys) -> None:
    monkeypatch.setattr(shell, "subject_of", raising(ImportError("No module named 'x'")))
    assert shell.main(["coral", "data/toy_dimensions"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert "can_be_imported" in said[0]
    assert "No module named 'x'." in said[0]
    assert said[-1] == "1 of 14 failed"


def test_arrays_and_tensors_that_differ_are_told_by_how_much_and_where(monkeypatch, capsys) -> None:
    of(monkeypatch, OfTensors)
    shell.check(["coral"])
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "between arrays and tensors" in line)
    assert re.search(r"weights_ differs by 0\.5 at \[4\], where it is \S+ in place of \S+ \(float64; 2e-05 is", line), (
        line
    )
    assert "in 1 of 60 entries" in line


@pytest.mark.parametrize(
    ("expected", "actual", "said"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), r"its shape is \(3, 2\) and not \(2, 3\)"),
        (np.zeros(2), np.array([0.0, np.nan]), r"by inf at \[1\]"),
        (np.zeros((2, 2)), np.array([[0.0, 1.0], [3.0, 0.0]], dtype=np.float32), r"by 3 at \[1, 0\], .*\(float64 and float32; 1e-06 is allowed\), and by too much in 2 of 4"),
        (np.array([1.0, np.nan, np.inf]), np.array([1.0 + 1e-7, np.nan, np.inf]), None),
    ],
)  # fmt: skip
def test_differences_of_arrays(expected, actual, said) -> None:
    found = apart(expected, actual, atol=1e-6)
    assert found is None if said is None else re.match(said, found), found


def test_names_are_of_methods_or_data_sets(monkeypatch) -> None:
    assert [(shell.entry_of(name).group) for name in ("coral", "digits", "data/toy", "method/dann")] == [
        "method",
        "data",
        "data",
        "method",
    ]
    for name, message in {
        "digts": "did you mean 'digits'",
        "data/dann": "There is no data=dann",
        "corall": "did you mean 'coral'",
    }.items():
        with pytest.raises(ConfigError, match=message):
            shell.entry_of(name)
    entries = catalog.entries
    both = {"method": {"twin": entries("method")["coral"]}, "data": {"twin": entries("data")["toy"]}, "term": {}}
    monkeypatch.setattr(catalog, "entries", lambda group: both[group])
    with pytest.raises(ConfigError, match="'twin' is a method and a data set; write method/twin or data/twin"):
        shell.entry_of("twin")
    assert shell.entry_of("data/twin").group == "data"


def test_keywords_are_of_one_data_set() -> None:
    ((name, make),) = shell.subjects_of(["toy", "samples=30", "shift=rotation"])
    assert (name, make().options) == ("toy", {"samples": 30, "shift": "rotation"})
    with pytest.raises(ConfigError, match="weight= is a keyword of one data set; name it"):
        list(shell.subjects_of(["coral", "weight=1"]))
