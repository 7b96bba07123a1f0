"""Old spellings are refused with the new one, wherever they are written."""

import importlib
import inspect
from pathlib import Path

import pytest
import yaml

from da import renamed
from da.cli import train
from da.config import catalog
from da.config.compose import compose
from da.config.validate import validate
from da.errors import ConfigError

SHIPPED = dict(renamed.RENAMED)
TABLE = {
    "method.strength": "method.weight",
    "loops": "trainer.max_epochs",
    "network=small": "network=mlp",
    "schedule=warm": "schedule=inverse_decay",
    "classifier.strength": "classifier.C",
    "data.shift=skew": "data.shift=covariate",
    "method=kernel_matching": "method=kmm",
}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "RENAMED", TABLE)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("method.strength=0.3", r"no key 'method.strength'; it is now method.weight\."),
        ("loops=3", r"no key 'loops'; it is now trainer.max_epochs\."),
        ("network=small", r"no network=small; it is now network=mlp\."),
        ("schedule=warm", r"schedule='warm' is unknown; it is now schedule=inverse_decay\."),
        ("method.weihgt=1", "did you mean 'weight'"),
        ("classifier.strength=3", r"no key 'classifier.strength'; it is now classifier.C\."),
        ("data.shift=skew", r"no data.shift=skew; it is now data.shift=covariate\."),
    ],
)
def test_on_the_command_line(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(compose(["method=dann", "data=toy", override]))


def test_of_an_estimator_within_a_method() -> None:
    with pytest.raises(ConfigError, match=r"weighting=kernel_matching is not a weighting; it is now method=kmm\."):
        validate(compose(["method=weighted_risk", "data=toy", "method.weighting=kernel_matching"]))
    with pytest.raises(ConfigError, match=r"no method=kernel_matching; it is now method=kmm\."):
        compose(["method=kernel_matching", "data=toy"])


def test_in_a_file_or_an_old_record() -> None:
    config = compose(["method=dann", "data=toy"])
    config["method"]["strength"] = 0.3
    with pytest.raises(ConfigError, match="'method.strength'.*it is now method.weight"):
        validate(config)


def test_no_entry_names_what_exists_or_leads_to_what_does_not() -> None:
    """An entry whose old name works again, or whose new name is gone, would mislead."""
    for old, new in SHIPPED.items():
        if new.startswith("da."):
            catalog.locate(new)
            continue
        group, separator, name = new.partition("=" if "=" in new else ".")
        assert old != new
        assert group or not separator
        if separator == "=" and group in compose(["data=toy"]):
            compose(["data=toy", f"{group}={name}"])


def test_a_path_that_moved_is_refused_with_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "RENAMED", SHIPPED)
    plan = compose(["method=coral", "data=toy"])
    plan["logger"] = {"_target_": "da.results.tracking.csv"}
    with pytest.raises(ConfigError, match=r"does not exist; it is now da\.engine\.tracking\.csv\."):
        validate(plan)


# --- keywords of classes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method=tca", "method.components=3"], "'method.components'; it is now method.n_components."),
        (["method=tca", "+method.seed=3"], "'method.seed'; it is now method.random_state."),
        (["method=sstca", "method.neighbors=3"], "'method.neighbors'; it is now method.n_neighbors."),
        (["method=ot_sinkhorn", "method.tolerance=1"], "'method.tolerance'; it is now method.tol."),
        (["method=dasvm", "method.iterations=3"], "'method.iterations'; it is now method.max_iter."),
        (["method=tradaboost", "method.rounds=3"], "'method.rounds'; it is now method.n_estimators."),
        (["method=kmm", "method.tolerance=1"], "'method.tolerance'; it is now method.slack."),
        (["method=kmm", "method.accuracy=1"], "'method.accuracy'; it is now method.tol."),
        (["method=mmd_target_shift", "method.tolerance=1"], "'method.tolerance'; it is now method.slack."),
        (["method=tca", "method={components:3}"], "'method.components'; it is now method.n_components."),
        (["-m", "method=tca,pca", "method.components=3,4"], "'method.components'; it is now method.n_components."),
        (["-m", "method=tca", "sweep=optuna", "method.seed=1"], "'method.seed'; it is now method.random_state."),
        (
            ["method=weighted_risk", "method.weighting={_target_: da.estimators.weighting.ulsif.ULSIF, seed: 1}"],
            "'method.weighting.seed'; it is now method.weighting.random_state.",
        ),
        (["method=dann", "method.seed=1"], "There is no key 'method.seed'; known: hidden, weight."),
    ],
)
def test_an_old_keyword_is_refused_on_a_command_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.train([*words, "data=toy", "--dry-run"]) == 2
    assert message in capsys.readouterr().err


def test_an_old_keyword_is_refused_in_a_file_of_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "runs.yaml"
    file.write_text(yaml.safe_dump([{"method": "jda", "method.components": 3}, {"method": "coral"}]))
    assert train.train(["-m", f"runs={file}", "data=toy", "--dry-run"]) == 2
    assert "There is no key 'method.components'; it is now method.n_components." in capsys.readouterr().err


def test_what_some_method_still_calls_so_is_accepted() -> None:
    assert validate(compose(["method=self_training", "data=toy", "method.rounds=3"])).config["method"]["rounds"] == 3


def estimators() -> list[type]:
    modules = [
        importlib.import_module(".".join(file.relative_to(catalog.ROOT).with_suffix("").parts))
        for file in sorted((catalog.ROOT / "da/estimators").glob("*/*.py"))
    ]
    return [
        found
        for module in modules
        for found in vars(module).values()
        if inspect.isclass(found) and found.__module__ == module.__name__
    ]


def path_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def test_every_renamed_keyword_has_a_class_and_no_class_has_an_old_one() -> None:
    taken = {path_of(kind): set(inspect.signature(kind).parameters) for kind in estimators()}
    for path, names in taken.items():
        assert not names & renamed.keywords(path).keys(), path
        values = list(renamed.keywords(path).values())
        assert len(values) == len(set(values)), f"{path}: two old names lead to one"
    for beginning, names in renamed.KEYWORDS.items():
        own = {name for path, found in taken.items() if path.startswith(beginning) for name in found}
        specific = set(names.items()) - set(renamed.COMMON.items())
        assert {new for _, new in specific} <= own, beginning
    assert set(renamed.COMMON.values()) <= {name for found in taken.values() for name in found}


def test_present_and_earlier_names_lead_to_each_other() -> None:
    for name, entry in catalog.entries("method").items():
        config = compose([f"method={name}", "data=toy", "classifier=linear_svm"])
        assert renamed.current(config) == config, f"{name}: a present name is an old one"
        assert renamed.current(renamed.earlier(config)) == config
        assert renamed.earlier(config)["classifier"] == config["classifier"], "it always was random_state"
        assert (renamed.earlier(config) == config) or entry.is_estimator
