"""Tables' files, the cells that they ask for, and what is kept of the runs."""

import json
import re

import pytest
import yaml
from small import SMALL
from toy_table import GIVEN, run, write

from da.cli import benchmark as command
from da.config import catalog
from da.config.compose import expand
from da.config.validate import validate
from da.engine import codehash
from da.errors import ConfigError, DataError
from da.results import store
from da.tables import results_page as page
from da.tables import spec, summary
from da.tables.cells import command as line
from da.tables.cells import planned_runs
from da.tables.summarize import summarize


def test_a_file_becomes_a_table(table):
    figure, source = table.published.score("unadapted", "two")
    assert (figure.value, figure.std, source.source) == (70.5, 1.5, "a paper")
    assert table.published.score("unadapted", "mean")[0].value == pytest.approx(75.25)
    assert table.published.score("elsewhere", "mean") is None  # not on all tasks
    assert table.protocol.rows() == {
        "unadapted": ("method=unadapted",),
        "coral, twice as strong": ("method=coral", "method.regularization=2.0"),
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"titel": "x"}, "did you mean 'title'"),
        ({"methods": ["coral"]}, "'methods' cannot be"),
        ({"published": [{"source": "x", "evidence": "heard", "figures": {}}]}, "evidence of read, recomputed, memory"),
        ({"published": [{"source": "x", "evidence": "read", "figures": {"coral": [1.0]}}]}, "1 figures for 2 tasks"),
        ({"published": [{"source": "x", "evidence": "read", "figures": {"coral": {"on": 1.0}}}]}, "did you mean 'one'"),
        ({"published": [{"source": "x", "evidence": "read", "figures": {"coral": ["?", 1.0]}}]}, "is no figure"),
    ],
)
def test_what_a_file_may_not_say(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        spec.load("toy_table", write(tmp_path, **changes))


def test_a_key_too_few_and_a_table_that_is_not_there(tmp_path):
    (tmp_path / "toy_table.yaml").write_text(
        yaml.safe_dump({k: v for k, v in GIVEN.items() if k != "seeds"}, sort_keys=False)
    )
    with pytest.raises(ConfigError, match="lacks the key 'seeds'"):
        spec.load("toy_table", tmp_path)
    with pytest.raises(ConfigError, match="did you mean 'toy_table'"):
        spec.load("toy_tabel", tmp_path)


def test_families_add_every_method_without_target_labels_once(tmp_path):
    rows = spec.load("toy_table", write(tmp_path, families=["subspace", "weighting"])).protocol.rows()
    expected = [
        e for e in catalog.entries("method").values() if e.family in ("subspace", "weighting") and not e.access.target_y
    ]
    assert {overrides[0] for overrides in rows.values()} == {f"method={e.name}" for e in expected}
    assert len(rows) == len(expected)
    assert "pooled" not in rows
    assert "coral" not in rows  # it has a row under its own name


def test_the_plan_is_rows_by_tasks_by_seeds_and_refuses_by_cell(tmp_path):
    tasks = GIVEN["tasks"] | {"wide": ["data=toy_dimensions", "~data.samples"]}
    given = spec.load(
        "toy_table",
        write(
            tmp_path,
            tasks={**GIVEN["tasks"], "wide": ["data=toy_dimensions"]},
            settings=SMALL[:1] + SMALL[2:],
            published=[],
        ),
    )
    planned = planned_runs(given.protocol)
    assert len(planned) == 2 * len(tasks) * 2
    refused = [cell for cell in planned if cell.plan is None]
    assert {cell.task for cell in refused} == {"wide"}
    assert "one feature space" in refused[0].refused
    assert [c.seed for c in planned_runs(given.protocol, methods=["unadapted"], seeds=[7])] == [7, 7, 7]
    with pytest.raises(ConfigError, match="did you mean 'unadapted'"):
        planned_runs(given.protocol, methods=["unadaptd"])
    with pytest.raises(ConfigError, match="did you mean 'weight'|no key"):
        planned_runs(given.protocol, overrides=["data.shfit=x"])


def test_seeds_may_have_overrides_of_their_own(tmp_path):
    given = spec.load("toy_table", write(tmp_path, seeds={3: ["data.samples=61"], 4: ["data.samples=62"]}))
    found = {(c.seed, c.plan.config["seed"], c.plan.config["data"]["samples"]) for c in planned_runs(given.protocol)}
    assert found == {(3, 3, 61), (4, 4, 62)}


def test_the_command_of_a_cell_is_that_cell(table):
    for cell in planned_runs(table.protocol):
        arguments = line(table.protocol, cell).split()
        assert arguments[:2] == ["python", "scripts/train.py"]
        (plan,) = expand(arguments[2:], multirun=False).plans
        assert validate(plan.config).config == cell.plan.config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("method=pca", "sets method itself.*in its row 'unadapted'.*did you mean methods=ROW"),
        ("method.regularization=3", "sets method.regularization itself.*row 'coral, twice as strong'"),
        ("data.shift=target", "sets data.shift itself .*in its task 'one'"),
        ("data=digits", "sets data.* itself .*so data=digits is refused"),
        ("data.split_seed=3", "sets data.split_seed itself .*in its seed 0"),
        ("seed=1,2", "sets seed itself.*did you mean seeds=N"),
        ("selection=entropy", "sets selection itself"),
        ("method._target_=da.estimators.subspace.pca.PCA", "sets method itself"),
        ("data._target_=da.data.digits.Digits", "sets data itself"),
        ("experiment=digits_dann", "An experiment sets what table=toy_table sets itself"),
        ("+experiment=digits_dann", "An experiment sets what table=toy_table sets itself"),
        ("trainer.max_epochs=9", "sets trainer.max_epochs itself .*in its settings"),
    ],
)
def test_what_the_table_sets_is_refused_as_an_override(tmp_path, override, message):
    settings = [*SMALL, "trainer.max_epochs=1"]
    given = spec.load("toy_table", write(tmp_path, settings=settings))
    with pytest.raises(ConfigError, match=message):
        planned_runs(given.protocol, overrides=[override])


