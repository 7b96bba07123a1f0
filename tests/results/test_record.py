"""Records: typed, migrated from earlier formats, and found again by the command that left them."""

from __future__ import annotations

import json
import math
import pickle
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest

from da.config.compose import compose
from da.config.validate import validate
from da.engine import run as runs
from da.engine.result import directory_of
from da.errors import UsageError
from da.results import record, schema, store
from da.results.record import Record, Status, latest
from da.results.schema import DamagedRecord, Epochs, EvaluatedEpoch, NewerRecord, Selected
from da.tables import render
from da.tables.summarize import summarize
from da.tables.task_table import task_tables

pytestmark = pytest.mark.versions

STORED = Path(__file__).parent / "stored"
"""What three runs left under schema 1, before the package was laid out in folders, and ``tca`` under schema 2."""
FIRST = {
    "coral": ["method=coral", "data=toy"],
    "dann": ["method=dann", "data=toy", "trainer.max_epochs=2"],
    "jdot": ["method=jdot", "data=toy"],
}
TCA = ["method=tca", "data=toy", "data.samples=60", "method.n_components=2", "method.random_state=1"]
COMMANDS = FIRST | {"tca": TCA}
RENAMED = {"jdot": {"tolerance": "tol"}, "tca": {"components": "n_components", "seed": "random_state"}}
"""Keywords that were called otherwise when the runs were made."""
each_run = pytest.mark.parametrize("method", COMMANDS)


def stored(method: str) -> Path:
    (directory,) = (STORED / "toy" / method).iterdir()
    return directory


# --- records of earlier versions


@pytest.mark.parametrize("method", FIRST)
def test_a_stored_record_loads_with_types(method):
    content = json.loads((stored(method) / record.FILE).read_text())
    assert content["schema"] == 1, "the file is as it was left"
    r = record.load(stored(method))
    assert (r.status, r.method, r.data, r.seed) == (Status.FINISHED, method, "toy", 0)
    assert r.metric == "accuracy"
    assert r.main("last") == r.main_of(r.target_test) == content["target_test"]["accuracy"]
    assert r.task.name == "toy subspace"
    assert r.task.test_samples == 400
    assert r.task.domains["source/train"].per_class == [121, 128, 151]
    assert r.epochs[-1].scores.keys() == content["epochs"][-1]["scores"].keys()
    assert [e.terms for e in r.epochs] == [e["terms"] for e in content["epochs"]]
    assert r.selection["infomax"].score == content["selection"]["infomax"]["score"]
    assert r.work_seconds == content["seconds"]["train"] + content["seconds"]["evaluate"]
    assert r.code.scoring["evaluation"] == content["code"]["scoring"]["evaluation"]
    assert r.ended == content["finished"]


@each_run
def test_nothing_of_a_stored_record_is_lost_by_writing_it_again(method, tmp_path):
    content = json.loads((stored(method) / record.FILE).read_text())
    again = json.loads(record.write(tmp_path, record.load(stored(method))).read_text())
    assert again.pop("schema") == schema.SCHEMA
    assert again.pop("metric") == "accuracy"
    content.pop("schema")
    content.pop("metric", None)
    if method in RENAMED:
        names = RENAMED[method]
        assert names.keys() <= content["config"]["method"].keys(), "the file is as it was left"
        content["config"]["method"] = {names.get(k, k): v for k, v in content["config"]["method"].items()}
        assert again.pop("run_id") != content.pop("run_id")
    for epochs in (again["epochs"], content["epochs"]):  # empty terms and diagnostics may be left out
        epochs[:] = [{key: value for key, value in epoch.items() if value != {}} for epoch in epochs]
    assert again == content


@each_run
def test_the_identity_of_a_stored_run_is_the_one_it_had_unless_a_keyword_was_renamed(method):
    r = record.load(stored(method))
    config = json.loads((stored(method) / "config.json").read_text())
    assert stored(method).name == f"seed0-{record.run_id(config, r.fingerprint)}"
    assert (stored(method).name == f"seed0-{r.run_id}") == (method not in RENAMED)


