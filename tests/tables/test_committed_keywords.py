"""Committed cells that were made when keywords had other names are read with the present ones."""

import json
from pathlib import Path

import pytest

from da import renamed
from da.config import catalog
from da.config.compose import compose
from da.errors import ConfigError
from da.results import record
from da.tables import cells, ledger, spec, summary
from da.tables.results_page import RESULTS

FILES = sorted(RESULTS.glob("*.json"))
each_file = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


def committed(file: Path) -> list[tuple[dict, dict]]:
    """The finished cells of a file as it stands there, each with its whole flat configuration."""
    given = json.loads(file.read_text(encoding="utf-8"))
    lines = [line for line in given["entries"] if "code" in line]
    return [(line, {**given.get("config", {}), **line["config"]}) for line in lines]


def nested(flat: dict) -> dict:
    found: dict = {}
    for key, value in flat.items():
        node = found
        for group in key.split(".")[:-1]:
            node = node.setdefault(group, {})
        node[key.split(".")[-1]] = value
    return found


@each_file
def test_every_cell_has_the_identity_of_its_present_configuration(file: Path) -> None:
    lines = committed(file)
    found = [entry for entry in summary.read(file).entries if entry.origin is not None]
    assert len(found) == len(lines) > 0
    for (line, flat), entry in zip(lines, found, strict=True):
        if "run" not in line:  # no run of a configuration
            assert entry.run == ""
            continue
        was, now = nested(flat), nested(dict(entry.origin.config))
        assert record.run_id(was, line["data"]) == line["run"]
        assert record.run_id(now, line["data"]) == entry.run
        path = was["method"]["_target_"]
        old = set(was["method"]) & renamed.keywords(path).keys()
        assert (entry.run == line["run"]) == (not old), (line["row"], line["task"], line["seed"])
        names = catalog.entry_of("method", path).signature.keywords()
        assert now["method"].keys() - {"_target_"} == names.keys(), "every keyword is a present one"
        assert {key: value for key, value in now.items() if key != "method"} == {
            key: value for key, value in was.items() if key != "method"
        }
        assert list(now["method"].values()) == list(was["method"].values())


@each_file
def test_new_names_move_no_figure_of_the_ledger(file: Path) -> None:
    assert ledger.moved(spec.load(file.stem).protocol, summary.read(file)) == []


def test_cells_that_are_no_runs_say_their_settings_by_present_names() -> None:
    entries = summary.read(RESULTS / "simulated.json").entries
    grids = {e.row: e.origin.config["grid"] for e in entries}
    assert grids["pca"] == grids["subspace_alignment"] == {"n_components": [1, 2]}
    assert grids["ot_sinkhorn"]["tol"] == [1e-6]
    for entry in entries:
        path = summary.class_of(entry.row)
        for part in entry.origin.config.values():
            assert not part.keys() & renamed.keywords(path).keys(), entry.row


def test_what_is_written_is_read_again_as_it_is(tmp_path: Path) -> None:
    for file in FILES:
        once = summary.read(file)
        assert summary.read(summary.write(once, tmp_path / file.name)) == once


def test_an_old_keyword_in_a_table_is_refused(tmp_path: Path) -> None:
    given = (spec.FOLDER / "mnist2000_usps1800.yaml").read_text(encoding="utf-8")
    assert given.count("method.n_components=") == 1
    (tmp_path / "old.yaml").write_text(given.replace("method.n_components=", "method.components="))
    with pytest.raises(ConfigError, match=r"no key 'method.components'; it is now method.n_components\."):
        cells.planned_runs(spec.load("old", tmp_path).protocol)


def test_a_committed_cell_equals_its_plan_under_the_present_names() -> None:
    """Of a table whose row sets a renamed keyword."""
    plans = {
        (c.row, c.task): c.plan
        for c in cells.planned_runs(spec.load("mnist2000_usps1800").protocol, methods=["gfk"])
        if c.plan is not None
    }
    entries = [e for e in summary.read(RESULTS / "mnist2000_usps1800.json").entries if e.row == "gfk"]
    assert entries
    for entry in entries:
        method = {k: v for k, v in entry.origin.config.items() if k.startswith("method.")}
        assert method["method.n_components"] == 100
        assert nested(method)["method"] == plans[entry.row, entry.task].config["method"]
    assert compose(["method=gfk", "data=toy"])["method"]["n_components"] == 20, "its default"
