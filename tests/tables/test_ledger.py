"""No committed figure moves without its line in the ledger; the gate over what is committed."""

import json
import subprocess
from dataclasses import replace

import pytest

from da.config import catalog
from da.config.compose import compose
from da.engine import accepted, codehash
from da.engine.run import load
from da.errors import ConfigError
from da.results.scores import mean
from da.tables import ledger, verify
from da.tables import results_page as page
from da.tables.cells import planned_runs
from da.tables.compare import used
from da.tables.ranking import within_runs
from da.tables.summary import CellResult, Origin, as_records, flat

COMMITTED = {spec.protocol.name: (spec.protocol, summary) for spec, summary in page.committed()[0]}


def test_a_figure_that_moves_needs_a_reason_and_gets_a_line(spec, summary, base, tmp_path, monkeypatch):
    monkeypatch.setattr(ledger.record, "code_version", lambda: {"commit": "0123456789abcdef", "source": "x"})
    table, first = spec().protocol, summary({"unadapted": base, "tca": base})
    assert ledger.enter(table, first, folder=tmp_path).name == "0001-office.json"
    assert ledger.moved(table, first, tmp_path) == []
    assert ledger.enter(table, first, folder=tmp_path) is None

    second = summary({"unadapted": base, "tca": [value + 1 for value in base]})
    with pytest.raises(ConfigError, match=r"moved: tca 55.00 -> 56.00. Say why with --reason"):
        ledger.enter(table, second, folder=tmp_path)
    ledger.enter(table, second, "The kernel is centred", folder=tmp_path)
    text = ledger.page(tmp_path)
    assert "## 0002. The kernel is centred" in text
    assert "| office | tca | 55.00 | 56.00 | +1.00 | 0123456789 |" in text
    assert "| office | unadapted |" not in text
    assert text.index("0002") < text.index("0001")
    assert "First figures of 2 rows of office" in text


def test_a_single_cell_that_moves_is_seen_though_the_mean_stays(spec, summary, base, tmp_path):
    table, first = spec().protocol, summary({"tca": base})
    ledger.enter(table, first, folder=tmp_path)
    swapped = summary({"tca": [base[1], base[0], *base[2:]]})
    (line,) = ledger.moved(table, swapped, tmp_path)
    assert line.before.value == line.after.value
    ledger.enter(table, swapped, "why", folder=tmp_path)
    assert "| cells only |" in ledger.page(tmp_path)


def test_a_new_row_needs_no_reason_and_a_lost_one_does(spec, summary, base, tmp_path):
    table = spec().protocol
    ledger.enter(table, summary({"tca": base}), folder=tmp_path)
    ledger.enter(table, summary({"tca": base, "pca": base}), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"tca 55.00 -> -"):
        ledger.enter(table, summary({"pca": base}), folder=tmp_path)
    ledger.enter(table, summary({"pca": base}), "it went", folder=tmp_path)
    assert set(ledger.standing("office", tmp_path)) == {"pca"}


@pytest.mark.parametrize("part", ["source", "target", "scores"])
def test_a_score_or_an_accuracy_of_an_epoch_that_moves_is_seen_though_figures_stay(part, spec, summary, base, tmp_path):
    table, plain = spec().protocol, summary({"tca": base})
    epochs = {"epoch": [1, 2], "source": [90.0, 91.0], "target": [80.0, 81.0], "scores": {"entropy": [-0.5, -0.4]}}
    first = replace(plain, entries=tuple(replace(e, epochs=epochs) for e in plain.entries))
    ledger.enter(table, first, folder=tmp_path)
    other = {"scores": {"entropy": [-0.5, -0.3]}} if part == "scores" else {part: [80.0, 82.0]}
    falsified = (replace(plain.entries[0], epochs=epochs | other), *first.entries[1:])
    (line,) = ledger.moved(table, replace(first, entries=falsified), tmp_path)
    assert line.before.value == line.after.value


