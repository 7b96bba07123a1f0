"""Types and ranges of every key, what is reserved, what this machine has, and rules without their evidence."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import finished
from small import SMALL

from da import bounds, selection
from da.bounds import Bound
from da.cli import train as entry
from da.config import annotations, catalog, evidence, foreign, machine
from da.config.compose import compose
from da.config.titles import run_title
from da.config.validate import SIMPLE, check_node, validate
from da.engine.result import RunFailed
from da.engine.run import load, run
from da.errors import ConfigError, Incompatible, UsageError
from da.results import record

pytestmark = pytest.mark.versions

UNBOUNDED = {"classifier.one_nn.metric_params": "their meaning is the metric's"}
"""Numeric keys without a range, by ``group.entry.key``, with the reason."""
GROUPS = ("method", "data", "network", "classifier", "optimizer", "trainer", "logger", "launcher", "sweep", "features")


def keys() -> Iterator[tuple[catalog.Entry, str, str]]:
    """Every key of every entry that a configuration may set, with its annotation."""
    for group in GROUPS:
        for made in catalog.entries(group).values():
            for key in made.signature.keywords():
                if foreign.reserved(made.signature, key) is None:
                    yield made, key, foreign.annotation(made.signature, key)


def ranges(annotation: str) -> Iterator[Bound]:
    for kind in annotations.kinds(annotation):
        if kind.bound is not None:
            yield kind.bound
        for inner in kind.inner:
            yield from ranges(inner)


def outside(bound: Bound) -> list[Any]:
    """Numbers just outside a range, and those that are in none."""
    found: list[Any] = [math.nan, -math.inf] + ([] if bound.infinite else [math.inf])
    found += [value for value in (bound.above, bound.below) if value is not None]
    found += [value - 1 for value in (bound.least,) if value is not None]
    found += [value + 1 for value in (bound.most,) if value is not None]
    return found + [value + 0.05 for value in bound.among]


@pytest.mark.parametrize("group", GROUPS)
def test_every_number_has_a_range_that_its_default_is_in(group: str) -> None:
    for made, key, annotation in keys():
        if made.group != group:
            continue
        where = f"{group}.{made.name}.{key}"
        if key in made.config:
            assert annotation, f"{where} has no annotation; annotate it, or enter it in da/config/foreign.py"
            assert isinstance(made.config[key], dict) or annotations.fits(made.config[key], annotation), where
        if where not in UNBOUNDED:
            assert Bound() not in ranges(annotation), f"{where} is {annotation}; take a range of da/bounds.py"


def test_a_value_outside_its_range_is_refused_with_key_value_and_what_is_allowed() -> None:
    tried = 0
    for made, key, annotation in keys():
        if not annotations.numeric(annotation):
            continue
        wrong = [value for bound in ranges(annotation) for value in outside(bound)]
        kinds = [
            v
            for v in ("abc", "", True, [None], {"a": 1})
            if (made.name, key, v) != ("one_nn", "metric_params", {"a": 1})
        ]
        for value in [*wrong, *kinds]:
            with pytest.raises(ConfigError) as caught:
                check_node({**made.config, key: value}, made.group)
            said = str(caught.value)
            assert said.startswith(f"{made.group}.{key} must be "), (made.name, key, value, said)
            assert said.endswith(f", got {'true' if value is True else repr(value)}."), said
            assert annotations.words(annotation) in said
            tried += 1
    assert tried > 1500


@pytest.mark.parametrize("key", SIMPLE)
def test_keys_of_the_top_level_have_ranges_too(key: str) -> None:
    assert Bound() not in ranges(SIMPLE[key])
    base = compose()
    for value in [value for bound in ranges(SIMPLE[key]) for value in outside(bound)] + [[1], {"a": 1}]:
        with pytest.raises(ConfigError, match=rf"^{key} must be .*, got {re.escape(repr(value))}\.$"):
            validate(base | {key: value})


@pytest.mark.parametrize(
    ("annotation", "inside", "outsiders", "said"),
    [
        ("Positive", [1e-300, 1, 2.5], [0, -1, math.inf, math.nan, "1", None, True], "a number above 0"),
        ("PositiveOrInf | Literal['cv']", [math.inf, "inf", "cv", 1], [-math.inf, math.nan, "Inf", 0], "a number above 0 (inf included) or cv"),
        ("ProperFraction", [0, 0.99], [1, -0.01, 1.0], "a number of at least 0 and below 1"),
        ("Seed", [0, 2**32 - 1], [-1, 2**32, 1.0, True], "a whole number of at least 0 and of at most 4294967295"),
        ("Count | None", [1, None], [0, 1.0, "None"], "a whole number of at least 1 or null"),
        ("list[Count] | None", [[], [1, 2], None], [[0], [1.5], 1], "a list of which each is a whole number of at least 1 or null"),
        ("tuple[Count, Count]", [[1, 2]], [[1], [1, 2, 3], [1, 0]], "a list of 2, a whole number of at least 1 and a whole number of at least 1"),
        ("Annotated[float, Bound(among=(1.0, 1.1))]", [1.0, 1.1, 1], [1.2], "1.0 or 1.1"),
        ("Literal[18, 34]", [18], [18.0, "18", True], "18 or 34"),
        ("Optional[bool]", [True, None], [1, "true"], "true or false or null"),
        ("str", ["", "ä{'", "${"], ["a\0b", 1, None], "a text"),
        ("", [1, "x", None, [1], {"a": 1}], [math.nan, [math.inf], {"a": [math.nan]}], "finite"),
        ("BaseEstimator | None", [None], ["logistic", 1, {"C": 1}], "a node with the _target_ of a BaseEstimator or null"),
    ],
)  # fmt: skip
def test_annotations_are_read_as_python_means_them(
    annotation: str, inside: list[Any], outsiders: list[Any], said: str
) -> None:
    assert [value for value in inside if not annotations.fits(value, annotation)] == []
    assert [value for value in outsiders if annotations.fits(value, annotation)] == []
    assert annotations.words(annotation) == said


def test_every_range_has_a_name_that_type_checkers_read_as_a_number() -> None:
    named = {name: alias for name, alias in vars(bounds).items() if hasattr(alias, "__metadata__")}
    assert {alias.__origin__ for alias in named.values()} == {int, float}
    for alias in named.values():
        assert isinstance(alias.__metadata__[0], Bound)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("++method.momentum=0.9", "There is no key 'method.momentum'; known: hidden, weight."),  # optimizer/sgd has it
        ("++launcher.trials=3", "There is no key 'launcher.trials'; did you mean"),
        ("output=", "output must name a folder"),
        ("output='  '", "output must name a folder"),
        ("++data.split_seed={_target_:torch.optim.Adam}", "data.split_seed must be a whole number"),
        ("method=bbse method.classifier=logistic", "method.classifier must be a node"),
        ("optimizer=sgd optimizer.momentum=0", "optimizer.nesterov=true needs optimizer.momentum above 0"),
        ("+optimizer.params=[]", "optimizer.params is set by the run itself"),
        ("sweep=optuna sweep.objective=infomx", "did you mean 'infomax'"),
        ("trainer.precision=bf16-true", "must be 32-true, bf16-mixed, 16-mixed or 32, got 'bf16-true'"),
        ("trainer.precision=16-mixed", "use bf16-mixed"),
        ("launcher=submitit launcher.minutes=0", "launcher.minutes must be a whole number of at least 1, got 0"),
        ("launcher=submitit launcher.jobs=0", "launcher.jobs must be a whole number of at least 1, got 0"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence_and_names_keys_of_the_group_in_question(override: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        validate(compose([override] if "'" in override else override.split()))
    assert said in str(caught.value)
    assert "conf/" not in str(caught.value)
    assert "\n" not in str(caught.value)


REFUSALS = ["optimizer.lr=nan", "clip=nan", "seed=4294967296", "trainer.accelerator=nonsense", "launcher.jobs=0",
            "output=", "+trainer.max_time=00:00:00:02", "trainer.devices=99", "trainer=gpu", "data=pacs data.validation_fraction=0 selection=dev",
            "data=features", "data=features data.source=absent.csv data.target=t.csv",
            "data=features data.source=/ data.target=/", "data=features data.source=/etc/passwd data.target=/etc/passwd", "output=/dev/null/runs",
            "-m method=unadapted sweep=optuna", "-m method=source_only sweep=optuna", "data.shift=foo",
            "method=tca method.kernel=foo", "network=resnet network.weights=absent.pt", "sweep=optuna -m sweep.sampler=foo"]  # fmt: skip


def test_refusals_are_quick_and_import_no_pytorch() -> None:
    code = f"""
