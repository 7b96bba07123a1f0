"""The common suite over the catalogue: on a choice of methods by default, on all with ``-m catalogue``."""

import inspect
from pathlib import Path

import pytest
import suite

from da.checks import CheckedMethod, behaviour, checks_for
from da.checks.__main__ import subject_of
from da.checks.behaviour import ToyProblem, reached, toy, toy_problems
from da.config import catalog
from da.errors import ConfigError
from da.methods.base import Method
from da.methods.transductive.dann import DANN
from da.methods.transductive.source_only import SourceOnly

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = catalog.entries("method")
SUBJECTS = {name: subject_of(entry) for name, entry in ENTRIES.items()}
IN_SHARD = suite.shard(SUBJECTS)
PAIRS = [
    pytest.param(
        SUBJECTS[name], check, id=f"{name}-{title}", marks=() if name in suite.chosen() else pytest.mark.catalogue
    )
    for name in SUBJECTS
    if name in suite.chosen() or name in IN_SHARD
    for title, check in checks_for(SUBJECTS[name])
]


@pytest.mark.parametrize(("subject", "check"), PAIRS)
def test_common(subject: CheckedMethod, check) -> None:
    check(subject)


def test_every_method_has_enough_checks() -> None:
    for name, subject in SUBJECTS.items():
        assert len(list(checks_for(subject))) >= (8 if subject.is_estimator else 18), name


def test_exemptions_name_checks_and_say_why() -> None:
    known = {
        title for subject in SUBJECTS.values() for title, _ in checks_for(CheckedMethod(subject.name, *_bare(subject)))
    }
    for name, subject in SUBJECTS.items():
        for title, why in subject.make.exempt.items():
            assert title in known, f"{name} is exempt from '{title}', which is no check"
            assert len(why) > 20, f"{name} does not say why '{title}' cannot hold"


def _bare(subject: CheckedMethod):
    """The same class without exemptions."""
    return type(subject.make.__name__, (subject.make,), {"exempt": {}, "__module__": __name__}), subject.needs


@pytest.mark.parametrize("kind", suite.REPRESENTATIVES)
def test_every_kind_has_four_representatives(kind: str) -> None:
    names = suite.REPRESENTATIVES[kind]
    assert len(names) == 4
    for name in names:
        entry = ENTRIES[name]
        assert kind == "deep" if not entry.is_estimator else kind in {k.lower() for k in catalog.kinds(entry.signature)}


def test_shards_are_a_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = []
    for number in (1, 2, 3):
        monkeypatch.setenv(suite.SHARDS, f"{number}/3")
        parts.append(suite.shard(SUBJECTS))
    assert sorted(name for part in parts for name in part) == sorted(SUBJECTS)
    monkeypatch.setenv(suite.SHARDS, "/3")
    assert suite.shard(SUBJECTS) in parts
    for wrong in ("4/3", "0/3", "2", "a/3", "1/"):
        monkeypatch.setenv(suite.SHARDS, wrong)
        with pytest.raises(ConfigError, match="is no shard; write 2/4"):
            suite.shard(SUBJECTS)


def test_a_method_is_touched_by_what_it_is_made_of() -> None:
    def touched(file: str) -> set[str]:
        return {name for name, entry in ENTRIES.items() if suite.touched(entry, frozenset({file}))}

    assert touched("conf/method/dann.yaml") == touched("tests/methods/test_dann.py") == {"dann"}
    assert touched("da/divergences/coral.py") == {"deep_coral"}
    assert touched("da/nn/grl.py") >= {"dann", "cdan", "iwan", "iwn"}
    assert not touched("README.md")
    assert "dann" not in touched("da/estimators/weighting/kmm.py")
    assert touched("da/estimators/weighting/kmm.py") >= {"kmm", "weighted_risk"}


def test_every_deep_method_has_a_test_file_of_its_own() -> None:
    """One that writes its equation out: at least four tests, which name the class."""
    for name, entry in ENTRIES.items():
        if not entry.is_estimator:
            file = ROOT / "tests" / "methods" / f"test_{name}.py"
            assert file.is_file(), f"{name} has no {file.relative_to(ROOT)}; scripts/new_method.py writes a shell of it"
            text = file.read_text(encoding="utf-8")
            assert entry.path.rpartition(".")[2] in text
            assert text.count("\ndef test_") >= 4, f"{file.name} does not nail the method down"


def test_a_baseline_is_trained_once_for_all_that_are_compared_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    monkeypatch.setattr(behaviour, "accuracy", lambda subject, problem, **_: trained.append(subject.name) or 50.0)
    reached.cache_clear()
    subject = CheckedMethod("dann", DANN, DANN.needs)
    for _ in range(3):
        for problem in toy_problems(subject):
            behaviour.baseline(subject, problem)
    assert trained == ["SourceOnly"] * len(toy_problems(subject))
    reached(SourceOnly, ToyProblem(toy(shift="rotation", samples=300), epochs=16))
    assert len(trained) == len(toy_problems(subject)) + 1, "another way to train is another baseline"
    reached.cache_clear()


def test_checks_train_through_the_assembly_of_runs() -> None:
    from da.checks import harness
    from da.engine import run

    for module in (run, harness):
        source = inspect.getsource(module)
        assert "assembly.build(" in source
        assert "assembly.assemble(" in source
        for own in ("PairedData(", "Evaluator(", "Trainer(", ".build(Spec("):
            assert own not in source, f"{module.__name__} puts {own} together by itself"
    assert Method.training_step is DANN.training_step
