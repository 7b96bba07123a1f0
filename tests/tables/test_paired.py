"""Paired differences: which runs pair, what the interval is, and where there is none."""

from __future__ import annotations

import math

import pytest
from scipy.stats import ttest_rel, wilcoxon

from da.tables import leaderboard, markdown, render
from da.tables.paired import of_one_task, over_tasks, paired_difference, seed_differences, t_interval
from da.tables.summarize import summarize
from da.tables.summary import CellResult, Origin, Summary
from da.tables.task_table import task_tables

A, B = [55.0, 57.0, 58.0, 54.0], [50.0, 51.0, 53.0, 56.0]


def cells(row, scores, task="A", data="same", **config):
    origin = Origin("code", data, config, {}) if config else None
    return [CellResult(row, task, seed, "finished", {"last": v}, origin=origin) for seed, v in scores.items()]


def one_task(**rows):
    entries = [cell for row, scores in rows.items() for cell in cells(row, dict(enumerate(scores)))]
    return Summary("office", tuple(entries), "accuracy", {})


def test_the_interval_and_p_are_of_a_paired_t_test():
    made = paired_difference([a - b for a, b in zip(A, B, strict=True)])
    test = ttest_rel(A, B)
    assert made.interval == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert made.p == pytest.approx(test.pvalue)
    assert (made.mean, made.pairs, made.test) == (3.5, 4, "paired t test")
    assert made.text(1) == "+3.5 [-2.4, 9.4]"


def test_the_interval_of_a_mean_by_hand():
    low, high = t_interval([1.0, 2.0, 3.0])
    half = 4.302652729911275 / math.sqrt(3.0)  # the quantile of two degrees of freedom
    assert (low, high) == pytest.approx((2.0 - half, 2.0 + half))


@pytest.mark.parametrize(
    ("differences", "text"),
    [
        ([2.0], "+2.0 (1 pair, no interval)"),
        ([2.0, -4.0], "-1.0 (2 pairs, no interval)"),
        ([1.5, 1.5, 1.5], "+1.5 (3 pairs, no interval)"),
        ([0.0, 0.0, 0.0], "0.0 (3 pairs, no interval)"),
    ],
)
def test_where_the_spread_is_not_known_there_is_no_interval_and_no_test(differences, text):
    made = paired_difference(differences)
    assert (made.interval, made.p) == (None, None)
    assert made.text(1) == text
    assert paired_difference([]) is None


def test_over_tasks_each_task_counts_once_whatever_its_seeds():
    made = over_tasks([[1.0] * 50, [3.0], [5.0, 7.0], []])
    assert (made.mean, made.pairs) == (pytest.approx(10.0 / 3.0), 3)
    assert made.interval == pytest.approx(t_interval([1.0, 3.0, 6.0]))
    assert made.test == "paired t test"
    six = [1.0, 2.5, -0.5, 4.0, 3.0, 6.0]
    wide = over_tasks([[value] for value in six])
    assert wide.test == "Wilcoxon's signed ranks"
    assert wide.p == pytest.approx(wilcoxon(six, method="exact").pvalue)


def test_only_seeds_that_both_have_pair():
    found = seed_differences(cells("a", {0: 5.0, 1: 7.0, 2: 9.0}), cells("b", {2: 1.0, 1: 2.0, 5: 0.0}), "last")
    assert found == {1: 5.0, 2: 8.0}
    assert seed_differences(cells("a", {0: 5.0}), cells("b", {0: 1.0}), "infomax") == {}


QUIET = {
    "method._target_": "da.estimators.subspace.coral.CORAL",
    "classifier._target_": "da.estimators.classifiers.linear.LogisticRegression",
}
DEEP = {"method._target_": "da.methods.transductive.dann.DANN"}


def test_a_run_that_draws_nothing_pairs_with_every_seed_of_the_same_data():
    deep = cells("dann", {0: 5.0, 1: 7.0, 2: 9.0}, **DEEP)
    once = cells("coral", {0: 4.0}, **QUIET)
    assert seed_differences(deep, once, "last") == {0: 1.0, 1: 3.0, 2: 5.0}
    assert seed_differences(once, deep, "last") == {0: -1.0, 1: -3.0, 2: -5.0}
    assert seed_differences(deep, cells("coral", {0: 4.0}, data="other", **QUIET), "last") == {0: 1.0}
    assert seed_differences(deep, cells("cdan", {0: 4.0}, **DEEP), "last") == {0: 1.0}, "whose seed decides"


def test_one_task_with_seeds_is_tested_against_the_baseline(spec):
    made = one_task(unadapted=B, tca=A, jda=[60.0, 61.5, 63.0, 67.0])
    lines = {line.row: line for line in leaderboard.lines(spec(tasks="A"), made)}
    assert lines["unadapted"].difference is None
    p = sorted([ttest_rel(A, B).pvalue, ttest_rel([60.0, 61.5, 63.0, 67.0], B).pvalue])
    assert sorted([lines["jda"].p, lines["tca"].p]) == pytest.approx([2 * p[0], p[1]])
    assert leaderboard.untested(spec(tasks="A"), made) == ""
    text = markdown.markdown(spec(tasks="A"), made)
    assert "| method | ours | to unadapted | p | runs |" in text
    assert "| +3.5 [-2.4, 9.4] |" in text
    assert "paired over seeds" in text
    assert "Holm's correction over 2 methods. Seeds of one task say nothing of other tasks." in text


def test_two_seeds_are_too_few_and_it_is_said(spec):
    made = one_task(unadapted=B[:2], tca=A[:2])
    assert "on one task it takes 3 seeds" in leaderboard.untested(spec(tasks="A"), made)
    text = markdown.markdown(spec(tasks="A"), made)
    assert "| +5.5 (2 pairs, no interval) |" in text
    assert "| p |" not in text
    assert "to unadapted" not in markdown.markdown(spec(tasks="A"), one_task(unadapted=B[:1], tca=A[:1]))


def test_several_tasks_have_no_difference_over_seeds(spec, summary, base):
    made = summary({"unadapted": base, "tca": [b + 1.0 for b in base]}, seeds=(0, 1, 2))
    assert all(line.difference is None for line in leaderboard.lines(spec(), made))
    assert of_one_task(made, "tca", "unadapted", "last") is None


@pytest.mark.usefixtures("of_this_code")
@pytest.mark.parametrize("view", [render.text, render.markdown])
def test_tables_of_a_folder_have_the_difference_where_seeds_are_repeated(finished, view):
    made = [finished("dann", s, a) for s, a in enumerate(A)] + [finished("source_only", s, b) for s, b in enumerate(B)]
    text = view(task_tables(summarize(made)))
    assert "+3.5 [-2.4, 9.4]" in text
    assert "difference paired over seeds" in " ".join(text.split())
    single = view(task_tables(summarize([finished("dann"), finished("source_only")])))
    assert "paired" not in single
