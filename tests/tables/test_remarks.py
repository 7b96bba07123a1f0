"""Rows that equal another, and weightings that lose, have a word beside them."""

from dataclasses import replace

import pytest

from da.tables import markdown as render
from da.tables import remarks, spec, summary
from da.tables import results_page as page
from da.tables.summary import CellResult, Origin, Summary

COMMITTED = {
    name: (spec.load(name).protocol, summary.read(page.RESULTS / f"{name}.json"))
    for name in spec.names()
    if (page.RESULTS / f"{name}.json").is_file()
}


ROWS = [f"{method} {rest}" for method in ("unadapted", "kmm", "bbse", "coral") for rest in "12x"]


def table(**said):
    methods = {row: (f"method={row.split()[0]}",) for row in ROWS}
    tasks = {"a": (), "b": ()}
    return spec.EvaluationProtocol(
        "t", "T", "", tasks, "last", "unadapted", methods=methods, seeds={0: ()}, remarks=said
    )


def made(rows, classifier="one"):
    """Rows of the methods of their first words on two tasks."""
    target = {
        "kmm": "da.estimators.weighting.kmm.KMM",
        "bbse": "da.estimators.weighting.bbse.BBSE",
        "unadapted": "da.estimators.subspace.unadapted.Unadapted",
        "coral": "da.estimators.subspace.coral.CORAL",
    }
    entries = []
    for row, values in rows.items():
        config = {"method._target_": target[row.split()[0]], "method.bandwidth": row, "classifier.C": row.split()[-1]}
        origin = Origin("", "", config, {})
        entries += [
            CellResult(row, task, 0, "finished", {"last": value}, origin=origin)
            for task, value in zip("ab", values, strict=True)
        ]
    return Summary("t", tuple(entries), "accuracy", {})


def test_a_row_equal_to_an_earlier_one_in_every_cell_is_named():
    found = remarks.findings(
        table(), made({"unadapted x": [50.0, 60.0], "coral x": [50.0, 60.1], "kmm x": [50.0, 60.0]})
    )
    assert found == {"kmm x": ["equals unadapted x in every cell"]}


def test_a_weighting_more_than_two_points_below_the_same_without_weights_is_named():
    rows = {"unadapted 1": [80.0, 90.0], "unadapted 2": [60.0, 60.0], "kmm 1": [79.0, 88.0], "bbse 1": [70.0, 90.0]}
    rows |= {"kmm 2": [58.1, 58.2], "coral 1": [10.0, 10.0]}
    assert remarks.findings(table(), made(rows)) == {"bbse 1": ["stands 5.0 points below unadapted 1"]}


def test_the_most_that_a_weighting_loses_on_a_single_task_is_said():
    """bbse loses 4.9 on one task, and gains as much on the other; coral is no weighting."""
    rows = {"unadapted 1": [80.0, 90.0], "kmm 1": [79.0, 88.0], "bbse 1": [84.9, 85.1], "coral 1": [10.0, 10.0]}
    assert remarks.findings(table(), made(rows)) == {}
    said = "The most that a weighting loses on a single task: bbse 1 on b, 4.9 points below unadapted 1."
    assert remarks.worst(table(), made(rows)) == said
    assert said in render.markdown(spec.TableSpec(table()), made(rows))
    assert remarks.worst(table(), made({"unadapted 1": [80.0, 90.0], "kmm 1": [80.0, 91.0]})) == ""


def test_a_table_that_is_no_plain_grid_is_looked_at_too():
    plain = made({"unadapted x": [80.0, 90.0], "kmm x": [70.0, 90.0]})
    grids = (replace(e, origin=Origin("", "", {"grid": {"bandwidth": [1.0]}}, {})) for e in plain.entries)
    found = remarks.findings(table(), replace(plain, entries=tuple(grids)))
    assert found == {"kmm x": ["stands 5.0 points below unadapted x"]}


def test_a_finding_needs_a_remark_and_a_remark_a_finding():
    summary_ = made({"unadapted x": [50.0, 60.0], "kmm x": [50.0, 60.0]})
    assert remarks.unexplained(table(), summary_) == ["kmm x equals unadapted x in every cell, without a remark"]
    explained = table(**{"kmm x": "No weights are learnt."})
    assert remarks.unexplained(explained, summary_) == []
    assert render.remarked(spec.TableSpec(explained), summary_) == [
        "kmm x equals unadapted x in every cell: No weights are learnt."
    ]
    assert remarks.unexplained(explained, made({"unadapted x": [50.0, 60.0], "kmm x": [51.0, 60.0]})) == [
        "kmm x has a remark and nothing to explain"
    ]


@pytest.mark.parametrize("name", COMMITTED)
def test_every_committed_table_explains_rows_that_are_equal_or_lose(name):
    assert remarks.unexplained(*COMMITTED[name]) == []


def test_a_table_says_what_was_chosen_and_how_much_the_weights_are_trusted():
    found = made({"unadapted x": [50.0, 60.0], "kmm x": [55.0, 65.0]})
    said = iter([{"C": 1.0}, {"C": 10.0}, {"C": 0.1, "trust": 0.25}, {"C": 0.1, "trust": 0.5}])
    found = replace(found, entries=tuple(replace(e, said=next(said)) for e in found.entries))
    text = render.markdown(spec.TableSpec(table()), found)
    assert "| method | C that was chosen | trust in the estimated weights |" in text
    assert "| kmm x | 0.1 | 0.25 (0.25 to 0.5) |" in text
    assert "| unadapted x | 1 (1 to 10) | - |" in text
    assert "What was chosen" not in render.markdown(spec.TableSpec(table()), made({"unadapted x": [50.0, 60.0]}))
