"""The command line of scripts/choose.py: a choice without target labels, from the data to the predictions."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from records import unlabelled

from da.cli import choose as entry
from da.cli import look, ranked, train
from da.cli.choose import Runnable, candidates, lacking, listing
from da.cli.predict import predict
from da.cli.ranked import Answers, Ranked
from da.config import catalog
from da.data.splits import Raw, assemble
from da.engine.result import directory_of, write_failure
from da.engine.run import load
from da.setting import ALL, DIFFERENT, FEW, MANY, Access
from da.sweeps import budget
from da.sweeps.job import Outcome
from da.tables import results_page
from da.tables.strategies import Experience

CLASSES = np.array(["cat", "dog", "owl"])
MEANS = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 1.0], [0.0, 4.0, 1.0]])


def table(file: Path, size: int, shift: float, labels: str, seed: int) -> Path:
    """Three classes in a CSV file: labelled, not labelled, or with labels that mean nothing."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=size)
    x = MEANS[y] + rng.normal(size=(size, 3)) + shift
    said = {"true": y, "garbage": rng.permutation(y)}.get(labels)
    lines = ["a,b,c" + (",label" if said is not None else "")]
    for k, row in enumerate(x):
        lines.append(",".join(f"{value:.4f}" for value in row) + (f",{CLASSES[said[k]]}" if said is not None else ""))
    file.write_text("\n".join(lines) + "\n")
    return file


def words(folder: Path, labels: str = "none", methods: str = "coral,subspace_alignment") -> list[str]:
    source = table(folder / "a.csv", 90, 0.0, "true", 0)
    target = table(folder / "b.csv", 60, 1.0, labels, 1)
    return [
        "data=features",
        f"data.source={source}",
        f"data.target={target}",
        "budget=10min",
        f"methods={methods}",
        f"output={folder / 'runs'}",
    ]


# --- from two files to a choice


def test_two_files_lead_to_a_choice_with_commands_that_run_and_predictions(tmp_path, capsys):
    command = words(tmp_path)
    assert entry.choose(command) == 0
    said = capsys.readouterr().out
    assert said.startswith("Choosing by a label-free rule loses")
    assert "target b: 60 samples of 3 features; labels: none" in said
    assert "which the data cannot show" in said
    assert "3 can run, in this order: unadapted, " in said  # the baseline comes along, and begins
    repeated = re.findall(r"^  python scripts/train.py (.*)$", said, re.MULTILINE)
    assert len(repeated) == 3
    predictions = Path(re.search(r"^predictions: (.*)$", said, re.MULTILINE)[1])
    assert predictions.is_file()
    choice = re.search(r"^choice: (.*)$", said, re.MULTILINE)[1]
    assert f"method={choice} " in repeated[0]
    with np.load(predictions.with_name("predictions.npz")) as found:
        assert len(found["predicted"]) == 60  # every row of the target
    assert train.train(shlex.split(repeated[0])) == 0
    again = capsys.readouterr().out
    assert again.startswith("skipped")
    assert str(predictions.parent) in again
    new = re.search(r"^new samples: python scripts/predict.py (.*) data=FILE$", said, re.MULTILINE)[1]
    (tmp_path / "third.csv").write_bytes((tmp_path / "b.csv").read_bytes())
    assert predict([*shlex.split(new), f"data={tmp_path / 'third.csv'}", f"output={tmp_path / 'out.csv'}"]) == 0
    assert (tmp_path / "out.csv").read_bytes() == predictions.read_bytes()  # the same rows, so the same table

    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("record.json")}
    assert len(before) == 3
    assert entry.choose(command) == 0  # goes on where it stopped: nothing is run again
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("record.json")}
    assert f"choice: {choice}" in capsys.readouterr().out


def scores(folder: Path) -> dict[str, object]:
    """All that a choice is made of, by method."""
    found = {}
    for file in sorted(folder.rglob("record.json")):
        made = json.loads(file.read_text())
        with np.load(file.with_name("predictions.npz")) as saved:
            predicted = saved["predicted"].tolist()
        epochs = [{k: v for k, v in e["scores"].items() if not k.startswith("oracle_")} for e in made["epochs"]]
        found[made["method"]] = epochs, predicted
    return found


def ranking(said: str) -> list[list[str]]:
    """The lines of the printed table without seconds."""
    lines = said.partition("-----\n")[2].partition("\n\n")[0].splitlines()
    return [[word for k, word in enumerate(line.split()) if k != 3] for line in lines]


