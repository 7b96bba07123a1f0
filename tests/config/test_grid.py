"""What runs a command line with ``-m`` asks for: pairs of domains, several targets, rows of a file, combinations."""

import pytest

from da.cli import train as entry
from da.config import catalog
from da.config.compose import expand
from da.errors import ConfigError

pytestmark = pytest.mark.versions

OFFICE = ["method=unadapted", "data=office_caltech10", "classifier=one_nn"]


def pairs(*words):
    made = expand(list(words), multirun=True)
    return [(plan.config["data"]["source"], plan.config["data"]["target"]) for plan in made.plans]


def refusal(*words):
    with pytest.raises(ConfigError) as refused:
        expand(list(words), multirun=True)
    assert "\n" not in str(refused.value)
    return str(refused.value)


FOUR = ["amazon", "caltech10", "dslr", "webcam"]


def test_all_ordered_pairs_of_a_data_sets_domains():
    assert pairs(*OFFICE, "data.pairs=all") == [(a, b) for a in FOUR for b in FOUR if a != b]
    assert pairs(*OFFICE, "data.pairs=both") == pairs(*OFFICE, "data.pairs=all")
    forward = [(a, b) for a in FOUR for b in FOUR if a < b]
    assert pairs(*OFFICE, "data.pairs=forward") == forward
    assert set(pairs(*OFFICE, "data.pairs=backward")) == {(b, a) for a, b in forward}
    assert len(pairs(*OFFICE, "data.pairs=all", "seed=0", "data.normalize=zscore,none")) == 24


def test_pairs_of_some_domains_without_others():
    some = ["data.pairs.of=[webcam,amazon,dslr]"]
    assert pairs(*OFFICE, *some, "data.pairs.order=forward") == [("webcam", "amazon"), ("webcam", "dslr"), ("amazon", "dslr")]  # fmt: skip
    without = [("amazon", "webcam"), ("amazon", "dslr"), ("dslr", "amazon")]
    assert pairs(*OFFICE, *some, "data.pairs.exclude=[webcam:amazon,webcam:dslr,[dslr,webcam]]") == without
    assert pairs(*OFFICE, "data.pairs={of:[webcam,amazon,dslr],exclude:[webcam]}") == without[1:]


def test_domains_are_those_of_each_data_set():
    made = expand(["method=unadapted", "data=pacs,mnist2000_usps1800", "data.pairs=all"], multirun=True)
    assert len(made.plans) == 12 + 2
    files = ["method=unadapted", "data=features", "data.pairs.of=['runs/a=1.npz',b.npz]"]
    assert pairs(*files) == [("runs/a=1.npz", "b.npz"), ("b.npz", "runs/a=1.npz")]
    users = ["method=unadapted", "data=wisdm", "data.pairs.of=[3,5]", "data.pairs.exclude=3:5"]
    assert pairs(*users) == [(5, 3)], "numbers stay numbers"


def test_folders_of_images_are_domains(tmp_path):
    for name in ("studio/cup", "phone/cup", "notes"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.png").touch()
    (tmp_path / "empty").mkdir()
    given = ["method=unadapted", "data=image_folder", f"data.root={tmp_path}", "data.pairs=all"]
    assert pairs(*given, "data.pairs.exclude=notes") == [("phone", "studio"), ("studio", "phone")]


def test_every_data_set_that_takes_a_source_by_name_knows_its_domains():
    for entry_ in catalog.entries("data").values():
        known = {"source", "target"} <= entry_.signature.keywords().keys()
        if known and "named_by_files" not in entry_.signature.constants and entry_.name != "image_folder":
            domains = catalog.build(entry_.config).domains()
            assert len(set(domains)) == len(domains) > 1
            assert {entry_.config["source"], entry_.config["target"]} <= set(domains), entry_.name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.pairs=al"], "did you mean 'all'"),
        (["data.pairs.ordr=forward"], "did you mean 'order'"),
        (["data.pairs.order=forwards"], "did you mean 'forward'"),
        (["data.pairs={of:[amazon]}"], "two domains or more"),
        (["data.pairs.of=[amazon,dsrl]"], "did you mean 'dslr'"),
        (["data.pairs.exclude=[dslr:amazn]"], "none of the pairs; write SOURCE:TARGET"),
        (["data.pairs.exclude=dslr,webcam"], "put them in brackets: data.pairs.exclude=[...]"),
        (["data.pairs=all", "data.source=amazon"], "leave out data.source=amazon"),
        (["data.pairs=all", "data={target:amazon}"], "leave out data={target:amazon}"),
        (["data.pairs.of=[amazon,dslr]", "data.pairs.exclude=amazon"], "leaves no pair"),
        (["data.target=[]"], "names no target"),
    ],
)
def test_pairs_that_are_misspelt(words, message):
    assert message in refusal(*OFFICE, *words)


def test_data_without_domains_cannot_be_paired():
    assert "name them: data.pairs.of=" in refusal("data=toy", "data.pairs=all")


