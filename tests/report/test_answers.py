"""The short answers of a report: the best method of each task, and two methods against each other."""

from __future__ import annotations

import shlex

import pytest
from records import unlabelled
from scipy.stats import wilcoxon

from da.config.compose import compose
from da.config.repeat import MACHINERY
from da.results.record import Record
from da.tables.summary import CellResult
from da.tables.versus import Side

TASKS = ("art->clip", "art->real", "clip->art", "clip->real", "real->art", "real->clip", "art->photo")


def real(record, words, accuracy, seed=0, task="art->clip", **changes):
    """A record whose configuration is a real one."""
    config = compose([*words, "data=toy", f"seed={seed}"])
    method = words[0].removeprefix("method=")
    own = {"config": config, "run_id": f"{'-'.join(words)}-{task}-{seed}".replace("/", "")}
    return record(method, task, accuracy, seed, **(own | changes))


def test_the_best_of_each_task_is_named_with_its_best_run_and_its_command(report, tmp_path, keep, record):
    for seed, accuracy in enumerate((60.0, 66.0, 63.0)):
        keep(real(record, ["method=coral", "method.regularization=0.00018273645"], accuracy, seed))
        keep(real(record, ["method=tca"], 62.0, seed))
        keep(real(record, ["method=target_only"], 90.0, seed))
    keep(real(record, ["method=tca"], 70.0, task="art->real"))
    code, out, _ = report(tmp_path, "--best")
    assert code == 0
    first, second = out.splitlines()
    assert first.startswith(
        "art->clip (data=office, transductive): coral, accuracy 63.0 ± 3.0 [55.5, 70.5] (3 runs, selection=last); "
    )
    assert second.startswith("art->real (data=office, transductive): tca, accuracy 70.0 (1 run, selection=last); ")
    place, _, command = first.partition("; best run ")[2].partition("; again: ")
    assert place.endswith("-1"), "of its seeds the one with 66.0"
    again = compose(shlex.split(command)[2:])
    wanted = compose(["method=coral", "method.regularization=0.00018273645", "data=toy", "seed=1"])
    assert {k: v for k, v in again.items() if k not in MACHINERY} == {
        k: v for k, v in wanted.items() if k not in MACHINERY
    }
    assert not (tmp_path / "report.html").exists()


def test_an_oracle_is_the_rule_only_where_it_is_asked_for(report, tmp_path, keep, record):
    def run(method, last, oracle, seed=0):
        made = real(record, [f"method={method}", "selection=oracle_accuracy"], last, seed).to_json()
        made["selection"]["oracle_accuracy"]["target_test"] = {"accuracy": oracle}
        keep(Record.from_json(made))

    run("dann", 60.0, 90.0)
    run("cdan", 70.0, 80.0)
    _, out, _ = report(tmp_path, "--best")
    assert ": cdan, accuracy 70.0 (1 run, selection=last)" in out
    _, out, _ = report(tmp_path, "--best", "--selection", "oracle_accuracy")
    assert ": dann, accuracy 90.0 (1 run, selection=oracle_accuracy, an oracle that reads" in out


def test_without_target_labels_the_rules_own_score_ranks(report, tmp_path, keep, record):
    def run(method, score):
        made = real(record, [f"method={method}"], 1.0).to_json() | {"target_test": {}, "metric": ""}
        made["selection"] = {r: {"epoch": 1, "score": score, "target_test": {}} for r in ("last", "entropy")}
        made["epochs"] = []
        keep(Record.from_json(made))

    run("dann", -0.25)
    run("cdan", -0.5)
    _, out, _ = report(tmp_path, "--best", "--selection", "entropy")
    assert ": dann, entropy score, without target labels -0.2500 (1 run, selection=entropy)" in out
    _, out, _ = report(tmp_path, "--best")
    assert ": dann, entropy score, without target labels -0.2500 (1 run, selection=entropy); highest run" in out


def test_two_methods_are_paired_over_tasks(report, folder):
    code, out, _ = report(folder, "--compare", "tca", "unadapted")
    assert code == 0
    differences = [10.0 + k for k in range(7)]
    assert "difference +13.00 points (7 pairs on 7 tasks, each task once by the mean over its seeds), 95 %" in out
    assert "[11.00, 15.00] (Student's t, 6 degrees of freedom)" in out
    p = wilcoxon(differences, method="exact").pvalue
    assert f"Wilcoxon's signed ranks over tasks: p = {p:.3f}; better on 7, worse on 0, equal on 0 tasks" in out
    assert "selection=last" in out
    _, turned, _ = report(folder, "--compare", "unadapted", "tca")
    assert "difference -13.00 points" in turned
    assert "[-15.00, -11.00]" in turned
    assert not (folder / "report.html").exists()


def test_a_task_without_a_figure_does_not_pair(report, folder):
    _, out, _ = report(folder, "--compare", "kmm", "unadapted")
    assert "6 pairs on 6 tasks" in out
    assert "clip->art" not in out