def test_garbage_labels_of_the_target_change_nothing(tmp_path, capsys):
    said = {}
    for labels in ("true", "garbage"):
        (tmp_path / labels).mkdir()
        assert entry.choose(words(tmp_path / labels, labels, "coral,ot_linear,bbse")) == 0
        said[labels] = capsys.readouterr().out
        assert "labels: there, and not looked at" in said[labels]
    assert scores(tmp_path / "true") == scores(tmp_path / "garbage")
    assert len(ranking(said["true"])) == 4
    assert ranking(said["true"]) == ranking(said["garbage"])
    data = [text.partition("DATA")[2].partition("METHODS")[0] for text in said.values()]
    assert data[0] == data[1]
    assert "target test" not in said["true"]  # no accuracy on target labels is told before the choice


# --- what runs


@pytest.fixture
def planned_only(monkeypatch):
    """Runs do not run; what is planned is kept, and outcomes are made up."""
    planned = []

    def install(outcomes):
        def run(jobs, launcher, status, done):
            for job in jobs:
                planned.append(job)
                outcome = outcomes(job)
                if outcome is None:
                    raise KeyboardInterrupt
                done(job, outcome)

        monkeypatch.setattr(budget, "run", run)
        return planned

    return install


def save_predictions(directory: Path, predicted) -> None:
    np.savez(directory / "predictions.npz", logits=np.zeros((len(predicted), 3)), predicted=predicted, classes=CLASSES)


def outcome_of(job, folder: Path, score: float | None):
    """A made-up finished run."""
    from da.results.record import Record, Status
    from da.results.schema import Epochs, EvaluatedEpoch, Selected

    directory = folder / "made_up" / job.title
    directory.mkdir(parents=True, exist_ok=True)
    save_predictions(directory, np.zeros(4, int))
    epoch = EvaluatedEpoch(epoch=1, source_test={"accuracy": 88.0}, scores={"class_ami": score})
    made = Record(
        status=Status.FINISHED,
        method=job.title,
        data="features",
        seed=0,
        config=job.plan.config,
        selection={"class_ami": Selected(1, score)},
        epochs=Epochs([epoch]),
    )
    return Outcome("finished", "", str(directory), made)


def test_a_run_that_fails_does_so_alone(tmp_path, capsys, planned_only):
    planned_only(lambda job: Outcome("failed", "It broke.") if job.title == "coral" else outcome_of(job, tmp_path, 0.5))
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 0
    said = capsys.readouterr().out
    assert "unadapted, which does not adapt, ranks first itself" in said
    assert "1 failed (coral); rerun=failed tries them again" in said
    assert "coral" not in said.partition("RANKING")[2].partition("The first")[0]


@pytest.mark.parametrize(
    ("now", "kind", "again"),
    [
        ("budget=20min", "timeout", True),
        ("launcher.timeout=151", "timeout", True),
        ("budget=10min", "timeout", False),
        ("budget=5min", "timeout", False),
        ("budget=20min", "crashed", False),
    ],
)
def test_a_run_that_took_too_long_is_tried_again_where_it_may_take_longer(now, kind, again, tmp_path, planned_only):
    planned = planned_only(lambda job: outcome_of(job, tmp_path, 0.5))
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 0
    plan = next(job.plan for job in planned if job.title == "coral")
    assert plan.config["launcher"]["timeout"] == 150.0  # a quarter of ten minutes
    directory = directory_of(plan, load(plan)[1])
    write_failure(directory, plan, kind, "It took longer.", "")
    planned.clear()
    assert entry.choose([*words(tmp_path), "rule=class_ami", now]) == 0
    assert {job.title for job in planned if job.plan.config["rerun"] == "failed"} == ({"coral"} if again else set())


def test_a_run_that_took_too_long_is_tried_again_where_nobody_knows_what_it_might(tmp_path, planned_only):
    planned = planned_only(lambda job: outcome_of(job, tmp_path, 0.5))
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 0
    plan = next(job.plan for job in planned if job.title == "coral")
    unknown = replace(plan, config=plan.config | {"launcher": plan.config["launcher"] | {"timeout": None}})
    write_failure(directory_of(plan, load(plan)[1]), unknown, "timeout", "It took longer.", "")
    planned.clear()
    assert entry.choose([*words(tmp_path), "rule=class_ami", "budget=1min"]) == 0
    assert [job.title for job in planned if job.plan.config["rerun"] == "failed"] == ["coral"]


def test_a_record_of_a_later_version_is_left_to_its_own_run(tmp_path, planned_only):
    planned = planned_only(lambda job: outcome_of(job, tmp_path, 0.5))
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 0
    plan = next(job.plan for job in planned if job.title == "coral")
    directory = directory_of(plan, load(plan)[1])
    directory.mkdir(parents=True)
    (directory / "record.json").write_text(json.dumps({"schema": 999}))
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 0
    assert len(planned) == 6