def test_several_targets_are_a_run_each_and_a_source_is_left_out():
    made = expand([*OFFICE, "data.source=amazon", "data.target=[amazon,dslr,webcam]"], multirun=True)
    assert [plan.config["data"]["target"] for plan in made.plans] == ["dslr", "webcam"]
    assert made.refused == ("data=office_caltech10: data.source and data.target are both 'amazon'; name two different domains.",)  # fmt: skip


def test_domains_that_equal_their_source_are_left_out():
    made = expand([*OFFICE, "data.source=amazon,dslr", "data.target=amazon,dslr"], multirun=True)
    assert [(p.config["data"]["source"], p.config["data"]["target"]) for p in made.plans] == [("amazon", "dslr"), ("dslr", "amazon")]  # fmt: skip
    assert len(made.refused) == 2
    assert all("name two different domains" in reason for reason in made.refused)


FILE = """
zip:
  method: [dann, cdan]
  method.weight: [0.1, 0.05]
grid:
  seed: [0, 1, 2]
exclude:
  - {method: cdan, seed: 2}
"""


def test_a_file_of_lists_that_go_together_combinations_and_exclusions(tmp_path):
    file = tmp_path / "grid.yaml"
    file.write_text(FILE)
    made = expand([f"runs={file}", "data=toy,digits"], multirun=True).plans
    found = [(p.data.name, p.method.name, p.config["method"]["weight"], p.config["seed"]) for p in made]
    ones = [("dann", 0.1, 0), ("dann", 0.1, 1), ("dann", 0.1, 2), ("cdan", 0.05, 0), ("cdan", 0.05, 1)]
    assert found == [(data, *one) for data in ("toy", "digits") for one in ones]


def test_a_file_may_list_runs_one_by_one_with_any_value(tmp_path):
    file = tmp_path / "runs.yaml"
    file.write_text("""
- {method: unadapted, data: features, data.source: "a=1, b's.npz", data.target: b.npz, clip: null}
- {method: unadapted, data: features, data.source: [a.npz, c.npz], data.target: [d.npz, e.npz], optimizer.lr: 1e-3}
- {method: unadapted, data: office_caltech10, data.pairs: forward}
""")
    made = [plan.config for plan in expand([f"runs={file}"], multirun=True).plans]
    assert [(c["data"]["source"], c["data"]["target"]) for c in made[:3]] == [
        ("a=1, b's.npz", "b.npz"), (["a.npz", "c.npz"], "d.npz"), (["a.npz", "c.npz"], "e.npz"),
    ]  # fmt: skip
    assert (made[0]["clip"], made[1]["optimizer"]["lr"]) == (None, 0.001)
    assert len(made) == 3 + 6


def test_a_list_in_an_exclusion_stands_for_any_of_its_values(tmp_path):
    file = tmp_path / "runs.yaml"
    excluded = "exclude:\n  - {method: [coral, tca], data.shift: rotation}\n"
    file.write_text(f"grid: {{method: [coral, tca, pca], seed: [0, 1]}}\n{excluded}")
    found = expand([f"runs={file}", "data=toy", "data.shift=rotation,subspace"], multirun=True).plans
    assert [p.method.name for p in found if p.config["data"]["shift"] == "rotation"] == ["pca"]
    assert len(found) == 1 + 3


def test_an_exclusion_sees_the_pairs_and_the_command_line(tmp_path):
    file = tmp_path / "runs.yaml"
    file.write_text("exclude:\n  - {data.source: amazon, data.normalize: none}\n  - {data.target: dslr}\n")
    found = pairs(*OFFICE, "data.pairs=all", "data.normalize=none,zscore", f"runs={file}")
    assert len(found) == 2 * 12 - 3 - 6 + 1, "one of three pairs from amazon leads to dslr"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no runs"),
        ("3", "holds no runs"),
        ("seed", "has a part 'seed'; known: exclude, grid, runs, zip"),
        ("{", "is no YAML"),
        ("- &a {method: coral, x: *a}", "has an alias within what it stands for; write it out"),
        ("- {method: no}", "takes a bare yes or no for a truth value; quote that of method"),
        ("grid: {method: [coral, off]}", "quote that of method"),
        ("rnus: []", "did you mean 'runs'"),
        ("runs: {seed: 0}", "must be a list of mappings"),
        ("- 3", "must be a list of mappings"),
        ("grid: {seed: 0}", "a list of values for each key"),
        ("grid: [seed]", "a list of values for each key"),
        ("zip: {seed: [0, 1], clip: [1]}", "one length; seed has 2, clip has 1"),
        ("runs: [{seed: 0}]\nzip: {seed: [1]}", "both runs and zip"),
        ("runs: [{seed: 0}]\ngrid: {seed: [1]}", "sets seed in grid and in its other runs"),
        ("runs: [{seed: 0}]\nexclude: [{sede: 0}]", 'exclude {"sede": 0} matches no run'),
        ("runs: [{seed: 0}]\nexclude: [{seed: 0}]", "leaves no run"),
        ("- {sede: 0}", "did you mean 'seed'"),
        ("- {method: 'dann,cdan'}", "There is no method=dann,cdan"),
        ("- {data: features}", "data is given twice"),
    ],
)
def test_files_of_runs_that_are_wrong(tmp_path, text, message):
    file = tmp_path / "grid.yaml"
    file.write_text(text)
    assert message in refusal(f"runs={file}", "data=toy")