import sys, time
from da.cli import train as entry
from da.config import machine
machine.has_driver = lambda: False
for command in {REFUSALS!r}:
    start = time.perf_counter()
    assert entry.train(command.split()) == 2, command
    print(time.perf_counter() - start)
assert "torch" not in sys.modules
"""
    done = finished("-c", code)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == len(REFUSALS), "a line each"
    assert max(map(float, done.stdout.split())) < 5.0, "of a loaded machine; half a second of an idle one"


def test_every_keyword_of_the_trainer_has_a_range_or_is_reserved_with_a_reason() -> None:
    signature = catalog.named("trainer", "cpu").signature
    for key in signature.keywords():
        ranged = key in foreign.ANNOTATIONS["pytorch_lightning."]
        reason = foreign.reserved(signature, key)
        assert ranged != bool(reason), f"trainer.{key}: enter it in da/config/foreign.py, once"
    assert set(foreign.RESERVED["pytorch_lightning."]) <= set(signature.keywords())


@pytest.mark.parametrize(
    ("key", "reason"),
    [("max_time", "end a run early"), ("fast_dev_run", "end a run early"), ("limit_train_batches", "end a run early"), ("overfit_batches", "end a run early"), ("accumulate_grad_batches", "raise batch_size"), ("max_steps", "use trainer.max_epochs"), ("gradient_clip_val", "use clip"), ("val_check_interval", "use evaluate_every")],
)  # fmt: skip
def test_what_would_cut_a_run_short_is_refused_by_name(key: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^trainer\.{key} .*{reason}"):
        run(compose(["method=source_only", "data=toy", f"+trainer.{key}=1", f"output={tmp_path}"]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings(
    "ignore:Setting penalty=None will ignore the C:UserWarning"
)  # of scikit-learn 1.8 for C=inf
def test_infinity_is_recorded_as_a_text_and_found_again(tmp_path: Path) -> None:
    given = [*SMALL, "method=unadapted", f"output={tmp_path}"]
    first = run(compose([*given, "classifier.C=inf"]))
    assert first.fresh
    text = (first.directory / record.FILE).read_text()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["config"]["classifier"]["C"] == "inf"
    json.loads((first.directory / "config.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    again = run(compose([*given, "classifier.C=inf"]))
    assert (again.fresh, again.directory) == (False, first.directory)
    assert validate(found["config"]).config == validate(compose([*given, "classifier.C=inf"])).config
    assert run(compose([*given, "classifier.C='inf'"])).directory == first.directory


def test_a_failure_at_infinity_leaves_a_record_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("da.engine.run.execute", failing)
    with pytest.raises(RunFailed, match="on purpose"):
        run(compose([*SMALL, "method=unadapted", "classifier.C=inf", f"output={tmp_path}"]))
    (file,) = tmp_path.rglob(record.FILE)
    assert json.loads(file.read_text())["config"]["classifier"]["C"] == "inf"


CPU = {"accelerator": "cpu", "devices": 1, "precision": "32-true"}


def test_what_this_machine_lacks_is_said_before_data_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    monkeypatch.setattr("da.engine.run.load", lambda plan: pytest.fail("data were loaded"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    for override, said in {
        "trainer=gpu": "trainer.accelerator=gpu finds no GPU on this machine; use trainer=cpu.",
        "trainer.accelerator=mps": "trainer.accelerator=mps is not on this machine",
        "trainer.devices=32": "trainer.devices=32 are more processes than this machine's 4 cores; use at most 4.",
        "trainer.devices=99": "trainer.devices=99 are more processes than this machine's 4 cores; use at most 4.",
        "trainer.accelerator=auto trainer.precision=16-mixed": "trainer.precision=16-mixed needs a GPU",
    }.items():
        assert entry.train(["data=toy", *override.split(), f"output={tmp_path}"]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert "batch_size" not in error
    assert list(tmp_path.iterdir()) == []
    assert entry.train(["data=toy", "trainer.devices=3", f"output={tmp_path}"]) == 2
    assert "batch_size=64 must be a multiple of trainer.devices=3" in capsys.readouterr().err
    assert machine.lacking(CPU | {"devices": 4}) is None
    assert machine.lacking(CPU | {"accelerator": "auto"}) is None


def test_what_gpus_lack_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(machine, "has_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Tesla")
    gpu = CPU | {"accelerator": "gpu"}
    assert machine.lacking(gpu | {"devices": 2}) is None
    assert "more GPUs than this machine's 2" in str(machine.lacking(gpu | {"devices": 3}))
    assert "use 16-mixed" in str(machine.lacking(gpu | {"precision": "bf16-mixed"}))
    assert machine.lacking(gpu | {"precision": "16-mixed"}) is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("features=squeezenet", "features=squeezenet seed=0"),
        ("features=resnet features.weights=random", "features=resnet features.weights=random seed=0"),
        ("features=saved features.weights=random", "features=saved features.weights=random seed=0"),
        ("features=squeezenet features.network.caffe=false", "features=squeezenet features.network.caffe=False seed=0"),
    ],
)
def test_a_run_is_called_by_the_entry_that_was_asked_for(asked: str, said: str) -> None:
    plan = validate(compose(["method=unadapted", "data=digits", *asked.split()]))
    assert run_title(plan).endswith(f"data=digits {said}")


def test_an_empty_name_of_a_column_is_refused_before_files_are_read() -> None:
    for key in ("label_column", "feature_key", "id_column"):
        with pytest.raises(ConfigError, match=rf"^data.{key} must name a column or an array, got an empty text"):
            validate(compose(["data=features", "data.source=a.csv", "data.target=b.csv", f"data.{key}="]))


def test_two_signs_of_equality_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match="method==dann has two signs of equality; write method=dann$"):
        compose(["method==dann"])


def test_counts_that_no_run_comes_to_the_end_of_are_refused() -> None:
    for key in ("trainer.max_epochs", "steps_per_epoch", "evaluate_every", "batch_size", "shots"):
        for value in ("10000000000", "1e25", "1" + 28 * "0"):
            with pytest.raises(ConfigError, match=rf"^{key} must be a whole number .* of at most 1000000000"):
                validate(compose(["data=toy", f"{key}={value}"]))


def test_one_way_to_step_many_parameters_at_once() -> None:
    with pytest.raises(ConfigError, match=r"^optimizer.fused and optimizer.foreach are two ways"):
        validate(compose(["data=toy", "+optimizer.fused=true", "+optimizer.foreach=true"]))
    validate(compose(["data=toy", "+optimizer.fused=true", "+optimizer.foreach=false"]))


@pytest.mark.parametrize("rule", selection.names())
def test_what_a_rule_reads_is_known_without_importing_it(rule: str) -> None:
    assert evidence.reads(rule) == selection.criterion(rule).READS


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two labelled domains, and the same target without labels."""
    rng = np.random.default_rng(0)
    for name, shift in (("s", 0.0), ("t", 1.0)):
        y = np.arange(40) % 2
        x = rng.normal(size=(40, 3)) + 2.0 * y[:, None] + shift
        np.savez(tmp_path / f"{name}.npz", x=x, label=y)
        np.savez(tmp_path / f"{name}_unlabelled.npz", x=x)
    return ["data=features", f"data.source={tmp_path}/s.npz", f"data.target={tmp_path}/t.npz", "network=mlp", "trainer.max_epochs=1", "logger=none", f"output={tmp_path}/runs"]  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    ["selection=dev", "selection=source_accuracy", "sweep=optuna sweep.objective=importance_weighted"],
)
def test_a_rule_on_held_out_samples_needs_some(asked: str, files: list[str]) -> None:
    given = ["method=source_only", *files, *asked.split()]
    validate(compose(given))
    with pytest.raises(Incompatible, match=r"scores held-out samples of the source, and data.validation_fraction=0 holds out none; set data.validation_fraction=0.1"):  # fmt: skip
        validate(compose([*given, "data.validation_fraction=0"]))
    with pytest.raises(Incompatible, match="method=target_only is handed no source"):
        validate(compose([*given, "method=target_only"]))


