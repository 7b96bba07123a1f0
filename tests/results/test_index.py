"""The index beside records makes loading quick and never shows a record as it was."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from da.files import write_atomically
from da.results import index, record, store
from da.results.schema import Epochs, EvaluatedEpoch, Selected

RUNS = 12
PAST = time.time() - 3600


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few records have an index, and none is too young for it: the clock of the folder is a day ahead."""
    monkeypatch.setattr(index, "LEAST", 2)
    monkeypatch.setattr(index, "_now_of", lambda folder: time.time_ns() + 24 * 3600 * 10**9)


@pytest.fixture
def folder(tmp_path, finished, failed) -> Path:
    epochs = Epochs([EvaluatedEpoch(1, 3, {"accuracy": 9.0}, {"accuracy": 8.0}, {"last": 1.0, "dev": None})])
    for seed in range(RUNS):
        r = replace(finished(seed=seed, accuracy=50.0 + seed), epochs=epochs, notes=("Few | samples.",), threads=2)
        r = replace(r, selection={**r.selection, "dev": Selected(1, float("inf"), {"accuracy": 1.0})})
        record.write(tmp_path / f"dann/seed{seed}", failed(seed=seed) if seed == 3 else r)
    return tmp_path


def scores(folder: Path) -> dict[int, float]:
    return {r.seed: r.main("last") for r in store.load(folder) if r.is_finished}


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories whose record is read from its own file, from now on."""
    seen: list[str] = []
    load = record.load
    monkeypatch.setattr(record, "load", lambda directory: seen.append(directory.name) or load(directory))
    return seen


def test_the_second_time_records_come_from_the_index_and_are_equal(folder, monkeypatch):
    first = store.scan(folder)
    assert (folder / index.FILE).is_file()
    seen = opened(monkeypatch)
    again = store.scan(folder)
    assert seen == []
    assert again == first
    for a, b in zip(first.records, again.records, strict=True):
        assert a.to_json() == b.to_json()
        assert a.directory == b.directory
        assert list(a.config) == list(b.config)


def test_a_folder_of_few_records_has_no_index(folder, monkeypatch):
    monkeypatch.setattr(index, "LEAST", RUNS + 1)
    store.load(folder)
    assert not (folder / index.FILE).exists()


def rewritten(file: Path, accuracy: float) -> bytes:
    content = json.loads(file.read_text())
    content["selection"]["last"]["target_test"]["accuracy"] = accuracy
    return json.dumps(content, indent=1).encode()


def replaced(file: Path) -> None:
    """As a run does that is run again."""
    write_atomically(file, rewritten(file, 99.0))


def edited(file: Path) -> None:
    """In place, to the same size, and with its old times: only the time of the change itself tells."""
    before, size = file.stat(), file.stat().st_size
    content = rewritten(file, 99.0)
    with file.open("r+b") as stream:
        stream.write(content.ljust(size))
        stream.truncate()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def exchanged(file: Path) -> None:
    """For the directory of another run, which keeps the times and the size of its file."""
    other = file.parent.with_name("seed9")
    aside = file.parent.with_name("aside")
    file.parent.rename(aside)
    other.rename(file.parent)
    aside.rename(other)


@pytest.mark.parametrize("change", [replaced, edited])
def test_a_record_that_changed_is_read_anew(folder, change, monkeypatch):
    store.load(folder)
    change(folder / "dann/seed5" / record.FILE)
    seen = opened(monkeypatch)
    assert scores(folder)[5] == 99.0
    assert seen == ["seed5"]


def test_runs_that_changed_places_are_read_anew(folder):
    store.load(folder)
    exchanged(folder / "dann/seed5" / record.FILE)
    found = {r.directory.name: r.seed for r in store.load(folder)}
    assert (found["seed5"], found["seed9"]) == (9, 5)


def test_a_record_that_is_gone_or_damaged_or_new_is_so(folder, finished):
    store.load(folder)
    shutil.rmtree(folder / "dann/seed0")
    (folder / "dann/seed1" / record.FILE).write_text("{")
    (folder / "dann/seed2" / record.FILE).unlink()
    record.write(folder / "dann/new", finished(seed=77, accuracy=77.0))
    found = store.scan(folder)
    assert {r.seed for r in found.records} == {*range(3, RUNS), 77}
    assert [skipped.directory.name for skipped in found.skipped] == ["seed1"]


def test_an_index_is_written_anew_once_many_records_are_not_in_it(folder, monkeypatch):
    store.load(folder)
    for seed in range(6):
        replaced(folder / f"dann/seed{seed}" / record.FILE) if seed != 3 else None
    store.load(folder)
    seen = opened(monkeypatch)
    assert scores(folder)[4] == 99.0
    assert seen == []


def test_a_file_as_young_as_a_clocks_tick_is_not_entered(folder, monkeypatch):
    monkeypatch.setattr(index, "_now_of", lambda folder: time.time_ns())
    store.load(folder)
    assert index.read(folder) == {}


def test_the_clock_is_that_of_the_file_system(tmp_path, monkeypatch):
    monkeypatch.undo()
    before = time.time_ns()
    assert abs(index._now_of(tmp_path) - before) < 60 * 10**9
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"50.0", b"51.0"),
        lambda content: content.replace(b'"schema": 3', b'"schema": 2'),
        lambda content: content.replace(b'"format": 1', b'"format": 0'),
        lambda content: b"\xff\xfe",
        lambda content: b"[]\n[]\n[]",
    ],
)
def test_an_index_that_is_damaged_or_of_another_format_is_not_believed(folder, damage):
    before = scores(folder)
    file = folder / index.FILE
    file.write_bytes(damage(file.read_bytes()))
    assert index.read(folder) == {}
    assert scores(folder) == before


def test_a_folder_that_takes_no_files_is_read_without_an_index(folder, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(index, "write_atomically", refuse)
    assert len(scores(folder)) == RUNS - 1
    assert not (folder / index.FILE).exists()
    monkeypatch.setattr(index, "_now_of", refuse)
    assert len(scores(folder)) == RUNS - 1


def test_an_index_moves_with_its_folder_and_is_believed_only_where_the_files_are_the_same(folder, monkeypatch):
    before = scores(folder)
    moved = folder.rename(folder.with_name("moved"))
    seen = opened(monkeypatch)
    assert scores(moved) == before
    assert seen == []
    copied = Path(shutil.copytree(moved, moved.with_name("copied")))
    assert scores(copied) == before
    assert len(seen) == RUNS


def test_readers_and_writers_at_once_never_see_a_score_that_is_not_in_a_file(folder):
    """A sweep goes on writing while several reports read: after each write, what is read is at least as new."""
    latest = dict.fromkeys(range(RUNS), 0.0)
    wrong: list[str] = []
    over = threading.Event()

    def write() -> None:
        draw = random.Random(0)
        for k in range(150):
            seed = draw.choice([s for s in range(RUNS) if s != 3])
            file = folder / f"dann/seed{seed}" / record.FILE
            write_atomically(file, rewritten(file, 1000.0 + k))
            latest[seed] = 1000.0 + k
        over.set()

    def watch() -> None:
        while not over.is_set():
            at_least = dict(latest)
            for seed, score in scores(folder).items():
                if score < at_least[seed]:
                    wrong.append(f"seed {seed}: {score} after {at_least[seed]} was written")

    threads = [threading.Thread(target=work) for work in (write, watch, watch)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert {seed: score for seed, score in scores(folder).items() if latest[seed]} == {
        s: v for s, v in latest.items() if v
    }
