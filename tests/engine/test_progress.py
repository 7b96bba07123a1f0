"""How far a run is: redrawn on a terminal, a line an epoch elsewhere, never in colour."""

import io
import re
import sys

import pytest
from small import SMALL

from da.config.compose import compose
from da.engine import run as runs
from da.results import store

SHOWN = [text for text in SMALL if "progress" not in text]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def trained(tmp_path, monkeypatch, stream, *overrides):
    monkeypatch.setattr(sys, "stderr", stream)
    runs.run(compose([*SHOWN, "method=source_only", "logger=none", f"output={tmp_path}", *overrides]))
    return stream.getvalue()


def test_a_file_gets_a_line_an_epoch(tmp_path, monkeypatch):
    said = trained(
        tmp_path, monkeypatch, io.StringIO(), "trainer.max_epochs=4", "evaluate_every=2", "steps_per_epoch=9"
    )
    name = "method=source_only data=toy data.samples=60 seed=0: epoch"
    figures = r"loss \d+\.\d+(e-\d+)?"
    assert "\r" not in said
    one, two, three, four = said.splitlines()
    assert re.fullmatch(rf"{name} 1/4, {figures}, \d:\d\d left", one)
    assert re.fullmatch(rf"{name} 2/4, {figures}, source accuracy \d+\.\d %, \d:\d\d left", two)
    assert re.fullmatch(rf"{name} 3/4, {figures}, \d:\d\d left", three)
    assert re.fullmatch(rf"{name} 4/4, {figures}, source accuracy \d+\.\d %", four)


def test_a_terminal_gets_one_line_that_is_redrawn_without_colours(tmp_path, monkeypatch):
    said = trained(tmp_path, monkeypatch, Terminal())
    assert "\r" in said
    assert not re.search(r"\x1b\[[\d;]*m", said)
    assert "\n" not in said.strip()


def test_the_line_shows_the_mean_of_the_terms_over_the_epoch(tmp_path, monkeypatch):
    said = trained(tmp_path, monkeypatch, io.StringIO(), "method=dann", "steps_per_epoch=3")
    (found,) = store.load(tmp_path)
    loss = float(re.search(r"loss (\S+),", said)[1])
    assert loss == pytest.approx(sum(found.epochs[-1].terms.values()), rel=1e-3)
    assert f"source accuracy {found.epochs[-1].source_test['accuracy']:.1f} %" in said