@each_run
def test_the_command_of_a_stored_run_leads_to_its_directory(method, tmp_path):
    shutil.copytree(STORED, tmp_path / "runs")
    plan = validate(compose([*COMMANDS[method], f"output={tmp_path}/runs"]))
    r = record.load(stored(method))
    assert record.run_id(plan.config, r.fingerprint) == r.run_id
    assert directory_of(plan, r.fingerprint) == tmp_path / "runs" / stored(method).relative_to(STORED)
    (new := tmp_path / "runs/toy" / method / f"seed0-{r.run_id}").mkdir(exist_ok=True)
    assert directory_of(plan, r.fingerprint) == new, "where both are, what is named by the present names counts"
    elsewhere = validate(compose([*COMMANDS[method], "output=elsewhere"]))
    assert directory_of(elsewhere, r.fingerprint) == Path("elsewhere/toy") / method / f"seed0-{r.run_id}"


@each_run
def test_the_command_of_a_stored_run_skips_it(method, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "execute", lambda *arguments: pytest.fail("it was run again"))
    shutil.copytree(STORED, tmp_path / "runs")
    found = runs.run(compose([*COMMANDS[method], f"output={tmp_path}/runs", "trainer.enable_progress_bar=false"]))
    assert not found.fresh
    assert found.value == record.load(stored(method)).main("last")


def test_a_step_of_migration_leads_to_every_schema():
    assert set(schema.MIGRATIONS) == set(range(1, schema.SCHEMA))


@pytest.mark.parametrize(
    ("content", "metric"),
    [
        ({"target_test": {"nmi": 1.0, "accuracy": 2.0}}, "nmi"),
        ({"target_test": {}, "selection": {"last": {"target_test": {"f1": 1.0}}}}, "f1"),
        ({"target_test": {}, "epochs": [{"target_test": {}}, {"target_test": {"f1": 1.0}}]}, "f1"),
        ({"target_test": {}}, ""),
        ({}, ""),
    ],
)
def test_schema_1_told_the_main_metric_by_the_order_of_keys(content, metric):
    assert schema.migrated({"schema": 1} | content) == {"schema": schema.SCHEMA, "metric": metric} | content


def test_a_later_schema_is_refused_with_the_remedy(tmp_path, finished):
    with pytest.raises(NewerRecord, match="schema 99, and this version of da reads up to 3; update da"):
        Record.from_json(finished().to_json() | {"schema": 99})
    (tmp_path / record.FILE).write_text(json.dumps({"schema": 99}))
    for reader in (record.load, record.read):
        with pytest.raises(NewerRecord, match=rf"The record of {tmp_path} .* or name another output=FOLDER"):
            reader(tmp_path)


def test_a_run_does_not_replace_the_record_of_a_later_version(tmp_path):
    shutil.copytree(STORED, tmp_path / "runs")
    file = tmp_path / "runs" / stored("coral").relative_to(STORED) / record.FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 99}))
    before = file.read_bytes()
    with pytest.raises(UsageError, match="update da to read it"):
        runs.run(compose([*COMMANDS["coral"], f"output={tmp_path}/runs", "trainer.enable_progress_bar=false"]))
    assert file.read_bytes() == before
    (skipped,) = store.scan(tmp_path).skipped
    assert "schema 99" in skipped.reason


# --- what a record is


def test_a_record_is_read_as_it_was_written(tmp_path, finished, failed):
    epochs = Epochs([EvaluatedEpoch(1, 3, {"accuracy": 9.0}, {"accuracy": 8.0}, {"last": 1.0, "dev": None})])
    whole = replace(finished(), epochs=epochs, notes=("Careful.",), parameters=0, threads=2)
    for r in (whole, failed()):
        record.write(tmp_path, r)
        assert record.load(tmp_path) == r
        assert record.load(tmp_path).directory == tmp_path


def test_infinity_is_written_as_a_word_and_read_as_a_number(tmp_path, finished):
    r = replace(finished(), selection={"dev": Selected(1, math.inf, {"accuracy": 1.0})})
    assert '"inf"' in record.write(tmp_path, r).read_text()
    assert record.load(tmp_path).selection["dev"].score == math.inf


def test_a_rule_without_a_score_has_no_main_metric(finished):
    assert finished(accuracy=70.0).main("entropy") == 69.0
    assert math.isnan(finished().main("nothing"))
    assert math.isnan(finished(target_test={}, selection={"last": {"target_test": {}}}).main("last"))


