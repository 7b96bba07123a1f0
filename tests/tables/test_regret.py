import math
from dataclasses import replace

import pytest

from da.config import catalog
from da.tables import regret, summary
from da.tables.ranking import JudgedEpoch, JudgedRun, judged_runs
from da.tables.summary import CellResult, Origin, Summary


def one(method, accuracy, data="toy", **scores):
    """A run of one epoch."""
    return JudgedRun(method, data, [JudgedEpoch(scores, accuracy)])


TWO = {
    "one": [
        [one("a", 90.0, good=2.0, bad=1.0), one("b", 80.0, good=1.0, bad=2.0)],
        [one("a", 60.0, good=0.0, bad=1.0), one("b", 66.0, good=0.5, bad=0.1)],
    ],
    "two": [[one("a", 50.0, "other", good=1.0), one("b", 54.0, "other", good=1.0), one("c", 40.0, "other", good=0.0)]],
}


def test_regret_is_by_family_the_mean_of_what_choices_lose():
    found = regret.by_rule(regret.cases(TWO))
    # good: 0 and 0 in "one"; in "two" it cannot tell a from b: 54 - 52. Means 0 and 2, t(0.975, 1) = 12.7062.
    assert found["good"].mean == pytest.approx(1.0)
    assert found["good"].high == pytest.approx(1.0 + 12.7062 * math.sqrt(2.0) / math.sqrt(2.0), abs=1e-3)
    assert (found["good"].low, found["good"].cases) == (0.0, 3)
    # bad: 10 and 6 in "one"; it scored nothing in "two", where chance gets 48 of 54.
    assert found["bad"].mean == pytest.approx((8.0 + 6.0) / 2.0)
    assert regret.least(found) == "good"


def test_the_interval_excludes_zero_where_all_families_regret_about_the_same():
    cases = regret.cases({str(k): [[one("a", 90.0, str(k), r=0.0), one("b", 80.0 + 0.1 * k, str(k), r=1.0)]] for k in range(4)})  # fmt: skip
    found = regret.by_rule(cases)["r"]
    # 10, 9.9, 9.8, 9.7: deviation 0.12910, t(0.975, 3) = 3.18245.
    assert (found.low, found.high) == pytest.approx((9.85 - 3.18245 * 0.0645497, 9.85 + 3.18245 * 0.0645497), abs=1e-4)


def test_tables_count_the_same_within_a_family_and_families_among_each_other():
    pair = [one("a", 90.0, r=0.0), one("b", 80.0, r=1.0)]
    same = [one("a", 90.0, r=1.0), one("b", 80.0, r=0.0)]
    apart = [one("a", 30.0, "other", r=0.0), one("b", 0.0, "other", r=1.0)]
    found = regret.by_rule(regret.cases({"x": [pair] * 5, "y": [same], "z": [apart]}))["r"]
    assert found.mean == pytest.approx(((10.0 + 0.0) / 2 + 30.0) / 2)
    assert found.cases == 7


def test_tables_that_share_data_by_way_of_others_are_one_family():
    choices = {
        name: [[one("a", 1.0, data), one("b", 1.0, data)] for data in names]
        for name, names in {"p": "A", "q": "B", "r": "AB", "s": "C"}.items()
    }
    assert {case.table: case.family for case in regret.cases(choices)} == {"p": "p", "q": "p", "r": "p", "s": "s"}


def test_oracles_are_no_rules_of_choice():
    cases = regret.cases({"t": [[one("a", 1.0, oracle_accuracy=1.0, r=None), one("b", 2.0, oracle_accuracy=2.0)]]})
    assert regret.by_rule(cases) == {}


def test_a_single_family_has_no_interval():
    found = regret.by_rule(regret.cases({"t": TWO["one"]}))["bad"]
    assert (found.mean, found.low, found.high) == (8.0, 0.0, math.inf)


# --- from summaries


def cell(method, accuracy, **scores):
    entry = catalog.entries("method")[method].config
    config = {f"method.{k}" if k != "_target_" else "method._target_": v for k, v in entry.items()}
    config |= {"data._target_": "da.data.toy.Toy"}
    epochs = {"epoch": [1], "source": [90.0], "target": [accuracy], "scores": {k: [v] for k, v in scores.items()}}
    return CellResult(method, "t", 0, "finished", {}, origin=Origin("", "f", config, {}), epochs=epochs)


def test_rows_that_were_granted_target_labels_are_never_chosen():
    table = Summary("t", (cell("unadapted", 60.0, r=1.0), cell("coral", 70.0, r=2.0), cell("pooled", 99.0, r=3.0)), "accuracy", {})  # fmt: skip
    (runs,) = judged_runs(summary.as_records(table))
    assert {run.method for run in runs} == {"unadapted", "coral"}
    assert regret.by_rule(regret.cases({"t": [runs]}))["r"].mean == 0.0


def test_committed_tables_are_read_from_a_folder_and_cells_of_no_method_left_out(tmp_path):
    odd = replace(cell("coral", 10.0, r=9.0), row="odd", origin=Origin("", "f", {"what": 1}, {}))
    cells = (cell("unadapted", 60.0, r=2.0), cell("coral", 70.0, r=1.0), odd)
    summary.write(Summary("t", cells, "accuracy", {}), tmp_path / "t.json")
    (case,) = regret.committed(tmp_path)
    assert (case.table, len(case.runs)) == ("t", 2)
    assert regret.by_rule([case])["r"].mean == 10.0


def test_without_committed_tables_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(regret.page, "RESULTS", tmp_path / "absent")
    assert dict(regret.method_choice()) == {}
    assert regret.best_rule() == ""


def test_the_committed_tables_tell_rules_apart():
    found = regret.method_choice()
    best = found[regret.best_rule()]
    assert best.mean == min(r.mean for r in found.values())
    assert best.mean < found["source_accuracy"].mean  # which cannot see adaptation
    assert all(0.0 <= r.low <= r.mean <= r.high and r.cases > 100 for r in found.values())