def test_an_override_that_fits_some_rows_runs_those_and_names_the_others(table, tmp_path, capsys):
    assert run(tmp_path) == 0
    assert run(tmp_path, "methods=unadapted", "method.strength=1") == 2
    write(tmp_path, methods={"unadapted": [], "coral": []}, published=[])
    capsys.readouterr()
    assert run(tmp_path, "methods=coral", "method.regularization=3.0", "seeds=0") == 0
    assert "2 finished" in capsys.readouterr().out
    found = summary.read(tmp_path / "runs" / "summary.json")
    assert found.overrides == ("method.regularization=3.0",)
    (entry, _) = found.of("coral", "one")
    assert entry.status == "finished"
    (refused, _) = found.of("unadapted", "one")
    assert refused.status == "refused"
    assert "method.regularization" in refused.reason
    text = (tmp_path / "runs" / "table.md").read_text()
    (told,) = (line for line in text.splitlines() if line.startswith("`python scripts/benchmark.py"))
    assert "methods=coral" in told
    capsys.readouterr()
    assert command.main([*told.strip("`").split()[2:], "launcher=in_process"]) == 0, "the command above a table runs"


def test_a_further_seed_stands_in_the_folders_table_and_its_command(table, tmp_path):
    write(tmp_path, seeds=[0, 1], methods={"unadapted": [], "source_only": []}, published=[])
    assert run(tmp_path, "seeds=7") == 0
    found = summary.read(tmp_path / "runs" / "summary.json")
    drawn = [(e.seed, e.status) for e in found.of("source_only", "one")]
    assert drawn == [(0, "missing"), (1, "missing"), (7, "finished")]
    assert [(e.seed, e.status) for e in found.of("unadapted", "one")] == [(0, "finished")], "it draws nothing"
    assert "seeds=0,1,7" in (tmp_path / "runs" / "table.md").read_text()


