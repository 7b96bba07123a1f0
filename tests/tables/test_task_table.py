from __future__ import annotations

import math

import pytest

from da.results.scores import SeedScores
from da.tables import render
from da.tables.summarize import summarize
from da.tables.task_table import best, gap_closed, task_tables
from da.tables.wording import first_sentence


def tables(records, rule=None):
    return task_tables(summarize(records, rule=rule))


pytestmark = pytest.mark.usefixtures("of_this_code")

LAST = ("last", "accuracy")


def rows(records, rule=None):
    (table,) = tables(records, rule)
    return {row.label: row for row in table.rows}


def test_means_and_sample_deviations_over_seeds(finished):
    row = rows([finished(seed=s, accuracy=a) for s, a in enumerate((70.0, 72.0, 77.0))])["dann"]
    assert row.cell(LAST).mean == pytest.approx(73.0)
    assert row.cell(LAST).std == pytest.approx(math.sqrt(13.0))  # (9 + 1 + 16) / 2
    assert row.cell(("entropy", "accuracy")).mean == pytest.approx(72.0)
    assert row.cell(("oracle_accuracy", "accuracy")).mean == pytest.approx(75.0)
    assert (row.finished, row.errors, row.seconds) == (3, (), pytest.approx(4.0))


def test_one_seed_has_no_deviation_and_no_seed_no_mean():
    assert SeedScores((1.0,)).std is None
    assert math.isnan(SeedScores(()).mean)


def test_different_configurations_are_not_averaged_and_say_how_they_differ(finished):
    made = rows(
        [
            finished(seed=0, accuracy=60.0, keys={"weight": 0.1, "hidden": 8}),
            finished(seed=1, accuracy=62.0, keys={"weight": 0.1, "hidden": 8}),
            finished(seed=0, accuracy=80.0, keys={"weight": 1.0, "hidden": 8}),
            finished("coral", accuracy=10.0),
        ]
    )
    assert list(made) == ["dann (method.weight=1.0)", "dann (method.weight=0.1)", "coral"]
    assert made["dann (method.weight=0.1)"].cell(LAST).values == (60.0, 62.0)


def test_a_choice_in_a_group_is_a_difference(finished):
    made = rows([finished(), finished(optimizer="torch.optim.SGD")])
    assert set(made) == {"dann (optimizer=Adam)", "dann (optimizer=SGD)"}


def test_what_rows_do_not_share_is_noted(finished):
    (table,) = tables([finished(), finished("coral", max_epochs=9, code={"source": "two"})])
    assert [row.label for row in table.rows] == ["coral", "dann"]
    assert table.notes[0] == "Not the same in all rows: trainer.max_epochs."
    assert table.notes[1] == "Made by other code than the present, rerun=stale runs them again: coral."


def test_different_protocols_are_different_tables(finished):
    other = finished().to_json()["task"] | {"transductive": True}
    made = tables([finished(), finished(task=other), finished(fingerprint="f"), finished(data="else")])
    assert len(made) == 4
    assert sum("transductive" in render.caption(table) for table in made) == 1


def test_failures_are_counted_with_their_first_sentence(finished, failed):
    made = [finished(seed=0), failed(seed=1, error="The loss is not finite at step 3. Lower optimizer.lr.\nMore")]
    row = rows(made)["dann"]
    assert row.cell(LAST).values == (50.0,)
    assert row.errors == ("seed 1: The loss is not finite at step 3.",)
    assert "1, 1 failed" in render.text(tables(made))


def test_a_method_that_only_failed_keeps_its_row_below_the_others(finished, failed):
    made = [failed("mcd"), finished()]
    assert list(rows(made)) == ["dann", "mcd"]
    text = render.text(tables(made))
    assert "0, 1 failed" in text
    assert "Failed: mcd, seed 0: It broke." in text


def test_only_failures_still_make_a_table(failed):
    text = render.markdown(tables([failed(fingerprint=None, error="There is no file x.csv.")]))
    assert "no run finished (shift=sensor)" in text
    assert "- Failed: dann, seed 0: There is no file x.csv." in text


def test_a_cell_that_was_run_again_counts_once(finished, failed):
    again = finished(accuracy=90.0, finished="2026-02-01T00:00:00+00:00")
    row = rows([again, finished(accuracy=10.0), failed(fingerprint=None, finished="2026-03-01T00:00:00+00:00")])["dann"]
    assert row.cell(LAST).values == (90.0,)
    assert row.errors == ()


def test_the_first_sentence(failed):
    assert first_sentence(failed(error="optimizer.lr=0.5 is too high. Lower it.")) == "optimizer.lr=0.5 is too high."
    assert first_sentence(failed(error=" ", error_kind="MemoryError")) == "MemoryError"


def test_the_rule_reported_first(finished):
    configured = [finished(seed=s, selected="entropy") for s in (0, 1)]
    assert tables(configured)[0].rule == "entropy"
    assert tables([finished(seed=2), *configured])[0].rule == "last"  # they disagree
    assert tables(configured, rule="last")[0].columns(oracle=False) == [LAST, ("entropy", "accuracy")]


