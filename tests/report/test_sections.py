"""The sections of a report: one for each set of data, or a published table that was run again."""

from __future__ import annotations

import pytest

from da.errors import DataError
from da.report import sections as module
from da.report.page import html
from da.report.sections import sections
from da.results import store
from da.tables import summary as summaries
from da.tables.summary import CellResult, Summary


def made(folder, rule=None):
    return sections(folder, store.load(folder), rule)


def test_a_section_for_each_set_of_data_with_its_baseline(folder, keep, record):
    keep(record("source_only", "art->clip", 70.0, data="digits"))
    digits, office = made(folder)
    assert (digits.spec.protocol.name, digits.spec.protocol.baseline, len(digits.summary.entries)) == (
        "digits",
        "source_only",
        1,
    )
    assert (office.spec.protocol.baseline, len(office.spec.protocol.tasks), len(office.summary.entries)) == (
        "unadapted",
        7,
        28,
    )
    assert office.runs["tca", "art->real", 0].run_id == "tca-art-real-0"
    assert office.summary.mean("tca", "art->real", "last") == 52.0


def test_seeds_are_kept_apart_and_averaged(tmp_path, keep, record):
    for seed in (0, 1):
        keep(record("dann", "art->clip", 60.0 + 2 * seed, seed, epochs=3))
    (only,) = made(tmp_path)
    assert only.summary.values("dann", "mean", "last") == {0: 60.0, 1: 62.0}
    assert only.summary.mean("dann", "mean", "entropy") == 57.0


def test_the_rule_asked_for_is_reported_of_every_run(tmp_path, keep, record):
    keep(record("dann", "art->clip", 60.0, epochs=3))
    keep(record("tca", "art->clip", 50.0))
    (only,) = made(tmp_path, "entropy")
    assert only.spec.protocol.selection == "entropy"
    assert only.summary.mean("dann", "mean", "entropy") == 56.0
    assert only.summary.mean("tca", "mean", "entropy") == 50.0  # one epoch: any rule chooses it


def test_equal_tasks_of_other_content_are_two_tasks(tmp_path, keep, record):
    keep(record("tca", "art->clip", 50.0))
    keep(record("tca", "art->clip", 60.0, fingerprint="f" * 16, run_id="other"))
    (only,) = made(tmp_path)
    assert list(only.spec.protocol.tasks) == ["art->clip (00000000)", "art->clip (ffffffff)"]


@pytest.fixture
def table(monkeypatch, tmp_path):
    """A published table of two tasks."""
    tables = tmp_path / "tables"
    tables.mkdir()
    text = """
title: Office
protocol: All of it.
settings: []
tasks: {A: [], B: []}
methods: {}
families: []
seeds: {0: []}
selection: last
baseline: unadapted
published: [{source: "A paper, table 1", evidence: read, figures: {tca: [50.5, 51.5], meda: [60, 61]}}]
notes: []
"""
    (tables / "office.yaml").write_text(text)
    load = module.load
    monkeypatch.setattr(module, "load", lambda name: load(name, tables))


@pytest.mark.usefixtures("table")
def test_a_benchmarks_folder_is_its_table_beside_the_paper(tmp_path, keep, record):
    kept = {"A": record("tca", "art->clip", 50.0), "B": record("tca", "art->real", 52.0)}
    for r in kept.values():
        keep(r)
    entries = [summaries.result_of("tca", task, 0, r, "last") for task, r in kept.items()]
    entries += [CellResult("kmm", task, 0, "refused", {}, reason="Needs weights.") for task in kept]
    summaries.write(Summary("office", tuple(entries), "accuracy", {"code": []}), tmp_path / "summary.json")
    records = store.load(tmp_path)
    (only,) = sections(tmp_path, records)
    assert only.benchmark
    assert only.runs["tca", "B", 0].run_id == "tca-art-real-0"
    text = html("office", [only], records)
    for words in (
        "51.00",
        "+0.00",
        "paper only",
        "refused: kmm: Needs weights.",
        "[1] A paper, table 1",
        "table=office",
    ):
        assert words in text
    assert "51.5" in text.partition("<h3>By task</h3>")[2]
    (other,) = sections(tmp_path, records, "entropy")
    assert other.summary.mean("tca", "mean", "entropy") == 51.0


def test_a_summary_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(DataError, match=r"scripts/benchmark\.py"):
        sections(tmp_path, [])