@pytest.mark.parametrize("part", ["said", "kernel", "data", "settings"])
def test_a_diagnostic_a_machine_or_other_data_are_seen(part, spec, summary, base, tmp_path):
    """A wrong C misleads as a wrong figure does, and another machine loosens what --verify accepts."""
    table, plain = spec().protocol, summary({"tca": base})
    origin = Origin("a", "b", {}, {"kernel": "OpenBLAS Haswell", "commit": "c" * 40})
    first = replace(plain, entries=tuple(replace(e, said={"C": 1.0}, origin=origin) for e in plain.entries))
    ledger.enter(table, first, folder=tmp_path)
    other = {
        "said": {"said": {"C": 10.0}},
        "data": {"origin": replace(origin, data="other")},
        "settings": {"origin": replace(origin, config={"chosen": 1})},
        "kernel": {"origin": replace(origin, environment=origin.environment | {"kernel": "OpenBLAS Nehalem"})},
    }
    falsified = (replace(first.entries[0], **other[part]), *first.entries[1:])
    (line,) = ledger.moved(table, replace(first, entries=falsified), tmp_path)
    assert line.before.value == line.after.value
    elsewhere = replace(origin, environment=origin.environment | {"commit": "d" * 40})
    again = replace(first, entries=tuple(replace(e, origin=elsewhere) for e in first.entries))
    assert ledger.moved(table, again, tmp_path) == [], "a later commit that computes the same moves nothing"


def test_digits_beyond_the_fourth_are_no_move(spec, summary, base, tmp_path):
    table, first = spec().protocol, summary({"tca": base})
    ledger.enter(table, first, folder=tmp_path)
    finer = replace(first, entries=tuple(replace(e, scores={"last": e.scores["last"] + 1e-7}) for e in first.entries))
    assert ledger.moved(table, finer, tmp_path) == []


@pytest.mark.parametrize("name", COMMITTED)
def test_every_committed_figure_is_the_ledgers(name):
    moved = ledger.moved(*COMMITTED[name])
    assert not moved, (
        f"{name}: committed figures are not those of the ledger: {', '.join(line.row for line in moved)}. Write them with "
        "scripts/benchmark.py --write --reason '...', not by hand."
    )


def test_every_change_begins_where_the_one_before_ended():
    known = {}
    for change in ledger.changes():
        for line in change.lines:
            before = known.get((line.table, line.row))
            assert line.before == before, f"{change.name}: {line.row} of {line.table} was {before}, not {line.before}"
            known[line.table, line.row] = line.after


def git(*arguments, root=catalog.ROOT):
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)


def test_every_change_names_a_commit_of_this_history():
    """Of the code that made the figures; where history is here."""
    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("the history of the project is not here (no Git repository, or a shallow one)")
    for change in ledger.changes():
        found = git("merge-base", "--is-ancestor", f"{change.commit}^{{commit}}", "HEAD")
        assert found.returncode == 0, f"{change.name}: {change.commit} is no commit before this one"


NUMBERS, MODULE = "benchmarks/numbers", "da/tables/ledger.py"


def rewritten(root):
    """Commits, and files of the working tree, that rewrite lines of the ledger without a new form of digests."""
    form = "-G^FORMAT = "
    forms = git("log", "-m", "--format=%H", form, "--", MODULE, root=root).stdout.split()
    since = f"{forms[-1]}..HEAD" if forms else "HEAD..HEAD"
    commits = git("log", "-m", "--format=%H", "--diff-filter=MDRT", since, "--", NUMBERS, root=root).stdout.split()
    renewed = git("diff", "HEAD", form, "--name-only", "--", MODULE, root=root).stdout
    here = git("diff", "HEAD", "--diff-filter=MDRT", "--name-only", "--", NUMBERS, root=root).stdout.split()
    return sorted(set(commits) - set(forms)) + ([] if renewed else here)