def test_data_that_never_hold_out_say_so() -> None:
    for name in catalog.entries("data"):
        made = catalog.named("data", name)
        if "held_out" in made.signature.constants:
            with pytest.raises(Incompatible, match=f"of which data={name} has none"):
                validate(compose(["method=soft_transfer", f"data={name}", "selection=source_accuracy"]))


@pytest.mark.parametrize("name", ["toy", "toy_dimensions", "simulated"])
def test_what_is_known_of_data_agrees_with_them(name: str) -> None:
    method = "soft_transfer" if name == "toy_dimensions" else "source_only"
    plan = validate(compose([f"method={method}", f"data={name}", "selection=source_accuracy"]))
    evidence.check_loaded(plan.config, plan.data, load(plan)[0])


@pytest.mark.data
@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("name", ["digits", "mnist_usps", "mnist2000_usps1800", "newsgroups20", "office_caltech10", "office_caltech10_hetero", "amazon_reviews", "pacs", "wisdm"])  # fmt: skip
def test_what_is_known_of_real_data_agrees_with_them(name: str) -> None:
    method = "soft_transfer" if name.endswith("hetero") else "source_only"
    plan = validate(compose([f"method={method}", f"data={name}"]))
    asked = plan.config | {"selection": "source_accuracy"}
    said = []
    for check in (
        lambda: evidence.check_planned(asked, plan.method, plan.data),
        lambda: evidence.check_loaded(asked, plan.data, load(plan)[0]),
    ):
        try:
            check()
            said.append("held out")
        except Incompatible:
            said.append("none")
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("selection=oracle_accuracy", "selection=oracle_accuracy reads labels of the target's test samples"),
        ("sweep=optuna sweep.objective=oracle_accuracy", "sweep.objective=oracle_accuracy reads labels"),
    ],
)
def test_a_rule_on_labels_that_are_not_there_is_refused_before_training(
    asked: str, said: str, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setattr("da.engine.run.execute", lambda *_: pytest.fail("it was trained"))
    target = f"data.target={tmp_path}/t_unlabelled.npz"
    with pytest.raises(Incompatible, match=said):
        run(compose(["method=source_only", *files, target, *asked.split()]))
    if not asked.startswith("sweep"):
        assert entry.train(["method=source_only", *files, target, *asked.split()]) == 2
        assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob(record.FILE))


def test_a_message_comes_quickly_even_for_a_key_that_no_file_has() -> None:
    base = compose()
    start = time.perf_counter()
    with pytest.raises(ConfigError):
        validate(base | {"method": base["method"] | {"x" * 500: "y" * 100_000}})
    assert time.perf_counter() - start < 5.0