def test_nothing_is_chosen_where_no_run_finished(tmp_path, capsys, planned_only):
    planned_only(lambda job: Outcome("failed", "It broke."))
    assert entry.choose(words(tmp_path)) == 1
    assert "nothing to choose from" in capsys.readouterr().err


def test_an_interrupted_choice_ranks_what_is_there(tmp_path, capsys, planned_only):
    planned = planned_only(lambda job: outcome_of(job, tmp_path, 0.5) if job.title == "unadapted" else None)
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 130
    said = capsys.readouterr().out
    assert "interrupted: 1 did not begin" in said
    assert "choice: unadapted" in said
    assert planned[0].title == "unadapted"


def test_all_of_an_unlabelled_target_is_adapted_to_unless_one_says_otherwise(tmp_path, capsys, planned_only):
    planned = planned_only(lambda job: outcome_of(job, tmp_path, 0.5))
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 0
    assert planned[0].plan.config["data"]["test_fraction"] == 0
    planned.clear()
    assert entry.choose([*words(tmp_path, "true"), "rule=class_ami", "data.test_fraction=0.5"]) == 0
    assert planned[0].plan.config["data"]["test_fraction"] == 0.5
    assert "splits a labelled target by its labels" in capsys.readouterr().err


MISTAKES = {
    "rule=oracle_accuracy": "reads target labels",
    "rule=last": "scores an epoch by its number, which says nothing of methods",
    "rule=infomx": "did you mean 'infomax'",
    "budget=3": "write a number above 0 and its unit",
    "budgt=3s": "did you mean 'budget'",
    "methods=corl": "did you mean 'coral'",
    "method=coral": "use methods=A,B",
    "selection=last": "use rule=NAME",
    "-m": "leave out the options",
    "classifier=on_nn": "did you mean 'one_nn'",
    "data.sorce=x.csv": "did you mean 'source'",
    "launcher=in_process": "processes of this machine",
}


@pytest.mark.parametrize(("word", "hint"), MISTAKES.items(), ids=MISTAKES)
def test_mistakes_are_refused_in_a_sentence(word, hint, tmp_path, capsys):
    assert entry.choose([*words(tmp_path), word]) == 2
    said = capsys.readouterr().err
    assert hint in said
    assert said.startswith("choose: ")
    assert not (tmp_path / "runs").exists()


def test_without_committed_tables_a_rule_must_be_named(tmp_path, capsys, monkeypatch, planned_only):
    monkeypatch.setattr(results_page, "RESULTS", tmp_path / "absent")
    planned_only(lambda job: outcome_of(job, tmp_path, 0.5))
    assert entry.choose(words(tmp_path)) == 2
    assert "name one with rule=NAME" in capsys.readouterr().err
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("DATA")
    assert "choice: unadapted" in said


def test_help_says_what_there_is(capsys):
    assert entry.choose(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"{key}=" in said for key in entry.OWN)


# --- which methods can run


def task(width: int = 3, labels: str = "both"):
    rng = np.random.default_rng(0)
    y = np.arange(12) % 3
    source = Raw(rng.normal(size=(12, 3)), y if labels != "none" else None, "a")
    target = Raw(rng.normal(size=(12, width)), y if labels == "both" else None, "b")
    return assemble([source], target, test_fraction=0.0, validation_fraction=0.0, split_seed=0)


@pytest.mark.parametrize(
    ("needs", "data", "named", "said"),
    [
        (Access(source_y=ALL, target_x=True), {}, False, ""),
        (Access(source_y=ALL, target_x=True, sources=MANY), {}, False, ""),
        (Access(source_y=ALL, target_x=True), {"labels": "none"}, False, "all source labels"),
        (Access(source_y=ALL, target_x=True), {"width": 4}, False, "one feature space"),
        (Access(source_y=ALL, target_y=FEW), {}, False, "need target labels"),
        (Access(source_y=ALL, target_y=FEW), {}, True, ""),
        (Access(source_y=ALL, target_y=FEW), {"labels": "source"}, True, "need target labels"),
        (Access(source_x=False, target_y=ALL), {}, True, "need target labels"),
        (Access(source_y=ALL, target_y=FEW, spaces=DIFFERENT), {"width": 4}, True, ""),
        (Access(target_x=True), {}, True, "no names"),
    ],
)
def test_methods_are_left_out_for_what_they_lack(needs, data, named, said):
    found = lacking(task(**data), needs, named=named)
    assert said in found
    assert bool(found) == bool(said)


