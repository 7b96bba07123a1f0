"""Committed figures are run again: what no longer holds is named, what other code computes the same is accepted."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from small import SMALL

from da import catalog
from da.benchmark import compare, verify
from da.benchmark.summary import Entry, Origin, Summary

TABLE = {
    "title": "Small",
    "protocol": "Sixty samples.",
    "settings": [*SMALL, "data.shift=rotation", "classifier=logistic"],
    "tasks": {"one": ["data.split_seed=1"]},
    "methods": {"unadapted": [], "coral": [], "dan": []},
    "families": [],
    "seeds": [0],
    "selection": "last",
    "baseline": "unadapted",
    "published": [],
    "notes": [],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with a single, small table."""
    for folder in ("da", "conf", "scripts"):
        shutil.copytree(catalog.ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "benchmarks" / "tables").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results").mkdir()
    (tmp_path / "benchmarks" / "tables" / "small.yaml").write_text(yaml.safe_dump(TABLE, sort_keys=False))
    return tmp_path


def benchmark(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(project)}
    command = [sys.executable, "scripts/benchmark.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=project)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} of {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_a_falsified_digit_and_a_changed_coefficient_are_both_named(project: Path) -> None:
    made = benchmark(project, "table=small", "--write")
    assert made.returncode == 0, made.stderr
    committed = project / "benchmarks" / "results" / "small.json"
    cells = {e["row"]: e for e in json.loads(committed.read_text())["entries"]}
    assert {"code", "data", "config", "environment", "epochs"} <= cells["dan"].keys()
    assert {"last", "entropy", "source_accuracy"} <= cells["dan"]["epochs"]["scores"].keys()

    honest = committed.read_text()
    figure = cells["unadapted"]["figures"]["last"]
    edit(committed, f'"unadapted", "task": "one", "seed": 0, "status": "finished", "figures": {{"last": {figure}}}',
         f'"unadapted", "task": "one", "seed": 0, "status": "finished", "figures": {{"last": {figure + 0.01}}}')  # fmt: skip
    edit(project / "da/divergences/mmd.py", "- 2.0 * between", "- 1.0 * between")
    wrong = benchmark(project, "--verify", "--sample", "3")
    assert wrong.returncode == 1
    told = [line for line in wrong.stderr.splitlines() if line.startswith("DIFFERS")]
    assert any("small: unadapted on one, seed 0: last " in line and "-0.01" in line for line in told)
    assert any("small: dan on one" in line and "the code changed" in line for line in told), wrong.stderr
    assert "1 of 3 cells equal the committed ones" in wrong.stdout

    again = benchmark(project, "table=small")  # without a word about rerun, what other code made is not run silently
    assert "2 skipped, 1 skipped, made by other code; rerun=stale runs them again" in again.stdout
    assert "made by other code than the present, rerun=stale runs them again: dan (1 runs)" in again.stdout
    assert "3 (1 by other code)" not in again.stdout
    assert "1 (1 by other code)" in again.stdout

    committed.write_text(honest)
    edit(project / "da/divergences/mmd.py", "- 1.0 * between", "- 2.0 * across")  # other code, the same figures
    mmd = project / "da/divergences/mmd.py"
    mmd.write_text(mmd.read_text().replace("    between = ", "    across = "))
    accepted = benchmark(project, "--verify", "--changed", "--write")
    assert accepted.returncode == 0, accepted.stderr
    (pair,) = json.loads((project / "benchmarks" / "equal.json").read_text())
    assert pair["cells"] == ["small: dan on one, seed 0"]
    assert pair["old"] == cells["dan"]["code"] != pair["new"]
    assert "nothing to verify" in benchmark(project, "--verify", "--changed").stdout


def entry(value: float = 80.0, **changes: object) -> Entry:
    environment = {"versions": {"numpy": "2"}, "kernel": "OpenBLAS Haswell", "device": "1 x cpu", "threads": 1}
    origin = Origin("abc", "0123", {"method._target_": "da.estimators.subspace.coral.CORAL", "seed": 0}, environment)
    return replace(Entry("coral", "one", 0, "finished", {"last": value}, 0.1, origin=origin), **changes)


def of(*entries: Entry) -> Summary:
    return Summary("t", entries, "accuracy", {})


def test_closed_form_is_exact_on_one_kernel_and_within_a_point_or_two_samples_on_another() -> None:
    old = entry()
    assert compare.difference(of(old), old, entry()) == ""
    assert "last 80 -> 80.0001 (+0.0001)" in compare.difference(of(old), old, entry(80.0001))
    elsewhere = replace(old.origin, environment=old.origin.environment | {"kernel": "OpenBLAS SkylakeX"})
    assert compare.difference(of(old), old, entry(80.9, origin=elsewhere)) == ""
    assert compare.difference(of(old), old, entry(81.1, origin=elsewhere)) != ""
    few, fewer, fewest = (entry(100.0 * k / 26) for k in (25, 23, 22))
    assert compare.difference(of(few), few, replace(fewer, origin=elsewhere)) == ""
    assert compare.difference(of(few), few, replace(fewest, origin=elsewhere)) != ""


def test_deep_figures_are_exact_on_one_kernel_and_elsewhere_as_far_apart_as_seeds() -> None:
    config = {"method._target_": "da.methods.transductive.dann.DANN"}
    here, there = (Origin("abc", "0123", config, {"kernel": kernel}) for kernel in ("one", "two"))
    table = of(*(entry(v, seed=k, origin=here) for k, v in enumerate((80.0, 80.2, 80.1))))
    old = table.entries[0]
    assert compare.difference(table, old, entry(80.001, origin=here)) != ""
    assert compare.difference(table, old, entry(82.9, origin=there)) == ""
    assert compare.difference(table, old, entry(83.1, origin=there)) != ""
    wide = of(*(entry(v, seed=k, origin=here) for k, v in enumerate((80.0, 86.0, 74.0))))
    assert compare.difference(wide, wide.entries[0], entry(60.0, origin=there)) == ""
    assert compare.difference(of(old), old, entry(20.0, origin=there)) == "", "one seed says nothing of the spread"


def test_code_is_taken_as_equal_only_where_every_score_agrees() -> None:
    """An accuracy of 100 % hides any coefficient; on another CPU a single deep seed shows nothing."""
    epochs = {"epoch": [1], "source": [100.0], "target": [100.0], "scores": {"entropy": [-0.25], "dev": [None]}}
    old = entry(100.0, epochs=epochs)
    assert compare.computes_the_same(old, entry(100.0, epochs=epochs))
    for scores in ({"entropy": [-0.2501], "dev": [None]}, {"entropy": [-0.25], "dev": [0.0]}, {"entropy": [-0.25]}):
        other = entry(100.0, epochs=epochs | {"scores": scores})
        assert compare.difference(of(old), old, other) == ""
        assert not compare.computes_the_same(old, other)
    assert not compare.computes_the_same(old, entry(100.0))
    assert not compare.computes_the_same(old, entry(99.9, epochs=epochs))


def test_other_configurations_data_rules_and_failures_are_differences() -> None:
    old = entry()
    config = old.origin.config | {"method.weight": 2.0}
    assert "method.weight was unset and is 2.0" in compare.difference(of(old), old, entry(origin=replace(old.origin, config=config)))  # fmt: skip
    moved = old.origin.config | {"method._target_": "da.estimators.elsewhere.CORAL"}
    assert compare.difference(of(old), old, entry(origin=replace(old.origin, config=moved))) == ""
    assert "the data changed" in compare.difference(of(old), old, entry(origin=replace(old.origin, data="4567")))
    assert "in one of them only" in compare.difference(of(old), old, entry(figures={"last": 80.0, "entropy": 1.0}))
    failed = Entry("coral", "one", 0, "failed", {}, reason="It broke.")
    assert "failed now: It broke." in compare.difference(of(old), old, failed)


def test_a_draw_is_of_its_seed_and_fits_into_its_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    cells = [verify.Committed(None, None, replace(entry(), seed=k, seconds=float(k)), None) for k in range(50)]
    assert verify.draw(cells, sample=5, minutes=None, seed="a") == verify.draw(cells, sample=5, minutes=None, seed="a")
    assert verify.draw(cells, sample=5, minutes=None, seed="a") != verify.draw(cells, sample=5, minutes=None, seed="b")
    chosen = verify.draw(cells, sample=None, minutes=1.0, seed="a")
    assert 60.0 < sum(c.entry.seconds + 0.3 for c in chosen) <= 120.0
    assert len(verify.draw(cells, sample=None, minutes=None, seed="a")) == 50


def test_accepted_hashes_form_chains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "EQUAL", tmp_path / "equal.json")
    assert verify.accepted() == {}
    pairs = [{"old": "a", "new": "b", "cells": []}, {"old": "b", "new": "c", "cells": []}]
    (tmp_path / "equal.json").write_text(json.dumps(pairs))
    equal = verify.accepted()
    assert verify.is_equal("a", "c", equal)
    assert verify.is_equal("x", "x", equal)
    assert not verify.is_equal("c", "a", equal)


def test_what_a_method_never_looks_at_is_no_difference() -> None:
    """A default of classifiers says nothing of networks, and the other way round."""
    deep = {"method._target_": "da.methods.transductive.dann.DANN", "classifier.C": 1.0, "optimizer.lr": 0.1}
    assert (
        compare.used(deep)
        == compare.used(deep | {"classifier.C": "cv"})
        == {"method._target_": "DANN", "optimizer.lr": 0.1}
    )
    closed = {
        "method._target_": "da.estimators.subspace.tca.TCA",
        "classifier.C": 1.0,
        "optimizer.lr": 0.1,
        "clip": None,
    }
    assert compare.used(closed) == {"method._target_": "TCA", "classifier.C": 1.0}
