"""Terms in configurations: one form whatever way they are written, ids, titles, and sentences on what cannot be."""

import json
import re

import pytest

from da.cli.listing import help_text, overview
from da.cli.train import train
from da.config import arguments, catalog, repeat, terms
from da.config.compose import compose, expand
from da.config.titles import distinct_titles, run_title
from da.config.validate import Plan, validate
from da.engine import codehash
from da.errors import ConfigError, Incompatible
from da.results.identity import run_id
from da.results.record import portable


def plan(*words: str) -> Plan:
    return validate(compose(["method=dann", "data=digits", *words]))


def identity(found: Plan) -> str:
    return run_id(found.config, "x")


@pytest.mark.parametrize("words", [[], ["terms=[]"], ["terms=null"]])
def test_without_terms_a_configuration_has_none_of_their_keys(words: list[str]) -> None:
    found = plan(*words)
    assert not set(terms.KEYS) & set(found.config)
    assert identity(found) == "be4309151a0b"  # as before there were terms
    assert found.label == "dann"


@pytest.mark.parametrize(
    "words",
    [
        ["terms=[mcc,bsp]", "term_weights.mcc=0.1"],
        ["terms=[bsp,mcc]", "term_weights={mcc:0.1}"],
        ["method=dann+bsp+mcc", "term_weights.mcc=0.1"],
        ["terms=[bsp,mcc]", "term_weights.mcc=0.1", "term.mcc.temperature=2.5"],
        ["terms=[bsp,mcc]", "term_weights.mcc=0.1", "term={mcc:{temperature:2.5}}"],
    ],
)
def test_one_loss_has_one_form_and_one_id(words: list[str]) -> None:
    found = plan(*words)
    assert {key: found.config[key] for key in terms.KEYS} == {
        "terms": ["bsp", "mcc"],
        "term": {
            "bsp": {"_target_": "da.terms.bsp.BSP", "k": 1},
            "mcc": {"_target_": "da.terms.mcc.MCC", "temperature": 2.5},
        },
        "term_weights": {"bsp": 1e-4, "mcc": 0.1},
    }
    assert identity(found) == identity(plan("terms=[mcc,bsp]", "term_weights.mcc=0.1"))
    assert identity(found) != identity(plan("terms=[mcc,bsp]"))
    assert run_title(found) == "method=dann+bsp+mcc data=digits term_weights.mcc=0.1 seed=0"
    again = validate(json.loads(json.dumps(portable(found.config))))
    assert again.config == found.config


def test_every_key_of_a_term_is_in_the_id_and_the_title() -> None:
    plans = [
        plan(*words)
        for words in (
            [],
            ["terms=[mcc]"],
            ["terms=[mcc]", "term_weights.mcc=0"],
            ["terms=[mcc]", "term.mcc.temperature=3.0"],
        )
    ]
    assert len({identity(found) for found in plans}) == 4
    assert distinct_titles(plans) == [
        "method=dann data=digits seed=0",
        "method=dann+mcc data=digits seed=0",
        "method=dann+mcc data=digits term_weights.mcc=0.0 seed=0",
        "method=dann+mcc data=digits term.mcc.temperature=3.0 seed=0",
    ]


def test_a_command_repeats_a_run_with_terms() -> None:
    found = plan("terms=[mcc,bsp]", "term_weights.mcc=0.1", "term.bsp.k=2", "method.weight=0.5", "seed=3")
    words = repeat.overrides(found.config)
    assert words == ["method=dann", "data=digits", "terms=[bsp,mcc]", "term.bsp.k=2", "term_weights.mcc=0.1", "method.weight=0.5", "seed=3"]  # fmt: skip
    assert validate(compose(words)).config == found.config
    assert "terms=[bsp,mcc]" in repeat.command(found.config).replace("'", "")