def test_methods_that_draw_nothing_have_one_cell_for_many_seeds(tmp_path):
    methods = {"unadapted": [], "source_only": []}
    given = spec.load("toy_table", write(tmp_path, seeds=[5, 1, 2], methods=methods, published=[]))
    found = [(c.row, c.task, c.seed) for c in planned_runs(given.protocol)]
    assert found[:2] == [("unadapted", "one", 5), ("unadapted", "two", 5)]
    assert [seed for row, task, seed in found if (row, task) == ("source_only", "one")] == [5, 1, 2]
    assert {(c.row, c.others) for c in planned_runs(given.protocol)} == {("unadapted", (1, 2)), ("source_only", ())}
    assert command.drawing(planned_runs(given.protocol)) == "unadapted draws nothing: one run stands for all seeds\n"
    assert command.drawing(planned_runs(given.protocol, methods=["source_only"])) == ""


def test_other_overrides_stand_in_the_title_the_commands_and_not_in_what_is_committed(table, tmp_path, capsys):
    typed = [
        "table=toy_table",
        "launcher=in_process",
        f"output={tmp_path}/runs",
        "classifier.C=0.5",
        "methods=unadapted",
    ]
    assert command.main([*typed, "--commands"]) == 0
    (first, *_) = capsys.readouterr().out.splitlines()
    assert first.endswith(f"output={tmp_path}/runs classifier.C=0.5")
    assert not first.startswith("OMP_NUM_THREADS")  # in_process takes what the process has
    (plan,) = expand(first.split()[2:], multirun=False).plans
    assert plan.config["classifier"]["C"] == 0.5
    assert command.main(typed) == 0
    said = capsys.readouterr().out
    assert "## A toy, with classifier.C=0.5" in said
    assert f"`python scripts/benchmark.py {' '.join(typed)}`" in said
    kept = (tmp_path / "runs" / "table.md").read_text()
    assert "## A toy, with classifier.C=0.5" in kept
    assert f"`python scripts/benchmark.py table=toy_table output={tmp_path}/runs classifier.C=0.5`" in kept
    assert summary.read(tmp_path / "runs" / "summary.json").overrides == ("classifier.C=0.5",)
    assert command.main([*typed, "--write"]) == 2
    assert "without classifier.C=0.5" in capsys.readouterr().err


def test_every_figure_is_one_command_away(table, capsys):
    assert command.main(["table=toy_table", "--commands"]) == 0
    told = capsys.readouterr().out.splitlines()
    here = ["output=runs/benchmark/toy_table"]  # where the table looks for them
    assert told == [f"OMP_NUM_THREADS=1 {line(table.protocol, cell, here)}" for cell in planned_runs(table.protocol)]


def test_a_table_is_run_once_and_rendered_the_same_again(table, tmp_path, capsys):
    assert run(tmp_path, "--dry-run") == 0
    assert "2 methods on 2 tasks, 8 cells: 8 missing" in capsys.readouterr().out
    assert run(tmp_path, "methods=unadapted") == 0
    assert "4 finished" in capsys.readouterr().out
    assert run(tmp_path, "--dry-run") == 0
    assert "4 finished, 4 missing" in capsys.readouterr().out
    assert run(tmp_path, "--write") == 0
    assert "4 finished, 4 skipped" in capsys.readouterr().out
    made = (tmp_path / "runs" / "table.md").read_bytes()
    assert run(tmp_path, "rerun=all") == 0
    assert (tmp_path / "runs" / "table.md").read_bytes() == made
    kept = summary.read(tmp_path / "results" / "toy_table.json")
    assert kept.rows() == ["unadapted", "coral, twice as strong"]
    assert kept == summarize(store.load(tmp_path / "runs"), table)[0].summary or kept.entries  # seconds differ
    assert kept.mean("unadapted", "mean", "last") == pytest.approx(
        sum(kept.mean("unadapted", task, "last") for task in GIVEN["tasks"]) / 2
    )
    assert set(kept.rules()) == {"last"}  # one epoch: nothing to select
    assert (tmp_path / "RESULTS.md").read_text() == page.text()