def test_every_field_is_written_or_said_not_to_be(finished, failed):
    written = finished().to_json().keys() | failed().to_json().keys()
    names = {"finished" if f.name == "ended" else f.name for f in fields(Record)}
    assert written - {"schema"} == names - {"directory"}


def test_records_go_between_processes(finished):
    r = replace(finished(), epochs=Epochs(b'[{"epoch": 1, "target_test": {}, "scores": {}}]'))
    assert pickle.loads(pickle.dumps(r)) == r


def test_finished_outweighs_failed_and_then_the_newest(finished, failed):
    old, new = finished(accuracy=1.0), finished(accuracy=2.0, finished="2026-02-01T00:00:00+00:00")
    broken = failed(finished="2026-03-01T00:00:00+00:00")
    assert latest([new, broken, old]) == [broken, old, new]


# --- damaged files


WRONG = {
    "seed": "zero",
    "config": [],
    "selection": {"last": {"target_test": {"accuracy": "high"}}},
    "epochs": [{"epoch": 1}],
    "task": {"name": "a->b", "transductive": False, "domains": {"target/test": {}}},
    "status": "odd",
    "seconds": [1.0],
    "schema": "1",
}


@pytest.mark.parametrize("key", WRONG)
def test_a_part_that_is_not_what_it_should_be_is_named(key, finished):
    with pytest.raises(DamagedRecord):
        Record.from_json(finished().to_json() | {key: WRONG[key]})


@pytest.mark.parametrize("key", ["status", "config", "task", "selection", "seconds"])
def test_a_part_that_is_missing_is_named(key, finished):
    content = finished().to_json()
    del content[key]
    with pytest.raises(DamagedRecord, match=key):
        Record.from_json(content)


def test_damaged_files_are_counted_and_the_first_is_named(tmp_path, keep, finished):
    keep("good", finished())
    keep("bad/a", "{")
    assert store.scan(tmp_path).complaint() == (
        f"skipped 1 unreadable record. The record of {tmp_path}/bad/a cannot be read: its file is cut off or no JSON text."
    )
    for k, key in enumerate(WRONG):
        keep(f"bad/b{k}", finished().to_json() | {key: WRONG[key]})
    keep("bad/deep", "[" * 100_000)
    found = store.scan(tmp_path)
    assert (len(found.records), len(found.skipped)) == (1, 2 + len(WRONG))
    assert found.complaint().startswith(f"skipped {2 + len(WRONG)} unreadable records, such as this.")
    assert record.read(tmp_path / "bad" / "a") is None


def places(content, depth=0):
    """The keys of a record, two levels deep."""
    for key, value in content.items():
        yield (key,)
        if isinstance(value, dict) and depth < 1:
            yield from ((key, *rest) for rest in places(value, depth + 1))


@pytest.mark.parametrize("wrong", [None, 5, "x", [{"a": 1}]], ids=["none", "number", "word", "list"])
@pytest.mark.parametrize("schema_of_file", [1, 2])
@pytest.mark.parametrize("status", ["finished", "failed"])
def test_no_part_of_one_record_stops_a_table_of_others(schema_of_file, status, wrong, of_this_code):
    """Either the record is skipped, or whatever stands in it can be shown beside the others."""
    good = [record.load(stored(method)) for method in COMMANDS]
    whole = good[0].to_json() | {"schema": schema_of_file}
    if status == "failed":
        left_out = {"task", "selection", "metric"}
        whole = {key: value for key, value in whole.items() if key not in left_out}
        whole |= {"status": "failed", "error": "It broke.", "error_kind": "oom", "traceback": ""}
    kept = 0
    for place in places(whole):
        content = json.loads(json.dumps(whole))
        node = content[place[0]] if len(place) > 1 else content
        node[place[-1]] = wrong
        try:
            r = Record.from_json(content, Path("one"))
        except DamagedRecord:
            continue
        kept += 1
        tables = task_tables(summarize(sorted([*good, r], key=lambda x: (x.data, x.method, x.seed))))
        assert "coral" in render.text(tables), place
    assert kept > 20