def test_no_commit_rewrites_the_ledger():
    """Nor does the working tree."""
    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("the history of the project is not here (no Git repository, or a shallow one)")
    assert not rewritten(catalog.ROOT), "these rewrite lines of the ledger; add a change of its own instead"


def test_a_line_that_is_rewritten_is_found_before_and_after_it_is_committed(tmp_path):
    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    def commit():
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        for arguments in (("add", "."), (*who, "commit", "-q", "-m", "why")):
            assert git(*arguments, root=tmp_path).returncode == 0

    git("init", "-q", root=tmp_path)
    write(MODULE, "FORMAT = 1\n")
    write(f"{NUMBERS}/0001-a.json", "80")
    commit()
    write(f"{NUMBERS}/0002-a.json", "81")
    assert rewritten(tmp_path) == [], "a new line"
    commit()
    write(f"{NUMBERS}/0002-a.json", "82")
    assert rewritten(tmp_path) == [f"{NUMBERS}/0002-a.json"]
    write(MODULE, "FORMAT = 2\n")
    assert rewritten(tmp_path) == [], "a new form renews what stands"
    commit()
    assert rewritten(tmp_path) == []
    write(f"{NUMBERS}/0002-a.json", "83")
    commit()
    assert rewritten(tmp_path) == git("rev-parse", "HEAD", root=tmp_path).stdout.split()


def test_a_merge_may_not_rewrite_a_line_either(tmp_path):
    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    commit = (*who, "commit", "-q", "-m", "why")

    def steps(*given):
        for arguments in given:
            assert git(*arguments, root=tmp_path).returncode == 0, arguments

    git("init", "-q", "-b", "main", root=tmp_path)
    write(MODULE, "FORMAT = 1\n")
    write(f"{NUMBERS}/0001-a.json", "80")
    steps(("add", "."), commit, ("checkout", "-q", "-b", "side"))
    write(f"{NUMBERS}/0002-b.json", "70")
    steps(("add", "."), commit, ("checkout", "-q", "main"))
    write(f"{NUMBERS}/0003-c.json", "60")
    steps(("add", "."), commit, (*who, "merge", "-q", "--no-ff", "--no-commit", "side"), commit)
    assert rewritten(tmp_path) == [], "a merge brings the lines of both"
    steps(("reset", "-q", "--hard", "HEAD~1"), (*who, "merge", "-q", "--no-ff", "--no-commit", "side"))
    write(f"{NUMBERS}/0001-a.json", "85")
    steps(("add", "."), commit)
    assert rewritten(tmp_path) == git("rev-parse", "HEAD", root=tmp_path).stdout.split()


def test_a_change_names_the_commit_of_the_rows_that_moved(spec, summary, base, tmp_path):
    def made(rows, commits):
        plain = summary(rows)
        entries = (replace(e, origin=Origin("", "", {}, {"commit": commits[e.row]})) for e in plain.entries)
        return replace(plain, entries=tuple(entries))

    table, commits = spec().protocol, {"unadapted": "a" * 40, "tca": "a" * 40}
    ledger.enter(table, made({"unadapted": base, "tca": base}, commits), folder=tmp_path)
    second = made({"unadapted": base, "tca": [value + 1 for value in base]}, commits | {"tca": "b" * 40})
    ledger.enter(table, second, "why", folder=tmp_path)
    assert [change.commit for change in ledger.changes(tmp_path)][1] == "b" * 10


def test_the_page_is_current():
    assert ledger.PAGE.read_text(encoding="utf-8") == ledger.page()


GRIDS = [name for name, (spec, _) in COMMITTED.items() if not spec.made_by]


