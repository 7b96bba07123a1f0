"""Checks of a class's hyper-parameters: search space, YAML, and effect."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from da.checks.harness import build, same, task_for, train, weights_of
from da.checks.suite import CheckedMethod, applies_if
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.search_space import Choice, Range


def check_search_space_holds_defaults(subject: CheckedMethod) -> None:
    """Every searched hyper-parameter exists, and its default is in the search space."""
    method = subject.new()
    for name, searched in method.search_space.items():
        assert hasattr(method, name), (
            f"{subject.name}.search_space names '{name}', which the constructor does not store."
        )
        assert getattr(method, name) in searched, (
            f"{subject.name}.{name}={getattr(method, name)} lies outside its own space."
        )


@applies_if(lambda subject: subject.config is not None)
def check_the_yaml_repeats_the_constructor(subject: CheckedMethod) -> None:
    """The YAML has every keyword of the constructor with its default, so that overriding one needs no ``+``."""
    assert subject.config is not None
    configured = {key: value for key, value in subject.config.items() if key != "_target_"}
    own = {name: p.default for name, p in inspect.signature(subject.make).parameters.items()}
    missing, strange = sorted(own.keys() - configured.keys()), sorted(configured.keys() - own.keys())
    assert not missing, (
        f"The YAML of {subject.name} lacks '{missing[0]}'; write '{missing[0]}: {own[missing[0]]}' there."
    )
    assert not strange, f"The YAML of {subject.name} has '{strange[0]}', which its constructor does not take."
    for name, value in own.items():
        assert configured[name] == value, (
            f"The YAML of {subject.name} says {name}: {configured[name]}, and its constructor {value}; make them equal."
        )


@applies_if(lambda subject: not subject.is_estimator)
def check_every_keyword_has_an_effect(subject: CheckedMethod) -> None:
    """Another value of any keyword changes the network or the training: a term, a phase, a schedule, a hook.

    Values to try come from ``search_space``, else from the default's type; where none has an effect at the other
    keywords' defaults, it is tried beside other values of these, as one keyword may switch on what another sets.
    """
    with tempfile.TemporaryDirectory() as folder:
        start = _start(subject, Path(folder))
        signature = inspect.signature(subject.make).parameters
        others = {name: list(_alternatives(subject, name, p, start)) for name, p in signature.items()}
        seen: dict[str, Any] = {}

        def outcome(options: dict[str, Any]) -> Any:
            key = repr(sorted(options.items(), key=lambda item: item[0]))
            if key not in seen:
                seen[key] = _results(subject, options)
            return seen[key]

        for name, values in others.items():
            contexts = [{}, *({k: v} for k, vs in others.items() if k != name for v in vs)]
            assert any(
                not _equal(outcome(context), outcome(context | {name: value}))
                for context in contexts
                for value in values
            ), f"{subject.name}: '{name}' has no effect on terms, phases, schedules or the network; remove it."


def _alternatives(subject: CheckedMethod, name: str, parameter: inspect.Parameter, start: Path) -> Iterator[Any]:
    """Other values of a keyword."""
    searched, default = subject.new().search_space.get(name), parameter.default
    annotation = str(parameter.annotation)
    if isinstance(searched, Choice):
        yield from (value for value in searched.values if value != default)
    elif isinstance(searched, Range):
        yield from (value for value in (searched.high, searched.low) if value != default)
    elif isinstance(default, bool):
        yield not default
    elif isinstance(default, int):
        yield from (value for value in (2 * default + 1, 1, 2) if value != default)
    elif isinstance(default, float):
        yield from (value for value in (3.0 * default, 0.5 * default, 0.5) if value != default)
    elif name == "checkpoint":
        yield str(start)
    elif "Weighting" in annotation:
        yield LogisticRatio()
    elif default is None:
        kinds = {"int": 1, "float": 0.5, "bool": True}
        yield from (value for kind, value in kinds.items() if kind in annotation)


def _start(subject: CheckedMethod, folder: Path) -> Path:
    """Weights of an earlier run, for methods that start from a checkpoint."""
    method = build(subject, task_for(subject.needs), seed=11)
    torch.save(method.state_dict(), folder / "model.pt")
    return folder


def _results(subject: CheckedMethod, options: dict[str, Any]) -> tuple[Any, ...]:
    """All observable results of a short training."""
    task = task_for(subject.needs)
    method = build(subject, task, **options)
    scorer = train(method, task, epochs=3, steps=4)
    predictions = [array for pair in scorer.predictions.values() for array in pair]
    return weights_of(method), predictions, method.diagnostics


def _equal(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    arrays = len(a[1]) == len(b[1]) and all(np.array_equal(x, y) for x, y in zip(a[1], b[1], strict=True))
    return same(a[0], b[0]) and arrays and a[2] == b[2]