def test_on_one_task_seeds_pair_and_settings_are_compared(report, tmp_path, keep, record):
    for seed, (a, b) in enumerate(((60.0, 50.0), (61.0, 53.0), (66.0, 54.0))):
        keep(real(record, ["method=coral", "method.regularization=0.00018273645"], a, seed))
        keep(real(record, ["method=tca"], b, seed))
    keep(real(record, ["method=tca"], 99.0, 7))
    _, out, _ = report(tmp_path, "--compare", "coral", "tca")
    assert "difference +10.00 points (3 pairs, the seeds of one task), 95 % interval [5.03, 14.97]" in out
    assert "paired t test over seeds: p = 0.013; seeds of one task say nothing of other tasks" in out
    rows = [line.split() for line in out.splitlines()]
    assert any(row[:2] == ["method.regularization", "0.00018273645"] for row in rows), "in full"
    assert ["method", "CORAL", "TCA"] in rows
    assert ["art->clip", "3", "62.33", "52.33", "+10.00", "[5.03,", "14.97]"] in rows


def test_settings_are_compared_pair_by_pair_and_of_what_is_paired_alone(report, tmp_path, keep, record):
    weights = {"art->clip": ("2.0", "1.0"), "art->real": ("1.0", "2.0"), "clip->art": ("3.0", "3.0")}
    for task, values in weights.items():
        for method, value in zip(("coral", "tca"), values, strict=True):
            keep(real(record, [f"method={method}", f"optimizer.lr={value}", "trainer.max_epochs=7"], 50.0, 0, task))
    keep(real(record, ["method=coral", "trainer.max_epochs=99"], 50.0, 0, "clip->real"))  # pairs with nothing
    _, out, _ = report(tmp_path, "--compare", "coral", "tca")
    rows = [line.split() for line in out.partition("differ in")[2].splitlines()]
    assert "trainer.max_epochs" not in out
    assert "99" not in out
    assert [row[1:] for row in rows if row[:1] == ["optimizer.lr"]] == [["1.0", "2.0", "1"], ["2.0", "1.0", "1"]]
    assert ["method", "CORAL", "TCA", "3"] in rows


def test_a_pair_is_of_the_runs_of_its_seed_or_of_the_run_that_stands_for_all_seeds(record):
    place = (0, "art->clip")
    cells = [CellResult("tca", "art->clip", seed, "finished", {}) for seed in (0, 1)]
    runs = {(place, seed): record("tca", "art->clip", 50.0, seed) for seed in (0, 1)}
    every = Side("tca", {place: cells}, runs)
    assert [every.record(place, seed).seed for seed in (0, 1)] == [0, 1]
    only = Side("tca", {place: cells[:1]}, runs)
    assert [only.record(place, seed).seed for seed in (0, 1)] == [0, 0]


def test_without_target_labels_that_is_why_nothing_is_compared(report, tmp_path, keep, record):
    for method in ("coral", "itl"):
        unlabelled(tmp_path, method, {"last": [1], "infomax": [0.5]})
    code, _, err = report(tmp_path, "--compare", "coral", "itl")
    assert code == 2
    assert "coral and itl have no accuracies to compare: the target of shop->home has no labels; report.py " in err
    assert "in common" not in err


def test_rows_and_folders_are_named_too(report, tmp_path, keep, record):
    places = {
        value: keep(real(record, ["method=coral", f"method.regularization={value}"], 60.0 + value))
        for value in (1.0, 2.0)
    }
    code, _, err = report(tmp_path, "--compare", "coral", places[1.0])
    assert code == 2
    assert "coral has 2 rows on art->clip; name one of them: coral (method.regularization=1.0); " in err
    _, by_row, _ = report(
        tmp_path, "--compare", "coral (method.regularization=2.0)", "coral (method.regularization=1.0)"
    )
    _, by_folder, _ = report(tmp_path, "--compare", places[2.0], places[1.0])
    for out in (by_row, by_folder):
        assert "difference +1.00 points (1 pair, the seeds of one task); no interval and no test: it takes 3" in out
        assert ["method.regularization", "2.0", "1.0"] in [line.split() for line in out.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--compare", "tcaa", "jda"), "There is no method, row or folder of runs 'tcaa'; did you mean 'tca'?"),
        (("--compare", "tca", "tca"), "tca and tca are the same runs; name two that differ."),
        (("--compare", "tca", "jda", "--latex", "x.tex"), "--compare prints and writes nothing, so --latex would do"),
        (("--best", "--by-task"), "--best prints and writes nothing, so --by-task would do nothing"),
    ],
)
def test_what_is_refused(report, folder, arguments, message):
    code, out, err = report(folder, *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_where_nothing_pairs_it_is_said(report, tmp_path, keep, record):
    keep(record("tca", "art->clip", 50.0, 0))
    keep(record("jda", "art->clip", 50.0, 1))
    code, _, err = report(tmp_path, "--compare", "tca", "jda")
    assert code == 2
    assert "no task and seed in common: tca has art->clip with seed 0; jda has art->clip with seed 1." in err
