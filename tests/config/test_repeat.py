"""The command that repeats a run is read off its configuration, and leads to that configuration again."""

import shlex

import pytest

from da.config.compose import compose
from da.config.repeat import MACHINERY, command, overrides
from da.config.validate import validate
from da.errors import ConfigError

LINES = [
    [],
    ["method=coral", "data=toy", "data.shift=target", "method.regularization=0.00018273645091", "seed=3"],
    ["method=unadapted", "classifier=one_nn", "output=runs/two words"],
    ["method=kmm", "classifier=svm", "selection=infomax", "data.shift=rotation"],
    ["method=tca", "data=digits", "classifier._target_=sklearn.ensemble.RandomForestClassifier", "~classifier.C",
     "+classifier.n_estimators=7"],
    ["method=dann", "experiment=mnist_usps", "optimizer=sgd", "optimizer.lr=1e-05", "clip=2.5"],
    ["method=unadapted", "features=resnet", "features.weights=random", "sweep=null"],
    ["data=features", "data.source='a b,c.csv'", "data.target=b.csv", "data.drop=['x, y',z]"],
]  # fmt: skip


def composed(words):
    return {key: value for key, value in compose(words).items() if key not in MACHINERY}


@pytest.mark.parametrize("words", LINES, ids=lambda words: words[0] if words else "defaults")
def test_the_command_of_a_configuration_is_that_configuration(words):
    config = compose([word for word in words if not word.startswith(("~", "+"))])
    if any(word.startswith("~") for word in words):
        config["classifier"] = {"_target_": "sklearn.ensemble.RandomForestClassifier", "n_estimators": 7}
    again = shlex.split(command(config))
    assert again[:2] == ["python", "scripts/train.py"]
    assert composed(again[2:]) == {key: value for key, value in config.items() if key not in MACHINERY}


def test_it_is_short_and_its_numbers_are_whole():
    plan = validate(compose(["method=coral", "data=toy", "method.regularization=0.00018273645091", "launcher.jobs=4"]))
    assert overrides(plan.config) == ["method=coral", "data=toy", "method.regularization=0.00018273645091"]


def test_a_method_that_is_gone_has_no_command():
    config = compose(["method=coral"])
    config["method"]["_target_"] = "da.methods.gone.Gone"
    with pytest.raises(ConfigError, match="Gone"):
        command(config)