def test_baselines_begin_then_closed_form_methods_by_average_rank():
    entries = catalog.entries("method")
    plans = {name: plan_of(entries[name]) for name in ("dann", "coral", "source_only", "pca", "gfk", "unadapted", "pooled")}  # fmt: skip
    known = Experience({"gfk": 0.1, "coral": 0.6, "unadapted": 0.9}, [])
    found = candidates(plans, {"they cannot": ["kmm"]}, task(), [], known)
    assert list(found.plans) == ["unadapted", "gfk", "pca", "coral", "source_only", "dann"]
    assert found.left_out == {"they cannot": ["kmm"], entry.UNLABELLED: ["pooled"]}


def plan_of(method):
    from da.config.validate import Plan

    return Plan({}, method, catalog.entries("data")["features"])


def test_the_listing_names_all_with_reasons():
    said = listing(Runnable({"coral": None}, {"they cannot": ["kmm", "kliep"]}))
    assert said == "  1 can run, in this order: coral\n  left out, as they cannot: kmm, kliep"


# --- what is said of the data


def test_what_is_said_of_the_data_counts_no_target_label():
    both, one = task(), task(labels="source")
    said, other = (look.look(t).replace("there, and not looked at", "none") for t in (both, one))
    assert said == other
    assert "12 samples of 3 features" in said
    assert "3 classes: 0 33.3 %, 1 33.3 %, 2 33.3 %" in said
    assert "two-sample test of p(x): p = " in said


def shifted(target_counts):
    """Three classes that hardly overlap, alike but for their shares, 50, 30 and 20 % in the source."""
    rng = np.random.default_rng(0)
    source, target = (
        Raw(3.0 * MEANS[y := np.repeat(np.arange(3), counts)] + rng.normal(size=(len(y), 3)), y, name)
        for name, counts in (("a", (100, 60, 40)), ("b", target_counts))
    )
    return assemble([source], target, test_fraction=0.0, validation_fraction=0.0, split_seed=0)


def test_class_shares_of_the_target_stand_in_their_interval_beside_those_of_the_source():
    said = look.look(shifted((20, 20, 160)))
    number = r"(\d+\.\d)"
    line = rf"  (\d) +{number}  \(95 % interval {number} to {number}; source {number}\)"
    found = {int(k): tuple(map(float, rest)) for k, *rest in re.findall(line, said)}
    assert list(found) == [0, 1, 2]
    for k, (true, given) in enumerate(((10.0, 50.0), (10.0, 30.0), (80.0, 20.0))):
        share, low, high, source = found[k]
        assert share == pytest.approx(true, abs=1.0)
        assert low < share < high
        assert low < true - 2.0 < true + 2.0 < high
        assert source == given


def test_class_shares_of_one_target_sample_are_not_told():
    said = look.look(shifted((1, 0, 0)))
    assert "Class shares of a target of 1 sample have no interval that could be trusted; give at least 20." in said
    assert "95 % interval" not in said


def test_domains_that_were_standardised_each_by_itself_are_spoken_of():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 5)), rng.normal(3.0, 2.0, size=(200, 5))
    classes = np.arange(200) % 2

    def said(*parts: np.ndarray) -> str:
        source, target = (Raw(part, classes, name) for part, name in zip(parts, "ab", strict=True))
        fractions = {"test_fraction": 0.0, "validation_fraction": 0.0}
        return look.look(assemble([source], target, **fractions, split_seed=0))

    assert "probably standardised by itself" in said(*((z - z.mean(0)) / z.std(0) for z in (x, y)))
    assert "standardised" not in said(x, y)
    assert "p = 0.002" in said(x, y)


def test_domains_of_different_widths_are_not_compared():
    said = look.look(task(width=4))
    assert "differ in width" in said
    assert "two-sample" not in said


def test_sources_without_labels_have_no_class_shares():
    said = look.look(task(labels="none"))
    assert "labels: none" in said
    assert "label shift" not in said


# --- how runs are ranked


@pytest.fixture
def made(tmp_path):
    def make(method: str, score: float | None, predicted: list[int], csv: bool = False) -> Ranked:
        directory = tmp_path / method
        directory.mkdir()
        save_predictions(directory, np.array(predicted))
        if csv:
            (directory / "predictions.csv").write_text("row,predicted\n")
        return Ranked(method, directory, score, 90.0, 1.5, epoch=1, last_epoch=1, last_score=score)

    return make