def test_a_part_is_committed_beside_what_is_committed_already(table, tmp_path):
    """A method that changed is run alone; the other rows keep their cells."""
    assert run(tmp_path, "--write") == 0
    file = tmp_path / "results" / "toy_table.json"
    before = summary.read(file)
    given = ["table=toy_table", f"output={tmp_path / 'other'}", "launcher=in_process", "methods=unadapted", "--write"]
    assert command.main(given) == 0
    after = summary.read(file)
    assert [e.scores for e in after.entries] == [e.scores for e in before.entries]
    kept = [e.seconds for e in after.entries if e.row != "unadapted"]
    assert kept == [e.seconds for e in before.entries if e.row != "unadapted"]
    assert all(e.status == "finished" for e in after.entries)


def test_rows_are_named_between_commas_also_those_that_hold_one(table, capsys):
    given = ["table=toy_table", "methods=coral, twice as strong,unadapted", "--commands"]
    assert command.main(given) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8
    assert command.main(["table=toy_table", "methods=unadapted,no"]) == 2
    assert "no row 'no'" in capsys.readouterr().err


def test_what_was_run_is_compared_with_what_is_committed(table, tmp_path, capsys):
    assert run(tmp_path, "--compare") == 2
    assert "nothing to compare with" in capsys.readouterr().err
    assert run(tmp_path, "--write") == 0
    assert run(tmp_path, "--compare") == 0
    assert "8 of 8 cells equal the committed ones" in capsys.readouterr().out
    file = tmp_path / "results" / "toy_table.json"
    figure = summary.read(file).of("unadapted", "two")[1].scores["last"]
    lines = file.read_text().splitlines()
    (k,) = (k for k, line in enumerate(lines) if '"unadapted"' in line and '"two"' in line and '"seed": 1' in line)
    lines[k] = lines[k].replace(str(figure), str(figure + 0.5))
    file.write_text("\n".join(lines))
    assert run(tmp_path, "--compare", "methods=unadapted") == 1
    said = capsys.readouterr().out
    assert f"toy_table: unadapted on two, seed 1: last {figure + 0.5:.6g} -> {figure:.6g} (-0.5)" in said
    assert "3 of 4 cells equal the committed ones" in said


def test_what_other_code_made_is_not_said_to_equal_the_committed(table, tmp_path, capsys, monkeypatch):
    assert run(tmp_path, "--compare") == 2
    assert run(tmp_path, "--write") == 0
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(codehash, "of_config", lambda config: "other")
        assert run(tmp_path, "--compare", "methods=unadapted") == 1
    said = capsys.readouterr().out
    assert "0 of 0 cells equal the committed ones" in said
    assert "4 others were made by other code and say nothing of it: rerun=stale runs them again" in said
    assert run(tmp_path, "--compare", "--render", f"output={tmp_path}/nothing") == 1


