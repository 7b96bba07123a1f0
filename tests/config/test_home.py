"""The home folder, written ``~``, on the command line and in files."""

from pathlib import Path

import pytest

from da.config.compose import compose, expand
from da.config.home import expanded, quoted
from da.config.validate import validate


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("output=~/runs", "output='~/runs'"),
        ("output=~", "output='~'"),
        ("data.source=[~/a.csv, ~/b.csv]", "data.source=['~/a.csv', '~/b.csv']"),
        ("output=~/a,~/b", "output='~/a','~/b'"),
        ("output='~/my runs'", "output='~/my runs'"),
        ("~trainer.limit", "~trainer.limit"),
        ("data.root=a~b", "data.root=a~b"),
    ],
)
def test_what_hydra_would_not_parse_is_quoted(given: str, meant: str) -> None:
    assert quoted(given) == meant


def test_the_home_folder_is_meant_wherever_a_value_begins_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    files = ["data=features", "data.source=[~/a.csv,b.csv]", "data.target=~/t.csv"]
    plan = validate(compose(["method=tca", *files, "output=~/runs"]))
    assert plan.config["output"] == f"{tmp_path}/runs"
    assert (plan.config["data"]["source"], plan.config["data"]["target"]) == (
        [f"{tmp_path}/a.csv", "b.csv"],
        f"{tmp_path}/t.csv",
    )
    swept = expand(["method=coral", *files, "output=~/a,~/b"], multirun=True).plans
    assert [plan.config["output"] for plan in swept] == [f"{tmp_path}/a", f"{tmp_path}/b"]
    assert expanded({"a": ["~/x", 1], "b": {"c": "~nobody-of-this-name/x"}, "d": "x~"}) == {
        "a": [f"{tmp_path}/x", 1],
        "b": {"c": "~nobody-of-this-name/x"},
        "d": "x~",
    }
