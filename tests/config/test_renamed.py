"""Old spellings are refused with the new one, wherever they are written."""

import pytest

from da.config import catalog, renamed
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