def test_a_refused_cell_is_a_recorded_failure_of_its_table_until_it_can_be_run(table, tmp_path, capsys):
    write(tmp_path, tasks={"one": ["data.shift=covariate"], "two": ["data.classes=5000"]})
    assert run(tmp_path, "seeds=0") == 1
    said = capsys.readouterr()
    assert re.search(
        r"^\[\d/4.*\] finished coral, twice as strong on one, seed 0: target test accuracy", said.out, re.M
    )
    assert "REFUSED  unadapted on two, seed 0: data=toy needs at least 2 classes and as many samples" in said.err
    failed = [r for r in store.load(tmp_path / "runs") if not r.is_finished]
    assert [(r.error_kind, "Traceback" in r.traceback) for r in failed] == [("usage", True)] * 2
    found = summary.read(tmp_path / "runs" / "summary.json")
    entry, other = found.of("unadapted", "two")
    assert other.status == "missing"  # seed 1 was not asked for; the folder's table is whole all the same
    assert (entry.status, entry.scores) == ("failed", {})
    assert "as many samples" in entry.reason
    assert found.values("unadapted", "mean", "last") == {}  # no mean over half of the tasks
    capsys.readouterr()
    assert run(tmp_path, "seeds=0", "--dry-run") == 0
    assert "failed unadapted on two" in capsys.readouterr().out
    assert run(tmp_path, "seeds=0", "output=/dev/null/runs") == 2
    assert "'/dev/null' is a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table=toy_tabel"], "did you mean 'toy_table'"),
        ([], "Name a table"),
        (["table=toy_table", "methods=no"], "has no row"),
        (["table=toy_table", "seeds=a"], "seeds=a is no whole number"),
        (["table=toy_table", "--sample", "3"], "--sample is only for --verify"),
        (["table=toy_table", "--changed"], "--changed is only for --verify"),
        (["table=toy_table", "--seed", "3"], "--seed is only for --verify"),
        (["table=toy_table", "table=toy_table"], "table= is given twice"),
        (["table=toy_table", "seeds=0,0"], "seeds= names 0 twice"),
        (["table=toy_table", "methods=unadapted,unadapted"], "methods= names unadapted twice"),
        (["table=toy_table", "seeds=7", "--write"], "table=toy_table has no seed 7"),
        *(
            (["table=toy_table", "--dry-run", word], f"--dry-run prints and stops, so {word} would do nothing")
            for word in ("--commands", "--render", "--compare", "--write")
        ),
        *(
            (["table=toy_table", "--commands", word], f"--commands prints and stops, so {word} would do nothing")
            for word in ("--render", "--compare", "--write")
        ),
        (["--verify", "--changed", "--write", "table=toy_table"], "leave out table="),
        (["--verify", "--changed", "--seed", "3"], "leave out --seed"),
        (["--verify", "table=toy_table,toy_table"], "table= names toy_table twice"),
        (["--verify", "--compare"], "--compare is not for --verify"),
        (["--verify", "--dry-run"], "--dry-run is not for --verify"),
        (["--verify", "--sample", "-2"], "--sample must be above 0, got -2"),
        (["--verify", "--sample", "0"], "--sample must be above 0, got 0"),
        (["--verify", "--minutes", "0"], "--minutes must be above 0, got 0"),
        (["--verify", "--changed", "--sample", "3"], "leave out --sample"),
        (["--verify", "methods=coral"], "methods is not for it"),
        (["table=toy_table", "--reason", "why"], "add --write"),
        (["--verify", "table=toy_table"], "No committed cell can be run here"),
    ],
)
def test_what_the_command_refuses(table, arguments, message, capsys):
    assert command.main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_summary_is_read_as_it_was_written(tmp_path):
    made = summary.Summary(
        "x",
        (
            summary.CellResult("a", "one", 0, "finished", {"last": 50.0, "oracle_accuracy": 60.0}, 1.5),
            summary.CellResult("a", "one", 1, "finished", {"last": 54.0}, 0.5),
            summary.CellResult("a", "two", 0, "refused", {}, reason="it needs »much«"),
            summary.CellResult("a", "two", 1, "missing", {}),
        ),
        "accuracy",
        {"code": ["c"]},
    )
    assert summary.read(summary.write(made, tmp_path / "s.json")) == made
    assert (made.mean("a", "one", "last"), made.std("a", "one", "last")) == (52.0, pytest.approx(8**0.5))
    assert made.rules() == ["last", "oracle_accuracy"]
    assert made.seconds("a") == 1.0
    (tmp_path / "s.json").write_text(json.dumps({"table": "x"}))
    with pytest.raises(DataError, match="no table's summary"):
        summary.read(tmp_path / "s.json")


@pytest.mark.parametrize("name", spec.names())
def test_the_tables_that_are_shipped_can_be_planned(name):
    protocol = spec.load(name).protocol
    if protocol.made_by:
        assert (catalog.ROOT / protocol.made_by.split()[1]).is_file()
        return
    planned = planned_runs(protocol, seeds=[min(protocol.seeds)])
    assert planned
    assert protocol.baseline in protocol.rows()
    assert not [cell.refused for cell in planned if cell.plan is None]
