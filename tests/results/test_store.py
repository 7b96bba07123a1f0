from __future__ import annotations

import pytest

from da.results import store

pytestmark = pytest.mark.usefixtures("of_this_code")


def test_records_are_found_at_any_depth_in_order(tmp_path, keep, finished):
    keep("b/dann/seed10-x", finished(seed=10))
    keep("b/dann/seed2-x", finished(seed=2))
    keep("a/very/deep/coral/seed0-x", finished("coral"))
    found = store.scan(tmp_path)
    assert [(r.method, r.seed) for r in found.records] == [("coral", 0), ("dann", 2), ("dann", 10)]
    assert found.skipped == []
    assert store.load(tmp_path) == found.records


def test_what_cannot_be_read_is_skipped_and_listed(tmp_path, keep, finished, failed):
    keep("good", finished())
    keep("bad/half", '{"schema": 1, "status": "fin')
    keep("bad/empty", "")
    keep("bad/list", "[]")
    keep("bad/other", finished().to_json() | {"schema": 999})
    keep("bad/fields", {"schema": 1, "status": "finished"})
    keep("bad/no_task", {k: v for k, v in finished().to_json().items() if k != "task"})
    keep("bad/bytes", "").write_bytes(b"\xff\xfe\x00{")
    keep("failed", failed(seed=1))
    found = store.scan(tmp_path)
    assert [r.status for r in found.records] == ["finished", "failed"]
    assert [skipped.directory.name for skipped in found.skipped] == [
        "bytes",
        "empty",
        "fields",
        "half",
        "list",
        "no_task",
        "other",
    ]


def test_a_file_that_cannot_be_opened_is_skipped(tmp_path):
    (tmp_path / "record.json").symlink_to(tmp_path / "record.json")  # a loop
    assert len(store.scan(tmp_path).skipped) == 1


def test_a_failure_disappears_with_the_finished_run_of_its_configuration(finished, failed):
    kept = [
        failed("coral"),  # another method
        failed(seed=1),  # another seed
        failed(keys={"weight": 2.0}),  # another configuration
        finished(),
    ]
    gone = [failed(fingerprint=None), failed(fingerprint="before the data were mended", selected="entropy")]
    assert store.current([*gone, *kept]) == kept
    assert store.current(gone) == gone


def test_no_folder_is_no_record(tmp_path):
    assert store.scan(tmp_path / "nowhere") == store.FoundRecords([], [])


def test_settings_are_what_can_change_a_result(finished):
    flat = store.settings(finished(keys={"weight": 0.1, "sizes": [1, 2]}))
    assert flat == {
        "method": "Class",
        "method.weight": 0.1,
        "method.sizes": (1, 2),
        "optimizer": "Adam",
        "optimizer.lr": 0.001,
        "trainer.max_epochs": 3,
    }
    # seed, output, logger, selection and the progress bar differ, and do not matter
    assert store.settings(finished(seed=1, selected="entropy")) == store.settings(finished(seed=0))


def test_protocols_part_by_task_split_and_content(finished):
    task = finished().to_json()["task"]
    records = [
        finished(),
        finished("coral"),
        finished(task=task | {"name": "other"}),
        finished(task=task | {"transductive": True}),
        finished(fingerprint="f"),
    ]
    first, same, *others = store.protocols(records)
    assert first == same
    assert len({first, *others}) == 4


def test_a_failed_run_joins_the_runs_on_its_data(finished, failed):
    trained, unloaded = failed(seed=1), failed(seed=2, fingerprint=None)
    joined = store.protocols([finished(), trained, unloaded])
    assert len(set(joined)) == 1
    changed = failed(fingerprint="other content")
    assert store.protocols([finished(), changed])[1].task == "no run finished (shift=sensor)"


def test_a_failed_run_without_data_stands_alone_if_its_data_are_ambiguous(finished, failed):
    unloaded = failed(fingerprint=None)
    assert len(set(store.protocols([finished(), finished(fingerprint="f"), unloaded]))) == 3
