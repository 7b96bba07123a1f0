"""A table that takes moments, in a folder of its own, and the command that runs it."""

from __future__ import annotations

import pytest
import yaml
from small import SMALL

from da.cli import benchmark as command
from da.tables import ledger, spec
from da.tables import results_page as page

GIVEN = {
    "title": "A toy",
    "protocol": "Sixty samples.",
    "settings": SMALL,
    "tasks": {"one": ["data.shift=covariate"], "two": ["data.shift=target"]},
    "methods": {"unadapted": [], "coral, twice as strong": ["method=coral", "method.regularization=2.0"]},
    "families": [],
    "seeds": {0: ["data.split_seed=0"], 1: ["data.split_seed=1"]},
    "selection": "last",
    "baseline": "unadapted",
    "published": [{"source": "a paper", "evidence": "read", "figures": {"unadapted": [80.0, "70.5 ± 1.5"], "elsewhere": {"one": 60.0}}}],
    "notes": ["a note"],
}  # fmt: skip


def write(folder, **changes):
    (folder / "toy_table.yaml").write_text(yaml.safe_dump(GIVEN | changes, allow_unicode=True, sort_keys=False))
    return folder


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(spec.load, "__defaults__", (write(tmp_path),))
    monkeypatch.setattr(page, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(page, "PAGE", tmp_path / "RESULTS.md")
    monkeypatch.setattr(ledger, "FOLDER", tmp_path / "numbers")
    monkeypatch.setattr(ledger, "PAGE", tmp_path / "NUMBERS.md")
    monkeypatch.setattr(spec, "FOLDER", tmp_path)
    return spec.load("toy_table")


def run(tmp_path, *arguments):
    return command.main(["table=toy_table", "launcher=in_process", f"output={tmp_path}/runs", *arguments])