def test_the_highest_score_is_first_and_none_last(made):
    runs = [made("unadapted", 0.2, [0]), made("tca", None, [0]), made("coral", 0.9, [0]), made("gfk", 0.3, [0])]
    assert [run.method for run in ranked.ordered(runs)] == ["coral", "gfk", "unadapted", "tca"]


def test_agreement_is_the_share_of_equal_predictions(made):
    first, other, less = made("coral", 0.9, [0, 1, 2, 2]), made("gfk", 0.3, [0, 1, 1, 2]), made("tca", 0.1, [0, 1])
    runs = [first, other, less]
    assert Answers.of(runs).agreements() == [1.0, 0.75, None]
    *_, last, shorter = ranked.table(runs, "infomax", Answers.of(runs)).splitlines()
    assert last.split() == ["gfk", "0.3000", "90.0", "1.5", "75.0"]
    assert shorter.split()[-1] == "-"


def test_the_baseline_is_always_spoken_of(made):
    coral, unadapted = made("coral", 0.9, [0]), made("unadapted", 0.2, [0])
    assert ranked.verdict([coral, unadapted], "r") == ["Without adaptation unadapted ranks 2 of 2."]
    first = unadapted._replace(score=0.95)
    assert "ranks first itself" in ranked.verdict([first, coral], "r")[0]
    assert "nothing to compare with" in ranked.verdict([coral], "r")[0]


def test_ties_and_labels_are_spoken_of(made):
    runs = [made("coral", 0.9, [0]), made("gfk", 0.9, [0]), made("pooled", 0.3, [0]), made("unadapted", 0.2, [0])]
    said = ranked.verdict(runs, "r")
    assert said[0] == "gfk has the same score: the rule knows no better."
    assert said[1] == "pooled took a few target labels, which the others had not."
    assert "scored no run" in ranked.verdict([runs[0]._replace(score=None)], "r")[0]


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"PK")], ids=["missing", "damaged"])
@pytest.mark.parametrize("lost", ["coral", "gfk"])
def test_a_run_whose_predictions_cannot_be_read_is_ranked_all_the_same(made, damage, lost):
    runs = [made("coral", 0.9, [0, 1]), made("gfk", 0.3, [0, 1]), made("unadapted", 0.2, [0, 0])]
    (file,) = (run.predictions for run in runs if run.method == lost)
    damage(file)
    said = ranked.report(runs, "infomax", [], 3)
    assert f"The predictions of {file.parent} are " in said
    assert "(predictions.npz); rerun=all makes them again." in said
    assert "choice: coral" in said
    agreed = [line.split()[-1] for line in said.partition("-----\n")[2].splitlines()[:3]]
    assert agreed == {"coral": ["-", "-", "-"], "gfk": ["100.0", "-", "50.0"]}[lost]
    assert f"predictions: {file}" not in said or file.exists()


def test_a_run_is_ranked_by_the_epoch_that_the_rule_chose_and_the_last_one_is_spoken_of(tmp_path):
    runs = {
        method: Ranked.of(unlabelled(tmp_path, method, {"infomax": scores}), tmp_path / f"{method}-0", "infomax")
        for method, scores in {"dann": [0.2, 0.95, 0.9297], "cdan": [0.9, 0.1], "unadapted": [0.1]}.items()
    }
    assert runs["dann"][2:4] == (0.95, 71.0)  # the score and the source's accuracy
    said = ranked.report(list(runs.values()), "infomax", [], 3)
    assert (
        "\ndann's score is of epoch 2 of 3, which infomax chose; its predictions and its model are of the last epoch, "
        "where infomax is 0.9297.\n"
    ) in said
    assert "\ncdan is likewise ranked by an epoch before the last, which infomax chose; predictions, " in said
    fewer = ranked.report(list(runs.values()), "infomax", [], 1)  # cdan is not among the first
    assert "dann's score is of epoch 2 of 3" in fewer
    assert "likewise" not in fewer
    assert "last epoch" not in ranked.report([runs["unadapted"]], "infomax", [], 3)


def test_where_nothing_is_scored_nothing_is_chosen(tmp_path, capsys, planned_only):
    planned_only(lambda job: outcome_of(job, tmp_path, None))
    assert entry.choose([*words(tmp_path), "rule=class_ami"]) == 1
    said = capsys.readouterr().out
    assert "class_ami scored no run, so that the order says nothing" in said
    assert said.splitlines()[-1] == "choice: none"
    assert "python scripts/train.py method=unadapted " in said


def test_the_table_of_predictions_is_named_where_there_is_one(made):
    assert made("coral", 0.9, [0], csv=True).predictions.name == "predictions.csv"
    assert made("gfk", 0.9, [0]).predictions.name == "predictions.npz"