def test_a_file_of_runs_that_is_missing(tmp_path):
    assert "cannot be read (No such file or directory)" in refusal(f"runs={tmp_path}/no.yaml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method=glob(no*such)"], "method=glob(no*such) stands for no value; method has aligned_autoencoder"),
        (["seed=glob(*)"], "stands for no value"),
        (["seed=range(3,1)"], "seed=range(3,1) stands for no value"),
        (["seed=range(0,1,0)"], "stands for no value"),
        (["optimizer.lr=range(0.0,1.0,0.0)"], "stands for no value"),
        (["seed=shuffle()"], "stands for no value"),
        (["seed=choice()"], "empty choice"),
        (["seed=sort()"], "empty sort"),
        (["seed=range(10000000)"], "more than 100000 values"),
        (["seed=range(1000)", "shots=range(1,1000)"], "999000 runs, more than 100000"),
        (["method.weight=interval(0,1)"], "sweep=optuna searches the ranges"),
        (["seed=0,1", "seed=2"], "seed is given twice"),
        (["method=dann,cdan", "method=mcd"], "method is given twice"),
        (["seed=[0,1]"], "seed"),
    ],
)
def test_values_that_cannot_be_swept(words, message):
    assert message in refusal("data=toy", *words)


def test_functions_of_hydras_grammar():
    def swept(word):
        return [plan.config["seed"] for plan in expand(["data=toy", word], multirun=True).plans]

    assert swept("seed=range(3)") == [0, 1, 2]
    assert swept("seed=choice(4,2)") == [4, 2]
    assert swept("seed=sort(4,2)") == [2, 4]
    assert sorted(swept("seed=shuffle(4,2,9)")) == [2, 4, 9]
    assert len(expand(["data=toy", "method=glob(*an,exclude=c*)"], multirun=True).plans) > 1


def test_a_run_asked_for_twice_runs_once_and_that_is_said():
    made = expand(["data=toy", "seed=1,2,1"], multirun=True)
    assert [plan.config["seed"] for plan in made.plans] == [1, 2]
    assert made.once == ("1 of 3 runs were asked for twice",)


def test_dictionaries_are_merged_and_swept_as_hydra_does():
    given = [*OFFICE, "data={source:amazon,target:webcam},{source:webcam,target:dslr}", "data.normalize=none"]
    assert pairs(*given) == [("amazon", "webcam"), ("webcam", "dslr")]
    (plan,) = expand(["method=dann", "data=toy", "trainer={max_epochs:1}"], multirun=False).plans
    (dotted,) = expand(["method=dann", "data=toy", "trainer.max_epochs=1"], multirun=False).plans
    assert plan == dotted
    assert "There is no key 'trainer.max_epoch'; did you mean 'max_epochs'" in refusal("trainer={max_epoch:1}")


def test_null_is_none_of_a_group_and_the_last_word_counts():
    def features(*words):
        return [plan.config.get("features") for plan in expand(["data=digits", *words], multirun=True).plans]

    without, frozen = features("features=null,squeezenet")
    assert without is None
    assert frozen is not None
    assert features("features=squeezenet", "features=null") == [None]
    assert features("features=null", "features=squeezenet") == [frozen]
    assert "Every run has a method" in refusal("method=null")


def test_null_also_undoes_what_an_experiment_chooses(tmp_path, monkeypatch):
    import shutil

    shutil.copytree(catalog.CONF, tmp_path / "conf")
    text = "# @package _global_\ndefaults:\n  - override /features: squeezenet\nseed: 7\n"
    (tmp_path / "conf/experiment/mine.yaml").write_text(text)
    monkeypatch.setattr(catalog, "CONF", tmp_path / "conf")
    (chosen,) = expand(["experiment=mine"], multirun=False).plans
    (without,) = expand(["experiment=mine", "features=null"], multirun=False).plans
    (plain,) = expand(["experiment=mine", "experiment=null"], multirun=False).plans
    assert "features" in chosen.config
    assert "features" not in without.config
    assert (chosen.config["seed"], without.config["seed"], plain.config["seed"]) == (7, 7, 0)


def test_a_sweep_over_pairs_runs_them(tmp_path, capsys):
    from numpy import random, savez

    for name in "abc":
        savez(tmp_path / f"{name}.npz", x=random.default_rng(0).normal(size=(40, 3)) + ord(name), y=[0, 1] * 20)
    of = ",".join(f"{tmp_path}/{name}.npz" for name in "abc")
    given = ["-m", "method=unadapted", "data=features", f"data.pairs.of=[{of}]", f"data.pairs.exclude={tmp_path}/c.npz",
             f"output={tmp_path}/runs", "launcher=in_process", "logger=none"]  # fmt: skip
    assert entry.train([*given, "--dry-run"]) == 0
    assert "2 runs: 2 to run" in capsys.readouterr().out
    assert entry.train(given) == 0
    assert "2 finished" in capsys.readouterr().out
    assert entry.train([*given, "--dry-run"]) == 0
    assert "2 runs: 2 finished, skipped" in capsys.readouterr().out
