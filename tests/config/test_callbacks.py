"""Callbacks of a configuration are checked before anything runs."""

from typing import Any

import pytest

from da.config import callbacks
from da.config.compose import compose, expand
from da.config.titles import run_title
from da.config.validate import Plan, validate
from da.engine import codehash
from da.errors import ConfigError, Incompatible
from da.results import record

TOY = ("method=dann", "data=toy")


def plan(*words: str) -> Plan:
    return validate(compose([*TOY, *words]))


def identity(*words: str) -> str:
    return record.run_id(plan(*words).config, "data")


def test_one_and_several_are_chosen_and_their_keys_are_set() -> None:
    one = plan("callbacks=early_stopping", "callbacks.early_stopping.patience=3").config["callbacks"]
    assert one["early_stopping"]["patience"] == 3
    both = plan("callbacks=[early_stopping,learning_rate]", "callbacks.early_stopping.patience=4").config["callbacks"]
    assert list(both) == ["early_stopping", "learning_rate"]
    assert both["early_stopping"]["patience"] == 4
    for none in ([], ["callbacks=null"], ["callbacks=[]"], ["callbacks=early_stopping", "callbacks=null"]):
        assert "callbacks" not in plan(*none).config


def test_a_sweep_runs_with_and_without() -> None:
    plans = expand([*TOY, "callbacks=null,early_stopping"], multirun=True).plans
    assert [sorted(p.config.get("callbacks", {})) for p in plans] == [[], ["early_stopping"]]
    assert ["callbacks=early_stopping" in run_title(p) for p in plans] == [False, True]


def test_closed_form_methods_are_left_out_with_the_reason() -> None:
    with pytest.raises(Incompatible, match=r"method=coral is fitted in one step; leave it out"):
        plan("method=coral", "callbacks=early_stopping")
    found = expand(["data=toy", "method=coral,dann", "callbacks=early_stopping"], multirun=True)
    assert len(found.plans) == 1
    assert "fitted in one step" in found.refused[0]


def test_what_changes_a_result_enters_the_identity_and_what_watches_does_not() -> None:
    base = identity()
    for watching in ("learning_rate", "checkpoint", "[learning_rate,checkpoint]"):
        assert identity(f"callbacks={watching}") == base
    stopping = identity("callbacks=early_stopping")
    assert stopping != base
    assert identity("callbacks=[learning_rate,early_stopping]") == stopping
    assert identity("callbacks=early_stopping", "callbacks.early_stopping.patience=2") not in (base, stopping)
    title = run_title(plan("callbacks=[learning_rate,early_stopping]", "callbacks.early_stopping.patience=2"))
    assert "callbacks=early_stopping callbacks.early_stopping.patience=2" in title
    assert codehash.of_config(plan().config) != codehash.of_config(plan("callbacks=early_stopping").config)


