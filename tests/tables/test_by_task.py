import pytest

from da.tables.by_task import by_task
from da.tables.summarize import summarize
from da.tables.task_table import task_tables


def tables(records, rule=None):
    return task_tables(summarize(records, rule=rule))


pytestmark = pytest.mark.usefixtures("of_this_code")


def lines(records):
    return [line for line in by_task(tables(records)).splitlines() if line.startswith("|")]


def on(finished, task, **keywords):
    return finished(
        task={"name": task, "transductive": True, "domains": finished().to_json()["task"]["domains"]},
        fingerprint=task,
        **keywords,
    )


def test_methods_by_tasks_with_the_mean_and_the_best_in_bold(finished):
    records = [
        on(finished, "a->b", accuracy=50.0),
        on(finished, "c->d", accuracy=80.0),
        on(finished, "a->b", method="coral", accuracy=60.0),
        on(finished, "c->d", method="coral", accuracy=61.0),
    ]
    assert lines(records) == [
        "| method | a->b | c->d | mean | seconds |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| dann | 50.00 | **80.00** | **65.00** | 3.00 |",
        "| coral | **60.00** | 61.00 | 60.50 | 3.00 |",
    ]


def test_a_row_that_misses_a_task_has_no_mean_and_stands_last(finished, failed):
    records = [
        on(finished, "a->b", accuracy=50.0),
        on(finished, "c->d", accuracy=80.0),
        on(finished, "a->b", method="coral", accuracy=99.0),
        failed("kmm", error="It broke. Badly.", fingerprint="a->b"),
    ]
    found = lines(records)
    assert found[2].startswith("| dann | 50.00 | **80.00** | **65.00** |")
    assert found[3].startswith("| coral | **99.00** | - | - |")
    assert found[4].startswith("| kmm | failed | - | - |")
    assert "- Failed: kmm on a->b, seed 0: It broke." in by_task(tables(records))


def test_data_sets_have_tables_of_their_own_and_rules_are_said(finished):
    text = by_task(tables([finished(), finished(data="toy")]))
    assert text.count("### data=") == 2
    assert "on held-out target samples" in text
    assert "selection=last" in text


def test_bars_in_names_end_no_cell(finished):
    found = lines([on(finished, "a|b"), on(finished, "c")])
    assert found[0] == "| method | a\\|b | c | mean | seconds |"
    (row,) = [line for line in lines([on(finished, "c", method="da|nn")]) if line.startswith("| da")]
    assert row.startswith("| da\\|nn | ")


def test_what_an_oracle_chose_is_in_italics(finished):
    made = [on(finished, "a->b", accuracy=50.0), on(finished, "a->b", method="coral", accuracy=60.0)]
    text = by_task(tables(made, "oracle_accuracy"))
    assert "| dann | *52.00* | *52.00* |" in text
    assert "| coral | ***62.00*** | ***62.00*** |" in text
    assert "a bound, not a result" in text
    assert "*52.00*" not in by_task(tables(made, "last"))
