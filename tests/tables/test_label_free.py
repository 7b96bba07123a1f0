"""Targets without labels: what is said of their runs, and what never is."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
from records import unlabelled

from da.results.record import Record
from da.tables import label_free_text, regret, render
from da.tables.by_task import by_task
from da.tables.label_free import agreement, label_free_table
from da.tables.regret import Regret
from da.tables.summarize import summarize
from da.tables.task_table import task_tables

pytestmark = pytest.mark.usefixtures("of_this_code")

KNOWN = {"infomax": Regret(1.25, 0.5, 2.0, 30), "entropy": Regret(4.0, 1.0, math.inf, 30)}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """What the committed tables say of rules, made up."""
    monkeypatch.setattr(regret, "method_choice", lambda: KNOWN)


@pytest.fixture
def runs(tmp_path):
    """Two rules that disagree: infomax prefers dann, entropy prefers coral; dann has two seeds."""
    return [
        unlabelled(tmp_path, "dann", {"last": [1, 2], "infomax": [0.9, 0.5], "entropy": [-2.0, -1.0]}, [0, 0, 1, 2]),
        unlabelled(tmp_path, "dann", {"last": [1, 2], "infomax": [0.7, 0.6], "entropy": [-3.0, -4.0]}, [0, 0, 1, 1], 1),
        unlabelled(tmp_path, "coral", {"last": [1], "infomax": [0.6], "entropy": [-0.5]}, [0, 0, 0, 2]),
    ]


def table_of(runs, rule=None):
    (table,) = task_tables(summarize(runs, rule=rule))
    assert table.label_free is not None
    return table.label_free


def test_scores_are_those_of_the_epoch_that_each_rule_chose(runs):
    dann, coral = table_of(runs).rows
    assert dann.score("infomax").values == (0.9, 0.7)
    assert dann.score("entropy").values == (-1.0, -3.0)
    assert coral.score("entropy").values == (-0.5,)


def test_rows_are_ordered_by_the_rule_of_least_regret_and_say_so(runs):
    table = table_of(runs)
    assert (table.rule, table.is_least, table.rules) == ("infomax", True, ("infomax", "entropy"))
    assert [row.label for row in table.rows] == ["dann", "coral"]
    assert table.highest is table.rows[0]
    assert "infomax (the rule that chose methods with the least regret" in render.text(task_tables(summarize(runs)))


def test_a_named_rule_orders_rows_instead(runs):
    table = table_of(runs, "entropy")
    assert (table.rule, table.is_least, table.rules) == ("entropy", False, ("entropy", "infomax"))
    assert [row.label for row in table.rows] == ["coral", "dann"]
    assert "entropy (as named)" in render.text(task_tables(summarize(runs, rule="entropy")))


def test_source_accuracy_is_of_the_epoch_that_the_ordering_rule_chose(runs):
    assert table_of(runs).rows[0].source.values == (70.0, 70.0)
    assert table_of(runs, "entropy").rows[1].source.values == (71.0, 70.0)


def test_neither_the_last_epoch_nor_an_oracle_compares_methods(runs):
    for named in ("last", "oracle_accuracy", ""):
        table = label_free_table("shop->home", {r.method: [r] for r in runs[1:]}, named)
        assert table.rule == "infomax"
        assert not {"last", "oracle_accuracy"} & set(table.rules)


def test_without_committed_tables_the_first_rule_orders_and_nothing_is_claimed(runs, monkeypatch):
    monkeypatch.setattr(regret, "method_choice", dict)
    table = table_of(runs)
    assert (table.rule, table.is_least) == ("entropy", False)
    said = render.text(task_tables(summarize(runs)))
    assert "regret" not in said.partition("Rows are ordered")[2].lower()


def test_a_rule_without_a_score_comes_last_and_nothing_scored_is_said(tmp_path):
    silent = unlabelled(tmp_path, "a", {"last": [1], "infomax": [0.1]})
    other = unlabelled(tmp_path, "b", {"last": [1], "infomax": [0.2]})
    content = silent.to_json() | {"selection": {"last": {"epoch": 1, "score": 1.0, "target_test": {}}}}
    silent = Record.from_json(content, silent.directory)
    assert [row.label for row in table_of([silent, other]).rows] == ["b", "a"]
    table = table_of([silent])
    assert (table.rule, table.rules, table.highest) == ("", (), None)
    assert "No rule that compares methods" in render.text(task_tables(summarize([silent])))


def test_agreement_is_the_share_of_equal_labels_over_pairs_of_runs(runs):
    found = table_of(runs).agreement
    assert found["dann", "coral"] == found["coral", "dann"] == pytest.approx((75.0 + 50.0) / 2)
    assert found["dann", "dann"] == 75.0  # of its two seeds
    assert ("coral", "coral") not in found


def test_agreement_by_hand():
    a, b = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 1])
    assert agreement({"a": [a], "b": [b, a]}) == {("a", "b"): 75.0, ("b", "a"): 75.0, ("b", "b"): 50.0}


def test_predicted_shares_stand_under_those_of_the_source(runs):
    table = table_of(runs)
    assert table.source_shares == (50.0, 25.0, 25.0)
    assert table.rows[0].shares == [50.0, 37.5, 12.5]
    assert table.rows[1].shares == [75.0, 0.0, 25.0]
    sheet = label_free_text.shares_sheet(table)
    assert sheet.body == [
        ["source (labels)", "50.0", "25.0", "25.0"],
        ["dann", "50.0", "37.5", "12.5"],
        ["coral", "75.0", "0.0", "25.0"],
    ]


def test_of_many_classes_the_most_frequent_are_shown_and_the_others_are_summed(runs):
    table = table_of(runs)
    columns = label_free_text.frequent(table, 2)
    assert columns == [0, 1]  # 125 and 37.5 against 37.5 percent: of equal ones the first
    assert label_free_text.class_names(table, columns) == ["cup", "pen", "1 other"]
    assert label_free_text.gathered(table.rows[1].shares, columns) == [75.0, 0.0, 25.0]


def test_every_text_says_scores_regret_agreement_and_that_nothing_is_an_accuracy(runs):
    tables = task_tables(summarize(runs))
    for text in (render.text(tables), render.markdown(tables), by_task(tables)):
        for words in (
            "has no labels",
            "0.800 ± 0.141",
            "1.2 [0.5, 2.0]",
            "4.0 [1.0, inf]",
            "62.5",
            "cup",
            "70.0 ± 0.0",
        ):
            assert words in text, words
        assert "best" not in text.replace("best choice", "")
        assert "oracle" not in text


def test_predictions_that_cannot_be_read_are_said_and_the_others_stand(runs):
    (runs[0].place / "predictions.npz").write_bytes(b"PK damaged")
    (runs[2].place / "predictions.npz").unlink()
    table = table_of(runs)
    assert [row.label for row in table.rows if row.shares] == ["dann"]
    assert table.unread == (
        f"The predictions of {runs[0].place} are damaged or cut off (predictions.npz); rerun=all makes them again.",
        f"The predictions of {runs[2].place} are not there (predictions.npz); rerun=all makes them again.",
    )
    assert f"The predictions of {runs[0].place}" in render.markdown(task_tables(summarize(runs)))


@pytest.mark.parametrize(
    "predicted",
    [
        np.array([0.0, 1.0, 2.0, 0.0]),
        np.array([0, 1, 2, 3]),
        np.array([0, -1, 2, 0]),
        np.eye(3, dtype=int),
        np.array([]),
    ],
    ids=["float", "too large", "negative", "a matrix", "empty"],
)
def test_predictions_that_are_no_classes_are_unread(runs, predicted):
    np.savez(runs[2].place / "predictions.npz", logits=np.zeros((4, 3)), predicted=predicted, classes=["a", "b", "c"])
    table = table_of(runs)
    assert table.unread == (
        f"The predictions of {runs[2].place} are damaged or cut off (predictions.npz); rerun=all makes them again.",
    )
    assert [row.label for row in table.rows if row.shares] == ["dann"]


def test_predictions_of_other_samples_are_left_out_aloud(runs, tmp_path):
    longer = unlabelled(tmp_path, "tca", {"last": [1], "infomax": [0.1]}, [0] * 9)
    table = table_of([*runs, longer])
    assert table.unread == (f"{longer.directory} predicts 9 samples, and the runs before it 4: left out.",)
    assert "tca" not in {name for pair in table.agreement for name in pair}


def test_a_folder_of_both_keeps_tasks_with_labels_apart(runs, finished):
    labelled = finished(task={"name": "shop->shelf", "transductive": False, "domains": {}}, fingerprint="f" * 16)
    both = summarize([*runs, labelled])
    by_title = {part.spec.protocol.title: part for part in both}
    assert {title: list(part.spec.protocol.tasks) for title, part in by_title.items()} == {
        "data=digits": ["shop->shelf"],
        "data=digits, target without labels": ["shop->home"],
    }
    assert by_title["data=digits"].summary.mean("dann", "mean", "last") == 50.0
    assert "has no labels" in by_title["data=digits, target without labels"].spec.protocol.description


def test_what_only_failed_stands_with_the_runs_on_its_data(runs, failed):
    (only,) = summarize([*runs, failed("kmm", error="It broke. Twice.")])
    (table,) = task_tables([only])
    assert table.label_free is not None
    assert table.label_free.rows[-1].errors == ("seed 0: It broke.",)
    assert "Failed: kmm, seed 0: It broke." in render.text([table])


def test_seconds_of_the_processor_are_shown_only_where_all_runs_have_them(runs):
    with_cpu = [Record.from_json(r.to_json() | {"seconds": {"train": 1.0, "cpu": 3.0}}, r.directory) for r in runs]
    assert [row.cpu_seconds for row in table_of(with_cpu).rows] == [3.0, 3.0]
    assert [row.cpu_seconds for row in table_of([with_cpu[0], *runs[1:]]).rows] == [None, None]


def test_a_run_whose_folder_is_gone_is_no_error(runs):
    shutil.rmtree(runs[2].place)
    assert "are not there" in table_of(runs).unread[0]
