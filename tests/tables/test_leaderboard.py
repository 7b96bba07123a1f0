from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from da.tables import leaderboard
from da.tables.summary import CellResult, Origin, Summary


def shifted(base: Sequence[float], *shifts: float) -> list[float]:
    return [b + s for b, s in zip(base, shifts * len(base), strict=False)]


def by_row(lines):
    return {line.row: line for line in lines}


def test_the_best_row_comes_first_and_papers_alone_last(spec, published, summary, base):
    figures = {"unadapted": base, "tca": shifted(base, 5), "half": [*base[:5], None], "worse": shifted(base, -1)}
    paper = published({"meda": {"mean": 99.0}, "tca": {"mean": 58.0}})
    lines = leaderboard.lines(spec([paper]), summary(figures))
    assert [line.row for line in lines] == ["tca", "unadapted", "worse", "half", "meda"]
    tca, meda, half = (by_row(lines)[row] for row in ("tca", "meda", "half"))
    assert (tca.mean, tca.std, tca.gap, tca.gap_tasks) == (60.0, None, 2.0, 6)
    assert (meda.paper.value, math.isnan(meda.mean), math.isnan(meda.gap), dict(meda.runs)) == (99.0, True, True, {})
    assert (math.isnan(half.mean), dict(half.runs)) == (True, {"finished": 5, "failed": 1})


def test_a_gap_is_over_the_tasks_that_both_have(spec, published, summary, base):
    paper = published({"tca": {"A": 49.0, "B": 38.0}, "half": dict(zip("ABCDEF", base, strict=True)) | {"mean": 55.0}})
    lines = by_row(leaderboard.lines(spec([paper]), summary({"tca": base, "half": [None, *shifted(base, 3)[1:]]})))
    assert (lines["tca"].paper.value, lines["tca"].paper.tasks) == (43.5, 2)
    assert (lines["tca"].gap, lines["tca"].gap_tasks) == (1.5, 2)
    assert (lines["half"].gap, lines["half"].gap_tasks) == (3.0, 5)


def test_a_mean_over_all_tasks_is_preferred_to_the_first_source(spec, published, summary, base):
    some, whole = published({"tca": {"A": 1.0}}), published({"tca": {"mean": 54.0}}, "memory", "Another")
    (line,) = leaderboard.lines(spec([some, whole]), summary({"tca": base}))
    assert (line.paper.source.source, line.gap) == ("Another", 1.0)


def test_rows_are_tested_against_the_baseline_over_tasks(spec, summary, base):
    figures = {"unadapted": base, "tca": shifted(base, 5, 6, 7, 8, 9, 10), "half": [*base[:5], None]}
    lines = by_row(leaderboard.lines(spec(), summary(figures)))
    assert lines["tca"].p == pytest.approx(2 / 2**6)
    assert lines["unadapted"].p is None
    assert lines["half"].p is None
    assert leaderboard.untested(spec(), summary(figures)) == ""


def test_why_nothing_is_tested(spec, summary, base):
    few = spec(tasks="ABC"), summary({"unadapted": base[:3], "tca": base[:3]}, tasks="ABC")
    assert "on 3 tasks no difference can be significant" in leaderboard.untested(*few)
    assert "baseline was not run" in leaderboard.untested(spec(), summary({"tca": base}))
    assert "lacks a figure" in leaderboard.untested(spec(), summary({"unadapted": [None, *base[1:]]}))


def test_means_and_deviations_are_over_seeds_of_the_mean_over_tasks(spec, summary, base):
    rules = {"last": 0.0, "entropy": -1.0, "oracle_accuracy": 2.0}
    (line,) = leaderboard.lines(spec(), summary({"dann": base}, seeds=(0, 1, 2), rules=rules))
    assert (line.mean, line.std, line.oracle) == (56.0, 1.0, 58.0)


def test_reasons_name_each_cause_once(summary, base):
    made = summary({"tca": [None] * 6, "jda": [None, *base[1:]], "pca": base})
    more = (CellResult("kmm", task, 0, "refused", {}, reason="Needs weights.") for task in "ABCDEF")
    made = Summary(made.table, (*made.entries, *more, CellResult("pca", "A", 1, "missing", {})), made.metric, made.made)
    assert leaderboard.reasons(made) == [
        "failed: jda (A), tca: It broke.",
        "refused: kmm: Needs weights.",
        "not run yet: pca (1 runs)",
    ]


def of_method(row, value, target, cpu=None):
    origin = Origin("", "", {"method._target_": target}, {})
    return CellResult(row, "A", 0, "finished", {"last": value}, 1.0, origin=origin, cpu=cpu)


TARGET_ONLY = "da.methods.inductive.target_only.TargetOnly"


def test_the_best_is_no_bound_whatever_the_row_is_called(spec):
    cells = [
        of_method("upper", 90.0, TARGET_ONLY),
        of_method("target_only", 80.0, "da.estimators.subspace.coral.CORAL"),
    ]
    lines = leaderboard.lines(spec(tasks="A"), Summary("office", tuple(cells), "accuracy", {}))
    assert [(line.row, line.is_bound) for line in lines] == [("upper", True), ("target_only", False)]
    best = leaderboard.best(lines)
    assert best is not None
    assert best.row == "target_only"
    assert leaderboard.best(lines[:1]) is None


@pytest.mark.parametrize(
    ("target", "is_bound"),
    [(TARGET_ONLY, True), ("da.methods.inductive.fine_tune.FineTune", False), ("elsewhere.Method", False), ("", False)],
)
def test_a_bound_is_granted_all_target_labels(target, is_bound):
    assert leaderboard.trains_on_all_target_labels(target) == is_bound


def test_seconds_of_the_processor_are_a_mean_where_all_cells_have_them(spec):
    coral = "da.estimators.subspace.coral.CORAL"
    cells = [of_method("all", 1.0, coral, cpu=2.0), replace(of_method("all", 1.0, coral, cpu=4.0), seed=1)]
    cells += [of_method("some", 1.0, coral, cpu=2.0), replace(of_method("some", 1.0, coral), seed=1)]
    lines = by_row(leaderboard.lines(spec(tasks="A"), Summary("office", tuple(cells), "accuracy", {})))
    assert (lines["all"].cpu_seconds, lines["some"].cpu_seconds) == (3.0, None)