@pytest.mark.parametrize("name", GRIDS)
def test_code_and_defaults_are_those_that_made_the_figures(name):
    """A changed loss or default needs its line: rerun the row, or verify that its figures stay (--verify --changed)."""
    spec, summary = COMMITTED[name]
    planned = {(cell.row, cell.task, cell.seed): cell for cell in planned_runs(spec)}
    wrong = []
    for entry in (e for e in summary.entries if e.status == "finished"):
        where, cell = f"{entry.row} on {entry.task}", planned.get((entry.row, entry.task, entry.seed))
        if cell is None or cell.plan is None:
            wrong.append(f"{where} can no longer be run")
        elif not accepted.same(entry.origin.code, codehash.of_config(cell.plan.config)):
            wrong.append(f"{where}: its code changed")
        else:
            old, new = used(entry.origin.config), used(flat(cell.plan.config))
            wrong += [f"{where}: {k} was {old.get(k)!r}, is {new.get(k)!r}" for k in old.keys() | new.keys() if old.get(k) != new.get(k)]  # fmt: skip
    assert not wrong, (
        f"table={name}: "
        + "; ".join(wrong[:5])
        + f" ({len(wrong)} in all). Run `python scripts/benchmark.py --verify --changed --write`, which "
        f"accepts code that computes the same, or rerun: `table={name} rerun=stale --write --reason '...'`."
    )


EMBEDDED = {"Toy", "ToyDimensions", "Digits"}


def data_of(entry):
    return entry.origin.config["data._target_"].rpartition(".")[2]


@pytest.mark.parametrize("name", [n for n in GRIDS if data_of(COMMITTED[n][1].entries[0]) in EMBEDDED])
def test_embedded_data_are_those_that_made_the_figures(name):
    """A changed shift, split or scaling needs its line too."""
    check_data(name, lambda entry: True)


@pytest.mark.data
@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("name", [n for n in GRIDS if data_of(COMMITTED[n][1].entries[0]) not in EMBEDDED])
def test_data_are_those_that_made_the_figures(name):
    first = {}
    for entry in COMMITTED[name][1].entries:
        if entry.origin is not None:
            first.setdefault(entry.task, entry)
    check_data(name, lambda entry: entry in first.values())


def check_data(name, looked_at):
    spec, summary = COMMITTED[name]
    planned = {(cell.row, cell.task, cell.seed): cell for cell in planned_runs(spec)}
    known = {}
    for entry in (e for e in summary.entries if e.status == "finished" and looked_at(e)):
        plan = planned[entry.row, entry.task, entry.seed].plan
        key = json.dumps([plan.config["data"], plan.config.get("features")], sort_keys=True)
        known.setdefault(key, "")
        known[key] = known[key] or load(plan)[1]
        assert entry.origin.data == known[key], (
            f"table={name}: the data of {entry.task} are not those that made its figures; if that is meant, rerun: "
            f"`table={name} rerun=all --write --reason '...'`."
        )


def test_a_table_with_a_module_of_its_own_says_what_code_made_it():
    for spec, summary in COMMITTED.values():
        if spec.made_by:
            rows = {e.row: e.origin.code for e in summary.entries if e.status == "finished"}
            module = verify.module_of(spec)
            wrong = [row for row, code in rows.items() if not accepted.same(code, module.code(row))]
            grids = {e.row: e.origin.config["grid"] for e in summary.entries if e.status == "finished"}
            assert grids == module.METHODS, f"{spec.name}: the settings that are searched changed"
            assert module.environment()["device"] == "1 x cpu"
            assert not wrong, f"{spec.name}: the code of {', '.join(wrong)} changed; make them again: {spec.made_by}"


@pytest.mark.parametrize("name", GRIDS)
def test_evaluation_metrics_and_rules_are_those_that_scored_the_figures(name):
    """A changed rule, metric or evaluation needs its line as a changed method does."""
    present = codehash.of_scoring()
    for entry in COMMITTED[name][1].entries:
        if entry.origin is not None:
            made = entry.origin.environment["scoring"]
            assert {"evaluation", *entry.epochs["scores"]} <= made.keys()
            wrong = [part for part, code in made.items() if part not in present or not accepted.same(code, present[part])]  # fmt: skip
            assert not wrong, (
                f"table={name}, {entry.row}: the code of {', '.join(wrong)} changed; run `python scripts/benchmark.py "
                "--verify --changed --write`, or rerun the table."
            )


