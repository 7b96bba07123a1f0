"""A table with further rows, on fewer tasks, against another baseline, or of one's own."""

import re

import pytest
import yaml
from toy_table import GIVEN, run, write

from da.cli import benchmark as command
from da.errors import ConfigError
from da.report.sections import sections
from da.results import store
from da.tables import spec, summary, variant
from da.tables.cells import planned_runs

ROWS = {
    "unadapted": [],
    "coral": ["method.regularization=2.0"],
    "SA": ["method=subspace_alignment"],
    "coral, twice as strong": ["method=coral", "method.regularization=3.0"],
}
FIGURES = {"unadapted": [80.0, "70.5 ± 1.5"], "coral": {"one": 60.0}, "pca": [61.0, 62.0], "SA": {"mean": 50.0}}


@pytest.fixture
def given(tmp_path, table):
    published = [{"source": "a paper", "evidence": "read", "figures": FIGURES}]
    return spec.load("toy_table", write(tmp_path, methods=ROWS, published=published))


def test_any_method_is_a_row_at_its_defaults(given):
    made, rows = variant.with_rows(given, ["unadapted", "gfk"])
    assert rows == ["unadapted", "gfk"]
    assert made.protocol.rows() == {**given.protocol.rows(), "gfk": ("method=gfk",)}
    planned = planned_runs(made.protocol, methods=["gfk"], seeds=[0])
    assert [cell.plan.method.name for cell in planned] == ["gfk", "gfk"]
    assert variant.with_rows(given, []) == (given, [])


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("coral", "coral"),  # the table's, whatever its settings
        ("coral (defaults)", "coral (defaults)"),
        ("subspace_alignment", "SA"),  # the table's own row of the defaults, with its published figures
        ("pca", "pca (defaults)"),  # published at settings that nobody knows
        ("pca (defaults)", "pca (defaults)"),
        ("gfk (defaults)", "gfk"),
    ],
)
def test_a_row_at_defaults_has_no_figures_that_were_published_at_other_settings(given, name, row):
    made, rows = variant.with_rows(given, [name])
    assert rows == [row]
    assert (row in given.protocol.rows()) == (made == given)
    if row not in given.protocol.rows():
        assert made.published.score(row, "one") is None
        assert made.protocol.rows()[row] == (f"method={name.removesuffix(' (defaults)')}",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nothing"], "and there is no such method; known: SA, coral, coral, twice as strong, unadapted."),
        (["deep_corl"], "and there is no such method; did you mean 'deep_coral'?"),
        (["unadaptd"], "has no row 'unadaptd', and there is no such method; did you mean 'unadapted'?"),
        (["gfkk"], "did you mean 'gfk'?"),
        (["SA", "subspace_alignment"], "names SA twice, once as 'subspace_alignment'"),
    ],
)
def test_names_that_are_none(given, names, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        variant.with_rows(given, names)


def test_means_of_papers_are_over_the_tasks_that_are_shown(given):
    made = variant.on_tasks(given, ["two"])
    assert list(made.protocol.tasks) == ["two"]
    assert made.protocol.title == "A toy (1 of 2 tasks)"
    assert made.published.score("unadapted", "mean")[0].value == 70.5
    assert given.published.score("unadapted", "mean")[0].value == 75.25
    (source,) = made.published.sources
    assert set(source.scores) == {"unadapted", "pca"}, "the others have no figure of this task"
    assert variant.on_tasks(given, ["two", "one"]) == given
    assert variant.on_tasks(given, []) == given
    with pytest.raises(ConfigError, match="has no task 'twoo'; did you mean 'two'"):
        variant.on_tasks(given, ["twoo"])


def test_arrows_may_be_typed(tmp_path, capsys, table):
    tasks = {"a→b": ["data.shift=covariate"], "b→a": ["data.shift=target"]}
    write(tmp_path, tasks=tasks, published=[])
    assert command.main(["table=toy_table", "tasks=b->a", "methods=unadapted", "--commands"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2
    assert all("data.shift=target" in line for line in told)


@pytest.mark.parametrize("path", ["", "mine.yaml"])
def test_a_variant_is_read_as_it_was_written(given, tmp_path, path):
    made, _ = variant.with_rows(variant.against(given, "SA"), ["gfk"])
    file = variant.write(made, "python scripts/benchmark.py table=x", tmp_path / "summary.yaml")
    again = spec.read(file, "toy_table")
    assert again.protocol.made_by == "python scripts/benchmark.py table=x"
    assert again.protocol.rows() == made.protocol.rows()
    assert (again.protocol.baseline, again.protocol.seeds) == ("SA", made.protocol.seeds)
    assert again.published == made.published


@pytest.mark.parametrize("name", spec.names())
def test_every_table_survives_its_file(name, tmp_path):
    table_ = spec.load(name)
    again = spec.read(variant.write(table_, table_.protocol.made_by, tmp_path / "t.yaml"), name)
    assert again == table_


def test_a_further_row_is_run_tested_and_reported_and_found_again(given, tmp_path, capsys):
    typed = ["methods=unadapted,gfk", "tasks=two", "seeds=0", "baseline=gfk"]
    assert run(tmp_path, *typed, "--dry-run") == 0
    assert "2 methods on 1 tasks, 2 cells: 2 missing" in capsys.readouterr().out
    assert run(tmp_path, *typed) == 0
    said = capsys.readouterr().out
    assert "2 finished" in said
    assert "## A toy (1 of 2 tasks)" in said
    assert "| unadapted | 70.50 |" in said
    assert run(tmp_path, *typed) == 0
    assert "2 skipped" in capsys.readouterr().out
    kept = summary.read(tmp_path / "runs" / "summary.json")
    assert kept.rows() == [*ROWS, "gfk"], "the folder's table stays whole"
    assert kept.tasks() == ["one", "two"]
    (section,) = sections(tmp_path / "runs", store.load(tmp_path / "runs"))
    assert section.spec.protocol.baseline == "gfk"
    assert section.spec.protocol.methods["gfk"] == ("method=gfk",)
    assert section.spec.published == given.published
    text = (tmp_path / "runs" / "table.md").read_text()
    assert "baseline=gfk" in text
    assert section.spec.protocol.made_by in text
    assert run(tmp_path, "methods=unadapted", "seeds=0") == 0
    assert not (tmp_path / "runs" / "summary.yaml").exists(), "the table as its file says"
    assert summary.read(tmp_path / "runs" / "summary.json").rows() == list(ROWS)


def test_a_row_that_equals_another_does_not_vanish(given, tmp_path):
    rows = {"unadapted": [], "coral": ["method.regularization=1.0"]}  # the default, written out
    equal = spec.load("toy_table", write(tmp_path, methods=rows, published=[]))
    made, _ = variant.with_rows(equal, ["coral (defaults)"])
    cells = planned_runs(made.protocol, methods=["coral", "coral (defaults)"], seeds=[0])
    assert [cell.row for cell in cells] == ["coral", "coral", "coral (defaults)", "coral (defaults)"]
    assert cells[0].plan.config == cells[2].plan.config


def test_a_baseline_that_is_named_is_run_too(given, capsys):
    assert command.main(["table=toy_table", "methods=coral", "baseline=unadapted", "seeds=0", "--commands"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_a_table_of_ones_own_is_a_path(given, tmp_path, capsys):
    own = tmp_path / "own" / "mine.yaml"
    own.parent.mkdir()
    own.write_text(yaml.safe_dump(GIVEN | {"methods": {"unadapted": []}, "published": []}, sort_keys=False))
    typed = [f"table={own}", "launcher=in_process", f"output={tmp_path}/runs"]
    assert command.main([*typed, "seeds=0"]) == 0
    assert f"table={own}" in capsys.readouterr().out
    (section,) = sections(tmp_path / "runs", store.load(tmp_path / "runs"))
    assert section.summary.table == "mine"
    assert f"table={own}" in section.spec.protocol.made_by
    assert command.main([*typed, "--write"]) == 2
    assert f"not {own}" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("methods=gfk", "without the row gfk, which this table does not have"),
        ("tasks=one", "without tasks=one"),
        ("baseline=coral", "without baseline=coral"),
        ("baseline=gfk", "without the row gfk"),
    ],
)
def test_what_a_table_does_not_say_is_never_committed(given, tmp_path, capsys, typed, message):
    assert run(tmp_path, typed, "--write") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists(), "nothing was run either"
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gone.yaml", None, "There is no file .*gone.yaml; table= takes the path of a table, or one of toy_table"),
        ("toy_table.yaml", "", "has the name of another table, toy_table, and their runs would mix; rename the file"),
        ("odd.yaml", "a: [", "odd.yaml cannot be read as YAML"),
        ("words.yaml", "[1, 2]", "words.yaml is not a table"),
        ("text.yaml", yaml.safe_dump(GIVEN | {"tasks": {"one": "data.shift=x"}}), "'one' of tasks must be a list"),
    ],
)
def test_files_that_are_no_table(given, tmp_path, name, text, message):
    file = tmp_path / "own" / name
    file.parent.mkdir()
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        spec.load(str(file), tmp_path)


def test_the_path_of_a_table_of_the_package_is_that_table(given, tmp_path):
    assert spec.load(str(tmp_path / "toy_table.yaml"), tmp_path) == given
