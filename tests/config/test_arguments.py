"""Command lines as people type them: what is meant is said, in one sentence, with the command that does it."""

import shlex
from pathlib import Path

import pytest
import torch
from small import SMALL

from da.cli import train as entry
from da.config import arguments, machine
from da.config.compose import expand
from da.errors import ConfigError

MEANT = {
    "--method dann": "method=dann",
    "--method=dann": "method=dann",
    "-method=dann": "method=dann",
    "--method dann --seed 1 -m": "method=dann seed=1 -m",
    "--trainer.max_epochs 3 data=toy": "trainer.max_epochs=3 data=toy",
    "method = dann": "method=dann",
    "method= dann data=toy": "method=dann data=toy",
    "method =dann": "method=dann",
    "-m method=dann, cdan data=toy": "-m method=dann,cdan data=toy",
    "-m method=dann ,cdan": "-m method=dann,cdan",
}


@pytest.mark.parametrize("typed", MEANT)
def test_spellings_of_other_programs_are_refused_with_the_command_that_was_meant(
    typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.train(typed.split()) == 2
    sentence = f"Write KEY=VALUE, without dashes before or spaces around it: python scripts/train.py {MEANT[typed]}"
    assert capsys.readouterr().err == f"train: {sentence}\n"
    assert arguments.read(MEANT[typed].split()).overrides == [w for w in MEANT[typed].split() if w != "-m"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("dann", "'dann' sets nothing; did you mean method=dann?"),
        ("xyz", "'xyz' sets nothing; write KEY=VALUE."),
        ("method", "'method' has no value; write method=VALUE."),
        ("--dryrun", "There is no option --dryrun; did you mean '--dry-run'?"),
        ("--lists", "did you mean '--list'?"),
        ("--metod=dann", "did you mean '--method'?"),
        ("=dann", "'=dann' sets nothing"),
        ("method=3", "There is no method=3"),
        ("method=[dann,cdan]", "sweep over them with -m method=dann,cdan"),
    ],
)
def test_words_that_set_nothing(typed: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.train(typed.split()) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


SEVERAL = [
    "method=dann,cdan data=toy",
    "method=choice(dann,cdan) data=toy",
    "data=toy seed=range(3)",
    "data=toy method=glob(*an)",
    "data=office_caltech10 data.pairs=all",
    "data=office_caltech10 data.pairs.of=[amazon,dslr]",
    "data=office_caltech10 data.target=[amazon,dslr]",
    "data=office_caltech10 data={target:amazon},{target:dslr}",
    "runs=grid.yaml",
    "sweep=optuna data=toy",
]


@pytest.mark.parametrize("typed", SEVERAL)
def test_a_forgotten_m_is_named_with_the_corrected_command(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.train(typed.split()) == 2
    said = capsys.readouterr().err
    assert "need -m: " in said
    corrected = shlex.split(said.split("need -m: ")[1])
    assert corrected == ["python", "scripts/train.py", "-m", *typed.split()]


def test_values_that_are_wrong_are_said_before_a_missing_m(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.train(["method.weight=interval(0,1)"]) == 2
    assert "is an interval" in capsys.readouterr().err


AWKWARD = ["runs/a=1.npz", "it's.npz", "a(1).npz", "a>b.npz", "a&b.npz", "a:b=c.npz", "a;b.npz", "a'b=c.npz", "x!.npz"]


@pytest.mark.parametrize("value", AWKWARD)
def test_a_value_that_hydra_cannot_read_is_shown_with_the_quotes_that_it_needs(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is shown, pasted into a shell, leads to the very value."""
    given = ["method=unadapted", "data=features", "data.target=b.npz"]
    assert entry.train([*given, f"data.source={value}"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    (word,) = shlex.split(said.rpartition("for the shell: ")[2])
    (plan,) = expand([*given, word], multirun=False).plans
    assert plan.config["data"]["source"] == value


def test_the_quotes_are_shown_readably_and_around_each_of_several(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.train(["data=features", "data.source=runs/a=1.npz"]) == 2
    assert """and for the shell: data.source="'runs/a=1.npz'"\n""" in capsys.readouterr().err
    assert entry.train(["-m", "data=features", "data.source=a=1.npz,b.npz"]) == 2
    assert """data.source="'a=1.npz',b.npz"\n""" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "sign"),
    [
        ("seed='0", "'"),
        ("data.source=[a=1.npz,b", "["),
        ("data={source:[a]", "{"),
        ('output="a', '"'),
    ],
)
def test_what_nothing_closes_is_named(word: str, sign: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.train(["method=coral", word]) == 2
    assert capsys.readouterr().err == f"train: {word} cannot be read: nothing closes its {sign}\n"


@pytest.mark.parametrize(
    ("word", "meant"), [("method=dann,", "dann"), ("method=dann,,cdan", "dann,cdan"), ("method=,dann", "dann")]
)
def test_a_comma_too_many_is_said(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.train(["-m", word]) == 2
    assert capsys.readouterr().err == f"train: {word} has a comma with no value beside it; write method={meant}.\n"


def test_a_list_of_what_no_group_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.train(["method=coral", "trainer=[1]"]) == 2
    assert capsys.readouterr().err.startswith("train: There is no trainer=1; known: cpu")


def test_hydras_own_options_are_handed_over() -> None:
    given = arguments.read(["--cfg", "job", "method=dann"])
    assert given.hydra
    assert arguments.read(["-m", "--dry-run", "seed=1"]) == arguments.Arguments(["seed=1"], True, True, False)


@pytest.mark.parametrize("words", [["hydra.run.dir=here"], ["-m", "hydra.sweep.dir=here"], ["+hydra.verbose=true"]])
def test_settings_of_hydra_that_would_change_nothing_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.train(words) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"train: {words[-1]} would change nothing")
    assert "output=FOLDER" in told


@pytest.mark.parametrize("words", [[], ["-m"]])
def test_a_refusal_under_hydras_launcher_is_a_refusal(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py"])
    asked = ["hydra/launcher=basic", "data=features", "data.source=no.csv", "data.target=none.csv", "method=coral"]
    assert entry.train([*words, *asked, f"output={tmp_path}"]) == 2
    assert "There is no 'no.csv'" in capsys.readouterr().err


def test_a_dry_run_refuses_what_the_run_would(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = ["method=coral", *SMALL, f"output={tmp_path / 'file'}"]
    assert entry.train([*words, "--dry-run"]) == entry.train(words) == 2
    plan, refusals = capsys.readouterr()
    assert plan.startswith("1 run: 1 to run")
    assert refusals.count("cannot be a folder") == 2


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many there are, in place of what PyTorch finds."""
    there = [0]
    monkeypatch.setattr(machine, "has_driver", lambda: there[0] > 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there[0] > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there[0])
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    return there


def test_an_accelerator_that_is_not_there_is_refused_before_anything_runs(
    gpus: list[int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for words in (["trainer=gpu"], ["-m", "trainer=cpu,gpu"]):
        assert entry.train([*words, *SMALL, f"output={tmp_path}"]) == 2
        assert "trainer.accelerator=gpu finds no GPU on this machine; use trainer=cpu" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    gpus[0] = 1
    assert entry.train(["trainer=gpu", "trainer.devices=2", *SMALL, f"output={tmp_path}"]) == 2
    assert "trainer.devices=2 are more GPUs than this machine's 1" in capsys.readouterr().err


def test_runs_that_are_sent_elsewhere_may_ask_for_what_is_not_here(gpus: list[int]) -> None:
    configs = [p.config for p in expand(["trainer=gpu", "data=toy", "launcher=submitit"], multirun=True).plans]
    machine.check_all(configs, launched=True)
    with pytest.raises(ConfigError, match="finds no GPU"):
        machine.check_all(configs, launched=False)
    gpus[0] = 2
    machine.check_all(configs, launched=False)


def test_a_reserved_key_of_a_dictionary_is_refused_with_its_reason_and_not_to_be_added() -> None:
    for word in ("trainer={fast_dev_run:true}", "trainer.fast_dev_run=true", "+trainer.fast_dev_run=true"):
        with pytest.raises(ConfigError, match=r"trainer\.fast_dev_run would end a run early"):
            expand(["method=dann", "data=toy", word], multirun=False)