def test_terms_are_swept_like_any_key() -> None:
    swept = expand(["method=source_only,dann", "terms=[],[mcc]", "data=digits"], multirun=True)
    assert [found.label for found in swept.plans] == ["source_only", "dann", "dann+mcc"]
    assert "terms=[mcc] cannot be added to method=source_only" in swept.refused[0]
    weights = expand(["method=dann,dann+mcc", "term_weights.mcc=0.1,1", "data=digits"], multirun=True)
    assert [found.config["term_weights"] for found in weights.plans] == [{"mcc": 0.1}, {"mcc": 1.0}]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["terms=[mc]"], "There is no term 'mc'; did you mean 'mcc'?"),
        (["method=dann+mc"], "There is no term 'mc'; did you mean 'mcc'?"),
        (["terms=mcc"], "terms must be a list of which each is a text or null, got 'mcc'."),
        (["terms=[1]"], "terms must be a list"),
        (["terms=[mcc,mcc]"], "terms names 'mcc' twice"),
        (["term=mcc"], "term=mcc chooses nothing, as a run may have several terms; write terms=[mcc]."),
        (["method=dann+mcc", "terms=[bsp]"], "method=dann+mcc and terms= name terms in two ways"),
        (["terms=[mcc]", "term_weights.mc=1"], "There is no term 'mc'; did you mean 'mcc'?"),
        (["terms=[mcc]", "term_weights.bsp=1"], "term_weights.bsp is of a term that this run does not have"),
        (["term.mcc.temperature=2"], "term.mcc is of a term that this run does not have; add it by terms=[mcc]."),
        (["terms=[mcc]", "term_weights.mcc=-1"], "term_weights.mcc must be a number of at least 0, got -1."),
        (["terms=[mcc]", "term_weights.mcc=null"], "term_weights.mcc must be a number of at least 0, got None."),
        (["terms=[mcc]", "term_weights=1"], "term_weights must be a mapping, got 1."),
        (["terms=[mcc]", "term.mcc=1"], "term.mcc must be a mapping"),
        (["terms=[mcc]", "term.mcc.weight=1"], "term.mcc.weight is set as term_weights.mcc"),
        (["terms=[mcc]", "term.mcc.temperatur=1"], "There is no key 'term.mcc.temperatur'; did you mean 'temperature'?"),
        (["terms=[mcc]", "term.mcc.temperature=0"], "term.mcc.temperature must be a number above 0, got 0."),
        (["terms=[mcc]", "term.mcc._target_=os.system"], "_target_ 'os.system' in term.mcc is not allowed"),
        (["method=coral", "terms=[mcc]"], "method=coral is fitted in closed form and has no loss"),
        (["method=source_only", "terms=[bsp]"], "terms=[bsp] cannot be added to method=source_only: the term needs unlabelled target inputs"),
        (["method=fine_tune", "terms=[bsp]"], "the term needs source inputs, unlabelled target inputs"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        plan(*words)
    assert "\n" not in str(caught.value)


def test_a_combination_that_cannot_be_is_left_out_of_a_sweep() -> None:
    for words in (["method=coral", "terms=[mcc]"], ["term_weights.mcc=1"]):
        with pytest.raises(Incompatible):
            plan(*words)


def test_a_method_without_one_space_takes_terms_of_its_features() -> None:
    assert (
        validate(compose(["method=soft_transfer", "data=toy_dimensions", "terms=[bsp]"])).label == "soft_transfer+bsp"
    )


def test_a_term_that_is_no_choice_is_hinted_at() -> None:
    assert arguments.read(["terms=[mcc]"]).overrides == ["terms=[mcc]"]
    with pytest.raises(ConfigError, match=re.escape("did you mean terms=[mcc]?")):
        arguments.read(["mcc"])


def test_the_code_of_a_run_is_that_of_its_terms_too() -> None:
    alone, mcc, bsp = (codehash.of_config(plan(*words).config) for words in ([], ["terms=[mcc]"], ["terms=[bsp]"]))
    assert len({alone, mcc, bsp}) == 3


def test_lists_say_which_term_goes_with_which_method(capsys: pytest.CaptureFixture) -> None:
    assert "dann+mcc" in overview()
    assert "source_only+mcc" not in overview()
    assert "terms=       bsp, mcc" in help_text()
    assert train(["method=dann+mcc", "data=digits", "--dry-run"]) == 0
    assert "dann+mcc" in capsys.readouterr().out


@pytest.mark.parametrize("name", catalog.entries("term"))
def test_terms_are_documented_and_their_yaml_repeats_their_constructor(name: str) -> None:
    entry = catalog.named("term", name)
    assert entry.path.split(".")[-2] == name
    assert entry.reference, f"{name} has no Reference"
    for keyword, parameter in entry.signature.keywords().items():
        assert f"{keyword}:" in entry.signature.doc
        assert entry.config[keyword] == parameter.default
    assert {"_target_", *entry.signature.keywords()} == set(entry.config)
    assert entry.access == entry.locate().needs
