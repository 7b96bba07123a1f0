"""A run says which weights its network begins from."""

import time

import pytest
from small import SMALL

from da.config.compose import compose
from da.config.validate import validate
from da.engine import run as runs
from da.errors import ConfigError


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["network=resnet"], r"'network', .*network\.weights=FILE .*IMAGENET1K_V1.*or network\.weights=random if that"),
        (["network=squeezenet"], r"'network'.* network\.weights=random"),
        (["features=resnet"], r"'features'.*features\.network\.weights=FILE.* features\.network\.weights=random"),
        (
            ["features=saved"],
            r"'features'.*: give features\.weights=FILE \(a state dict\), or features\.weights=random",
        ),
        (["features=squeezenet", "features.network.weights=null"], r"features\.network\.weights=random"),
        (["features=squeezenet", "features.weights=random"], r"weights=random and .*squeezenet1_1\S* contradict each"),
        (["network=resnet", "network.weights=3"], r"network\.weights must be a file or a name or null, got 3"),
        (["network=resnet", "network.weights=''"], r"network\.weights must be a file or a name or null, got ''"),
        (["network=resnet", "network.weights=[a]"], r"network\.weights must be a file or a name"),
    ],
)
def test_random_weights_in_silence_are_refused_quickly(overrides, message) -> None:
    config = compose([*SMALL, *overrides])
    begun = time.process_time()
    with pytest.raises(ConfigError, match=message):
        validate(config)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "overrides",
    [
        ["network=resnet", "network.weights=random"],
        ["network=resnet", "network.weights=IMAGENET1K_V1"],
        ["network=resnet", "network.weights=nowhere.pt"],  # planned here, run elsewhere
        ["features=resnet", "features.network.weights=random"],
        ["features=resnet", "features.weights=a.pt"],  # of the whole network
        ["features=resnet", "features.weights=a.pt", "features.network.weights=b.pt"],
        ["features=saved", "features.weights=random"],
        ["features=squeezenet"],
        [],
    ],
)
def test_weights_that_are_given_are_as_good_as_random_ones_that_are_asked_for(overrides) -> None:
    validate(compose([*SMALL, *overrides]))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["network=resnet", "network.weights=no.pt"], r"network\.weights=no\.pt is no file, .*or a published name"),
        (["features=saved", "features.weights=no.pt"], r"features\.weights=no\.pt is no file"),
        (
            ["network=resnet", "network.depth=50", "network.weights=DEFAULT"],
            r"resnet50-11ad3fa6\.pth, which is not here",
        ),
        (
            ["features=resnet", "features.network.weights=DEFAULT"],
            r"features\.network\.weights=DEFAULT is the file resnet50",
        ),
    ],
)
def test_absent_files_are_told_of_before_anything_is_loaded_or_written(
    overrides, message, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(runs, "load", lambda plan: pytest.fail("the data were loaded"))
    with pytest.raises(ConfigError, match=message):
        runs.run(compose([*SMALL, *overrides, f"output={tmp_path / 'runs'}"]))
    assert not (tmp_path / "runs").exists()