def test_every_method_has_a_committed_figure():
    """So that no loss or default changes unseen."""
    have = {
        entry.origin.config["method._target_"].rpartition(".")[2]
        for spec, summary in COMMITTED.values()
        for entry in summary.entries
        if entry.origin is not None and not spec.made_by
    }
    lacking = [e.name for e in catalog.entries("method").values() if e.path.rpartition(".")[2] not in have]
    assert not lacking, f"no committed table has {', '.join(lacking)}; benchmarks/tables/embedded.yaml is for all"


@pytest.mark.parametrize("name", COMMITTED)
def test_every_row_of_a_committed_table_has_figures(name):
    spec, summary = COMMITTED[name]
    assert set(summary.rows()) == set(spec.rows()) or spec.made_by
    assert set(summary.tasks()) == set(spec.tasks)
    empty = [row for row in summary.rows() if all(e.status != "finished" for t in summary.tasks() for e in summary.of(row, t))]  # fmt: skip
    assert not empty, f"{name}: no cell of {', '.join(empty)} finished; run it, or take it out of the table"
    missing = [f"{e.row} on {e.task}" for e in summary.entries if e.status == "missing"]
    assert not missing, f"{name}: {', '.join(missing[:5])} was never run"


def test_committed_records_carry_what_verifies_them():
    for spec, summary in COMMITTED.values():
        for entry in summary.entries:
            if entry.status == "finished":
                assert isinstance(entry, CellResult)
                assert entry.origin is not None, f"{spec.name}: {entry.row} does not say what made it"
                assert {"versions", "kernel", "device"} <= entry.origin.environment.keys()
                assert entry.origin.code
                assert entry.origin.data
                if not spec.made_by:
                    assert entry.epochs is not None
                    n = len(entry.epochs["epoch"])
                    assert {len(v) for v in entry.epochs["scores"].values()} == {n}
                    assert len(entry.epochs["target"]) == n


def test_the_recipes_of_the_digits_are_those_that_the_committed_scores_choose():
    """By the highest mean class_ami of the last step over seeds: no target label is looked at."""
    _, summary = COMMITTED["digits_adversarial"]
    for method in ("dann", "cdan"):
        scores = {}
        for entry in summary.entries:
            if entry.row.startswith(f"{method} (weight ") and "SGD" not in entry.row:
                weight = entry.origin.config["method.weight"]
                scores.setdefault(weight, []).append(entry.epochs["scores"]["class_ami"][-1])
        assert len(scores) == 7
        assert {len(own) for own in scores.values()} == {3}
        chosen = max(scores, key=lambda weight: mean(scores[weight]))
        recipe = compose([f"experiment=digits_{method}"])
        assert recipe["method"]["weight"] == chosen
        assert recipe["method"]["_target_"].endswith(method.upper())


def test_regret_of_rules_is_computed_from_committed_files():
    _, summary = COMMITTED["digits_deep"]
    records = as_records(summary)
    assert len(records) == len([e for e in summary.entries if e.status == "finished"])
    by_rule = {ranking.rule: ranking for ranking in within_runs(records)}
    assert {"entropy", "source_accuracy", "class_ami", "last"} <= by_rule.keys()
    for entry in summary.entries:  # what each rule chose is what its committed scores say
        for rule, figure in entry.scores.items():
            scores = entry.epochs["scores"][rule]
            best = max(k for k, s in enumerate(scores) if s == max(v for v in scores if v is not None))
            tied = [entry.epochs["target"][k] for k, s in enumerate(scores) if s == scores[best]]
            assert figure in tied


def test_committed_files_are_valid_json_in_lines():
    for name in COMMITTED:
        text = (page.RESULTS / f"{name}.json").read_text(encoding="utf-8")
        assert json.loads(text)["table"] == name
