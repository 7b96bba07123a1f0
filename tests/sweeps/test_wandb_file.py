"""The sweep file of W&B: what it searches, and that each command it leads to is a valid configuration."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from da.config import catalog
from da.config.compose import compose
from da.config.validate import validate
from da.errors import ConfigError
from da.search_space import Range
from da.sweeps.wandb_file import sweep_file

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "wandb_sweep.py"


def written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *overrides: str) -> Any:
    """What the script prints, read as W&B reads it."""
    spec = importlib.util.spec_from_file_location("wandb_sweep", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *overrides])
    assert module.main() == 0
    return yaml.safe_load(capsys.readouterr().out)


def plan_of(sweep: dict[str, Any], values: dict[str, Any]) -> Any:
    """The validated configuration of the command that an agent makes with these values."""
    *program, last = sweep["command"]
    assert (program[:3], last) == (["${env}", "${interpreter}", "${program}"], "${args_no_hyphens}")
    return validate(compose([*program[3:], *(f"{key}={value}" for key, value in values.items())]))


@pytest.mark.parametrize("method", ["dann", "mcd", "deep_coral", "tsl", "pred", "ot_sinkhorn"])
def test_the_file_searches_the_space_and_its_commands_are_valid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    sweep = written(monkeypatch, capsys, f"method={method}", "data=digits")
    space = catalog.named("method", method).locate().search_space
    assert set(sweep["parameters"]) == {f"method.{key}" for key in space}
    for key, given in space.items():
        parameter = sweep["parameters"][f"method.{key}"]
        if isinstance(given, Range):
            assert (parameter["min"], parameter["max"]) == (given.low, given.high)
            assert parameter["distribution"] == ("log_uniform_values" if given.log else "uniform")
            samples = [parameter["min"], parameter["max"]]
            expected: list[Any] = [given.low, given.high]
        else:
            samples, expected = parameter["values"], list(given.values)
            assert len(samples) == len(expected)
        for sample, value in zip(samples, expected, strict=True):
            plan = plan_of(sweep, {f"method.{key}": sample})
            assert plan.config["method"][key] == value
            assert (plan.method.name, plan.data.name) == (method, "digits")
            assert plan.config["logger"]["_target_"].endswith(".wandb")
            assert plan.config["selection"] == "infomax"
            assert plan.config["rerun"] == "all", "a run that is found finished would say nothing to W&B"


def test_the_program_is_there() -> None:
    assert (SCRIPT.parents[1] / sweep_file(["method=dann"])["program"]).is_file()


def test_the_objective_is_free_of_labels_unless_named() -> None:
    assert sweep_file(["method=dann"])["metric"] == {"name": "selection/infomax", "goal": "maximize"}
    assert sweep_file(["method=dann", "objective=entropy"])["metric"]["name"] == "selection/entropy"
    assert sweep_file(["method=dann", "objective=oracle_accuracy"])["metric"]["name"] == "selection/oracle_accuracy"


def test_what_is_given_is_not_searched() -> None:
    sweep = sweep_file(["method=mcd", "method.weight=2.0", "seed=3", "logger.project=mine"])
    assert set(sweep["parameters"]) == {"method.generator_steps"}
    plan = plan_of(sweep, {"method.generator_steps": 2})
    assert (plan.config["method"]["weight"], plan.config["seed"], sweep["project"]) == (2.0, 3, "mine")


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["method=source_only"], "method=source_only has nothing to search"),
        (["method=dann", "method.weight=1.0"], "method=dann has nothing to search"),
        (["method=dann", "objective=infomx"], "did you mean 'infomax'"),
        (["method=dann", "objective=last"], "scores the number of the epoch"),
        (["method=dan", "method.wieght=1"], "did you mean 'weight'"),
    ],
)
def test_what_is_wrong_is_a_sentence(overrides: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        sweep_file(overrides)


def test_the_commands_are_those_of_wandb_itself() -> None:
    utils = pytest.importorskip("wandb.sdk.launch.sweeps.utils")
    made = utils.create_sweep_command_args({"args": {"method.weight": {"value": 0.5}}})
    assert made["args_no_hyphens"] == ["method.weight=0.5"]
