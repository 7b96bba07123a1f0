"""One way from records to tables: folders and published tables hold the same scores."""

from __future__ import annotations

import pytest

from da.config.compose import compose
from da.config.validate import validate
from da.tables.cells import PlannedRun
from da.tables.spec import EvaluationProtocol, TableSpec
from da.tables.summarize import summarize

pytestmark = pytest.mark.usefixtures("of_this_code")


def on(finished, task, **keywords):
    domains = {"target/test": {"samples": 40}}
    return finished(
        task={"name": task, "transductive": False, "domains": domains}, fingerprint=f"{task}-content", **keywords
    )


def test_a_folder_is_a_table_for_each_data_set_whose_protocol_is_read_off_its_records(finished):
    records = [on(finished, "a->b"), on(finished, "c->d", accuracy=60.0), finished("coral", data="toy")]
    first, second = summarize(records)
    assert [first.spec.protocol.name, second.spec.protocol.name] == ["digits", "toy"]
    assert list(first.spec.protocol.tasks) == ["a->b", "c->d"]
    assert "of 40 samples (held out from training)" in first.spec.protocol.description
    assert first.spec.published.sources == ()
    assert first.summary.mean("dann", "mean", "last") == 55.0
    assert not first.benchmark
    assert first.runs["dann", "a->b", 0] is records[0]


def test_tasks_of_one_name_and_other_content_are_told_apart(finished):
    (results,) = summarize([finished(), finished(fingerprint="f" * 16)])
    assert list(results.spec.protocol.tasks) == ["digits->sensor (01234567)", "digits->sensor (ffffffff)"]


def test_the_baseline_is_the_method_that_adapts_nothing_in_one_configuration(finished):
    (results,) = summarize([finished("source_only"), finished("dann")])
    assert results.spec.protocol.baseline == "source_only"
    (results,) = summarize([finished("source_only"), finished("source_only", keys={"weight": 1.0})])
    assert results.spec.protocol.baseline == ""


def test_what_never_came_to_a_task_is_no_column_beside_what_did(finished, failed):
    (results,) = summarize([finished(), failed("mcd", fingerprint="other")])
    assert list(results.spec.protocol.tasks) == ["digits->sensor"]
    assert [task.finished != [] for task in results.tasks] == [True, False]
    (results,) = summarize([failed("mcd", fingerprint="other")])
    assert results.summary.entries[0].status == "failed"


def test_a_published_table_and_a_folder_find_the_same_scores(finished, failed):
    """Of several records of a cell the finished one counts, and of those the newest, whichever way is taken."""
    config = validate(compose(["method=coral", "data=toy", "seed=0"])).config
    plan = validate(compose(["method=coral", "data=toy", "seed=0", "output=elsewhere"]))
    task = {"name": "toy subspace", "transductive": False, "domains": {}}
    given = {"config": config, "data": "toy", "task": task}
    records = [
        finished("coral", accuracy=70.0, finished="2026-02-01T00:00:00+00:00", **given),
        finished("coral", accuracy=60.0, **given),
        failed("coral", finished="2026-03-01T00:00:00+00:00", config=config, data="toy"),
    ]
    spec = TableSpec(EvaluationProtocol("t", "T", "", {"one": ()}, "last"))
    planned = [PlannedRun("coral", "one", 0, plan), PlannedRun("dann", "one", 0, None, "It needs labels.")]
    (published,) = summarize(records, spec, planned=planned)
    (folder,) = summarize(records)
    assert published.summary.values("coral", "one", "last") == {0: 70.0}
    assert folder.summary.values("coral", "toy subspace", "last") == {0: 70.0}
    refused = published.summary.entries[1]
    assert (refused.status, refused.reason) == ("refused", "It needs labels.")
    assert published.benchmark
