from __future__ import annotations

import pytest

from da.cli import demo
from da.engine import run
from da.tables.summarize import summarize
from da.tables.task_table import task_tables


def tables(records, rule=None):
    return task_tables(summarize(records, rule=rule))


pytestmark = pytest.mark.usefixtures("of_this_code")

ACCURACY = {"source_only": 60.0, "dan": 75.0, "deep_coral": 70.0, "dann": 65.0, "target_only": 80.0}


@pytest.fixture
def results(tmp_path, finished):
    """Stands for `run.run`: answers with a made-up record of what it is asked for."""

    def answer(config):
        method = config["method"]["_target_"].split(".")[-2]
        record = finished(method, config["seed"], ACCURACY[method])
        return run.Result(record, tmp_path / method / str(config["seed"]), fresh=True)

    return answer


def verdict(finished, **accuracies):
    made = [finished(method, seed, a) for method, a in accuracies.items() for seed in (0, 1)]
    (table,) = tables(made)
    return demo.verdict(table)


def test_the_verdict_names_gap_method_and_share(finished):
    said = verdict(finished, **ACCURACY)
    assert said.startswith("source_only is 20.0 points below training on target labels (target_only); ")
    assert "the best method, dan, closes 75 % of this gap (means of 2 seeds" in said


@pytest.mark.parametrize(
    ("dan", "upper", "words"),
    [
        (50.0, 80.0, "no method closes any of this gap"),
        (90.0, 80.0, "the best method, dan, closes all of this gap and more, 150 %"),
        (70.0, 60.0, "there is no gap to close"),
    ],
)
def test_the_verdict_does_not_flatter(finished, dan, upper, words):
    assert words in verdict(finished, source_only=60.0, dan=dan, target_only=upper)


def test_the_demo_prints_writes_and_draws(tmp_path, monkeypatch, capsys, results):
    drawn = []
    monkeypatch.setattr(run, "run", results)
    monkeypatch.setattr(demo, "draw", lambda directories, file: drawn.append(directories) or file)
    assert demo.demo(tmp_path / "demo", ["trainer.max_epochs=1"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("finished method=") == 15
    assert "closes 75 %" in printed
    assert "| dan | 75.0 ± 0.0 |" in (tmp_path / "demo" / "table.md").read_text(encoding="utf-8")
    assert drawn == [{"source_only": tmp_path / "source_only" / "0", "dan": tmp_path / "dan" / "0"}]


@pytest.mark.parametrize(("error", "code"), [(run.RunFailed("it broke"), 1), (KeyboardInterrupt(), 130)])
def test_the_demo_stops_with_a_word(tmp_path, monkeypatch, capsys, error, code):
    def stop(config):
        raise error

    monkeypatch.setattr(run, "run", stop)
    assert demo.demo(tmp_path) == code
    assert {1: "it broke", 130: "Interrupted"}[code] in capsys.readouterr().err