STOP = "callbacks.early_stopping."
WRONG: dict[str, tuple[list[str], str]] = {
    "an oracle": ([f"{STOP}monitor=selection/oracle_accuracy"], "reads labels of the target's test samples"),
    "target test": ([f"{STOP}monitor=target_test/accuracy"], "reads labels of the target's test samples"),
    "a bare rule": ([f"{STOP}monitor=infomax"], r"is written callbacks\.early_stopping\.monitor=selection/infomax"),
    "no rule": ([f"{STOP}monitor=selection/infomx"], "is no selection rule; did you mean 'infomax'"),
    "nothing": ([f"{STOP}monitor=val_loss"], "is nothing that a run logs; monitor selection/RULE"),
    "no metric": ([f"{STOP}monitor=source_test/acuracy"], "is no metric; did you mean 'accuracy'"),
    "the wrong way": ([f"{STOP}mode=min"], r"is better the higher; set callbacks\.early_stopping\.mode=max"),
    "rarely evaluated": (["evaluate_every=2"], "set evaluate_every=1, or monitor a term"),
    "no held-out source": ([f"{STOP}monitor=selection/dev", "method=target_only"], "held-out samples of the source"),
    "a misspelt key": ([f"{STOP}patienc=2"], "did you mean 'patience'"),
    "out of range": ([f"{STOP}patience=0"], "patience must be a whole number"),
    "no mode": ([f"{STOP}mode=up"], "mode must be min or max"),
    "never checked": ([f"+{STOP}check_on_train_epoch_end=false"], "a loop that a run does not have"),
    "not strict": ([f"+{STOP}strict=false"], "must stay true"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_is_refused_with_the_remedy(kind: str) -> None:
    words, message = WRONG[kind]
    with pytest.raises((ConfigError, Incompatible), match=message):
        plan("callbacks=early_stopping", *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["callbacks=early_stoping"], r"There is no callbacks=early_stoping; did you mean 'early_stopping'"),
        (["callbacks=[early_stopping,rihc]"], "There is no callbacks=rihc; did you mean 'rich'"),
        (["callbacks.early_stopping.patience=2"], "belongs to a choice; choose callbacks=NAME first"),
        (["+trainer.callbacks=[]"], r"trainer\.callbacks is not given so; choose them with callbacks=NAME"),
        (["callbacks=learning_rate", "logger=none"], "logs values, and logger=none keeps none; use logger=csv"),
        (["callbacks=checkpoint", "+callbacks.checkpoint.dirpath=x"], "is the run's own folder 'checkpoints'"),
        (["callbacks=checkpoint", "callbacks.checkpoint.filename=../x"], "must be a name without slashes"),
        (["callbacks=checkpoint", "callbacks.checkpoint.monitor=target_test/accuracy"], "reads labels"),
    ],
)
def test_the_group_is_guarded_as_others_are(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(*words)


def test_a_term_may_fall_or_rise_and_is_there_in_every_epoch() -> None:
    words = [f"{STOP}monitor=terms/task", "evaluate_every=3"]
    for mode in ("min", "max"):
        assert plan("callbacks=early_stopping", *words, f"{STOP}mode={mode}").config["evaluate_every"] == 3


def own(target: str, **keys: Any) -> dict[str, Any]:
    return compose(TOY) | {"callbacks": {"own": {"_target_": target, **keys}}}


@pytest.mark.parametrize("path", callbacks.REFUSED)
def test_callbacks_that_break_a_run_are_refused_by_name(path: str) -> None:
    name = path.rpartition(".")[2]
    with pytest.raises(ConfigError, match=rf"callbacks\.own: {name} \w+"):
        validate(own(f"{callbacks.PLACE}{name}"))
    if name == "WeightAveraging":  # and what derives from it
        with pytest.raises(ConfigError, match="EMAWeightAveraging puts other weights"):
            validate(own(f"{callbacks.PLACE}EMAWeightAveraging"))


def test_only_callbacks_are_callbacks() -> None:
    with pytest.raises(ConfigError, match=r"callbacks takes what conf/callbacks names and classes that derive from"):
        validate(own("pytorch_lightning.Trainer"))
    with pytest.raises(ConfigError, match=r"'callbacks\.own' has no _target_"):
        validate(compose(TOY) | {"callbacks": {"own": {}}})


@pytest.mark.parametrize(("name", "package"), [("rich", "rich"), ("device_stats", "psutil")])
def test_a_missing_package_is_named(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=rf"callbacks\.{name} needs the package {package}, .* pip install {package}"):
        plan(f"callbacks={name}")
    monkeypatch.setattr(callbacks, "find_spec", lambda name: object())
    assert name in plan(f"callbacks={name}").config["callbacks"]


def test_two_bars_are_one_too_many() -> None:
    bar = {"_target_": "pytorch_lightning.callbacks.TQDMProgressBar"}
    with pytest.raises(ConfigError, match=r"callbacks=a,b are two progress bars; choose one"):
        validate(compose(TOY) | {"callbacks": {"a": dict(bar), "b": dict(bar)}})
