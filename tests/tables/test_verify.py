"""Committed figures are run again: what no longer holds is named, what other code computes the same is accepted."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from small import SMALL

from da.config import catalog
from da.engine import accepted, codehash
from da.tables import compare, verify
from da.tables.summary import CellResult, Origin, Summary

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


def entry(value: float = 80.0, **changes: object) -> CellResult:
    environment = {"versions": {"numpy": "2"}, "kernel": "OpenBLAS Haswell", "device": "1 x cpu", "threads": 1}
    origin = Origin("abc", "0123", {"method._target_": "da.estimators.subspace.coral.CORAL", "seed": 0}, environment)
    return replace(CellResult("coral", "one", 0, "finished", {"last": value}, 0.1, origin=origin), **changes)


def of(*entries: CellResult) -> Summary:
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


def test_a_run_that_did_not_import_pytorch_is_compared_as_one_that_did() -> None:
    old = entry()
    with_torch = {"kernel": "OpenBLAS Haswell, ATen AVX512"}, {"kernel": "OpenBLAS SkylakeX, ATen AVX512"}
    here, elsewhere = (replace(old.origin, environment=old.origin.environment | kernel) for kernel in with_torch)
    assert compare.same_environment(old, entry(origin=here))
    assert not compare.same_environment(old, entry(origin=elsewhere))
    other = replace(old.origin, environment=old.origin.environment | {"kernel": "OpenBLAS Haswell, ATen AVX2"})
    assert not compare.same_environment(entry(origin=here), entry(origin=other))


def test_guessed_labels_and_tied_values_of_c_may_lead_eight_points_apart_on_another_kernel() -> None:
    plain = entry(said={"C": 1.0})
    in_rounds = replace(plain.origin, config=plain.origin.config | {"method.rounds": 5})
    for old, changes in ((entry(origin=in_rounds), {}), (plain, {"said": {"C": 10.0}})):
        elsewhere = replace(old.origin, environment=old.origin.environment | {"kernel": "OpenBLAS SkylakeX"})
        there = replace(old, origin=elsewhere, **changes)
        assert compare.difference(of(old), old, replace(there, scores={"last": 87.9})) == ""
        assert compare.difference(of(old), old, replace(there, scores={"last": 88.1})) != ""
        assert compare.difference(of(old), old, replace(old, scores={"last": 80.1})) != ""
    assert compare.difference(of(plain), plain, replace(entry(81.1, said=plain.said), origin=elsewhere)) != ""


def test_another_c_may_lead_three_standard_errors_of_few_samples_apart_on_another_kernel() -> None:
    def right(count: int, samples: int, **changes: object) -> CellResult:
        return entry(100.0 * count / samples, **changes)

    elsewhere = replace(entry().origin, environment=entry().origin.environment | {"kernel": "OpenBLAS SkylakeX"})
    for old, new, samples, differs in (
        (24, 30, 37, False),
        (24, 32, 37, True),
        (100, 114, 149, False),
        (100, 119, 149, True),
    ):
        committed = right(old, samples, said={"C": 10.0})
        there = right(new, samples, said={"C": 1000.0}, origin=elsewhere)
        assert bool(compare.difference(of(committed), committed, there)) == differs, (old, new, samples)
        assert compare.difference(of(committed), committed, replace(there, said={"C": 10.0}))  # nothing branched


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
    assert compare.difference(of(old), old, entry(94.9, origin=there)) == "", "one seed says nothing of the spread"
    assert compare.difference(of(old), old, entry(64.9, origin=there)) != ""


EPOCHS = {
    "epoch": [1, 2],
    "source": [100.0, 100.0],
    "target": [100.0, 90.0],
    "scores": {"entropy": [-0.25, -0.2], "dev": [None, 0.5]},
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"scores": EPOCHS["scores"] | {"entropy": [-0.25, -0.2001]}}, "score of entropy in epoch 2 -0.2 -> -0.2001"),
        ({"scores": EPOCHS["scores"] | {"dev": [0.0, 0.5]}}, "score of dev in epoch 1 none -> 0"),
        ({"scores": {"entropy": [-0.25, -0.2]}}, "score of dev in epoch 2 0.5 -> none"),
        ({"source": [99.0, 100.0]}, "source accuracy in epoch 1 100 -> 99"),
        ({"target": [100.0, 91.0]}, "target accuracy in epoch 2 90 -> 91"),
        ({"epoch": [1, 3]}, "evaluated epochs [1, 2] -> [1, 3]"),
    ],
)
def test_every_number_of_every_epoch_is_compared(changed: dict[str, object], told: str) -> None:
    """An accuracy of 100 % hides any coefficient, which scores show; code is taken as equal only where all agree."""
    old, same, other = (entry(90.0, epochs=epochs) for epochs in (EPOCHS, EPOCHS, EPOCHS | changed))
    assert compare.difference(of(old), old, same) == ""
    assert compare.computes_the_same(old, same)
    assert told in compare.difference(of(old), old, other)
    assert not compare.computes_the_same(old, other)
    assert not compare.computes_the_same(old, entry(90.0))
    assert not compare.computes_the_same(old, entry(89.9, epochs=EPOCHS))


def test_diagnostics_are_compared_on_the_same_cpu() -> None:
    old, other = entry(said={"C": 10.0, "converged": 1.0}), entry(said={"C": 100.0, "converged": 1.0})
    assert compare.difference(of(old), old, entry(said={"C": 10.0, "converged": 1.0})) == ""
    assert "diagnostic C 10 -> 100" in compare.difference(of(old), old, other)
    assert "diagnostic converged 1 -> none" in compare.difference(of(old), old, entry(said={"C": 10.0}))
    assert not compare.computes_the_same(old, other)
    elsewhere = replace(old.origin, environment=old.origin.environment | {"kernel": "OpenBLAS SkylakeX"})
    assert compare.difference(of(old), old, replace(other, origin=elsewhere)) == ""


def test_scores_are_compared_on_the_same_cpu_alone_and_accuracies_everywhere() -> None:
    old = entry(90.0, epochs=EPOCHS)
    elsewhere = replace(old.origin, environment=old.origin.environment | {"kernel": "OpenBLAS SkylakeX"})
    drifted = EPOCHS | {"scores": EPOCHS["scores"] | {"entropy": [-0.2501, -0.2]}, "target": [100.0, 90.9]}
    assert compare.difference(of(old), old, entry(90.0, epochs=drifted, origin=elsewhere)) == ""
    wrong = EPOCHS | {"source": [91.0, 100.0]}
    assert "source accuracy" in compare.difference(of(old), old, entry(90.0, epochs=wrong, origin=elsewhere))


def test_a_rule_that_is_new_changes_nothing_and_one_that_is_gone_is_named() -> None:
    old = entry(90.0, scores={"last": 90.0}, epochs=EPOCHS)
    scores = EPOCHS["scores"] | {"fresh": [1.0, 2.0]}
    new = entry(scores={"last": 90.0, "fresh": 90.0}, epochs=EPOCHS | {"scores": scores})
    assert compare.difference(of(old), old, new) == ""
    assert compare.computes_the_same(old, new)
    assert "there is no figure by fresh now" in compare.difference(of(new), new, old)


def test_other_configurations_data_rules_and_failures_are_differences() -> None:
    old = entry()
    config = old.origin.config | {"method.weight": 2.0}
    assert "method.weight was unset and is 2.0" in compare.difference(of(old), old, entry(origin=replace(old.origin, config=config)))  # fmt: skip
    moved = old.origin.config | {"method._target_": "da.estimators.elsewhere.CORAL"}
    assert compare.difference(of(old), old, entry(origin=replace(old.origin, config=moved))) == ""
    assert "the data changed" in compare.difference(of(old), old, entry(origin=replace(old.origin, data="4567")))
    failed = CellResult("coral", "one", 0, "failed", {}, reason="It broke.")
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
    monkeypatch.setattr(accepted, "FILE", tmp_path / "equal.json")
    assert accepted.same("x", "x")
    assert not accepted.same("a", "c")
    accepted.accept({("a", "b"): ["t: coral on one, seed 0"]})
    accepted.accept({("b", "c"): []})
    assert accepted.same("a", "c")
    assert not accepted.same("c", "a")
    assert not accepted.any_other({"method": "a", "gone": "x"}, {"method": "c"})
    assert accepted.any_other({"method": "c"}, {"method": "a"})


def committed(row: str, code: str, present: str, scoring: str = "", seconds: float = 1.0, table: str = "t"):
    """A committed cell whose present code is as said."""
    environment = {"scoring": {"evaluation": scoring}} if scoring else {}
    origin = Origin(code, "0123", {}, environment)
    made = replace(entry(), row=row, origin=origin, seconds=seconds)
    kind = type("Known", (verify.Committed,), {"present": present})
    return kind(SimpleNamespace(protocol=SimpleNamespace(name=table)), None, made, None)


def test_of_each_row_whose_code_changed_the_quickest_cell_and_of_code_that_scores_one_in_each_table() -> None:
    """Rows share code: the one whose weight is 0 says nothing of the one whose weight is not."""
    now = codehash.of_scoring()["evaluation"]
    slow, quick, other, elsewhere = (
        committed(row, "old", "new", now, s, table)
        for row, s, table in (("a", 2.0, "t"), ("a", 1.0, "t"), ("a (weight 0)", 0.5, "t"), ("a", 3.0, "u"))
    )
    known = [slow, quick, other, elsewhere, committed("c", "same", "same", now)]
    assert verify.quickest(verify.stale(known)) == [other, quick, elsewhere]
    known = [committed("a", "same", "same", "other", s, table) for table in "tu" for s in (2.0, 1.0)]
    chosen = verify.quickest(verify.stale(known))
    assert [(c.spec.protocol.name, c.entry.seconds) for c in chosen] == [("t", 1.0), ("u", 1.0)]
    assert chosen[0].changes() == [("other", now)]


def test_what_one_cell_showed_is_not_accepted_where_another_differs() -> None:
    a, b, c = committed("a", "1", "2"), committed("b", "1", "2"), committed("c", "3", "4")
    proven, doubtful = verify.sorted_out([a, b, c], [a, c])
    assert proven == {("3", "4"): ["t: c on one, seed 0"]}
    assert doubtful == {("1", "2")}
    absent = committed("d", "3", "4", table="of data that are not here")
    assert verify.sorted_out([a, b, c, absent], [a, c]) == ({}, {("1", "2"), ("3", "4")})


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