def test_the_oracle_stands_apart_even_when_it_is_configured(finished):
    (table,) = tables([finished(selected="oracle_accuracy")])
    assert table.columns(oracle=False) == [("entropy", "accuracy"), LAST]
    assert table.columns(oracle=True) == [("oracle_accuracy", "accuracy")]
    text = render.text([table])
    assert ["dann", "1", "3.0", "|", "52.0"] in [line.split() for line in text.splitlines()]
    below = text[text.index("selected by") :].splitlines()
    assert [line.split() for line in below[2:4]] == [["entropy", "49.0"], ["last", "50.0"]]


def test_a_second_metric_has_a_column_under_the_first_rule(finished):
    made = [finished(accuracy=50.0), finished("soft_kmeans", accuracy=60.0, nmi=41.0)]
    text = render.markdown(tables(made))
    assert "| accuracy (last) | nmi (last) | entropy |" in text
    assert "| soft_kmeans | 60.0 | 41.0 | 59.0 |" in text
    assert "| dann | 50.0 | - | 49.0 |" in text


def test_a_rule_without_a_score_in_some_seeds_says_so(finished):
    made = [finished(seed=0), finished(seed=1)]
    del made[0].selection["entropy"]
    assert "49.0 (n=1)" in render.text(tables(made))


def test_data_without_target_labels_have_no_figures(finished):
    unknown = finished(target_test={}, selection={"last": {"target_test": {}}})
    assert "| dann | - | 1 | 3.0 |" in render.markdown(tables([unknown]))


def test_the_gap_that_is_closed(finished):
    accuracies = {"source_only": 60.0, "dann": 75.0, "coral": 50.0, "target_only": 80.0}
    (table,) = tables([finished(method, accuracy=a) for method, a in accuracies.items()])
    row = {r.method: r for r in table.rows}
    lower, upper = row["source_only"], row["target_only"]
    assert gap_closed(table, row["dann"], lower, upper) == pytest.approx(75.0)
    assert gap_closed(table, row["coral"], lower, upper) == pytest.approx(-50.0)
    assert math.isnan(gap_closed(table, row["dann"], upper, lower))
    assert best(table).method == "target_only"
    assert best(table, without=["target_only"]).method == "dann"


def test_numbers_in_labels_are_short_and_no_two_configurations_share_a_label(finished):
    def at(weight, accuracy, **task):
        return finished("coral", 0, accuracy, keys={"weight": weight}, **task)

    one = tables([at(0.00018273645, 60.0), at(0.5, 70.0)])
    assert ({row.label for row in one[0].rows}) == {"coral (method.weight=0.000183)", "coral (method.weight=0.5)"}
    close = tables([at(0.00018273645, 60.0), at(0.00018299, 61.0)])
    assert ({row.label for row in close[0].rows}) == {
        "coral (method.weight=0.0001827)",
        "coral (method.weight=0.000183)",
    }


def test_a_label_means_one_configuration_in_all_tasks(finished):
    other = {"task": {"name": "digits->rotation", "transductive": False, "domains": {}}, "fingerprint": "other"}
    made = [
        finished("coral", 0, 60.0, keys={"weight": weight}, **where)
        for where, weights in (({}, (0.00018273645, 0.5)), (other, (0.00018299, 0.5)))
        for weight in weights
    ]
    (results,) = summarize(made)
    assert set(results.summary.rows()) == {
        "coral (method.weight=0.0001827)", "coral (method.weight=0.000183)", "coral (method.weight=0.5)",
    }  # fmt: skip


GOLDEN = """\
### digits->sensor (data=digits, content 01234567)

accuracy in % on the target test split of 40 samples (held out from training), mean ± sample standard deviation over \
seeds; named after the rule that selects the epoch. oracle_* reads the target test labels and is a bound, not a result.

| method | accuracy (last) | entropy | runs | seconds | *oracle_accuracy* |
| --- | ---: | ---: | ---: | ---: | ---: |
| dann | 71.0 ± 1.4 | 70.0 ± 1.4 | 2, 1 failed | 3.5 | *73.0 ± 1.4* |
| source_only | 60.0 | 59.0 | 1 | 3.0 | *62.0* |

- Failed: dann, seed 2: a | b
"""


def test_golden_markdown(finished, failed):
    made = [finished(seed=0, accuracy=70.0), finished(seed=1, accuracy=72.0), failed(seed=2, error="a | b")]
    assert render.markdown(tables([*made, finished("source_only", accuracy=60.0)])) == GOLDEN


def test_text_is_aligned(finished):
    made = [finished(accuracy=5.0), finished("coral", 0, 70.0), finished("coral", 1, 71.0)]
    _, *lines = render.text(tables(made)).splitlines()
    body = [line for line in lines if "|" in line]
    assert len({line.index("|") for line in body}) == 1
    assert lines[0].split() == ["accuracy", "|", "oracle_"]
    assert lines[1].split() == ["method", "(last)", "runs", "seconds", "|", "accuracy"]
    assert "selected by" in "\n".join(lines)
