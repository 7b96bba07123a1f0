"""Checks of closed-form estimators."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from da.checks.harness import build, task_for, train
from da.checks.suite import CheckedMethod, applies_if
from da.domain import Domain, Split, Task
from da.estimators.arrays import as_numpy
from da.estimators.base import Estimator, FeatureMapping, Predictor, Weighting
from da.estimators.serialization import decode, encode
from da.setting import FEW, MANY, NONE, Access


def domains_for(needs: Access, source: Domain, target: Domain, labelled: Domain | None = None) -> tuple[Any, ...]:
    """The arguments of ``fit`` for ``needs``; several sources are two halves of the given one."""
    first: Any = source if needs.source_y > NONE else source.without_labels()
    if needs.sources == MANY:
        half = (len(source) + 1) // 2
        first = (first.take(np.arange(half)), first.take(np.arange(half, len(source))))
    unlabelled = target.without_labels()
    return (first, unlabelled) if needs.target_y < FEW else (first, unlabelled, labelled or target.take(np.arange(6)))


def learned(estimator: Estimator, x: Any) -> np.ndarray:
    """Result of a fitted estimator: weights, probabilities of ``x``, or mapped ``x`` up to the sign of columns."""
    if isinstance(estimator, Weighting):
        return estimator.weights_
    if isinstance(estimator, Predictor):
        return estimator.predict_proba(x)
    assert isinstance(estimator, FeatureMapping)
    return np.abs(estimator.transform(x, domain="source"))


def _domains(subject: CheckedMethod) -> tuple[Domain, Domain, Domain]:
    task = task_for(subject.needs)
    target = task.target.train
    return task.sources[0].train, target.take(np.arange(9, len(target))), target.take(np.arange(9))


def _fit(subject: CheckedMethod, source: Domain, target: Domain, labelled: Domain) -> Any:
    return subject.new().fit(*domains_for(subject.needs, source, target, labelled))


def _is_weighting(subject: CheckedMethod) -> bool:
    return issubclass(subject.make, Weighting)  # type: ignore[arg-type]  # a class, where this check applies


def _is_mapping(subject: CheckedMethod) -> bool:
    return issubclass(subject.make, FeatureMapping)  # type: ignore[arg-type]  # a class, where this check applies


def _is_predictor(subject: CheckedMethod) -> bool:
    return issubclass(subject.make, Predictor)  # type: ignore[arg-type]  # a class, where this check applies


def check_parameters_can_be_cloned_and_set(subject: CheckedMethod) -> None:
    """`get_params`, `set_params` and `clone` work; the constructor only stores its arguments."""
    estimator = subject.new()
    parameters = estimator.get_params()
    assert clone(estimator).get_params() == parameters, f"clone changes {subject.name}."
    assert estimator.set_params(**parameters).get_params() == parameters, f"set_params changes {subject.name}."
    learned = [name for name in vars(estimator) if name.endswith("_")]
    assert not learned, f"{subject.name} sets {learned} in its constructor; learned attributes appear in `fit`."


def check_inputs_are_left_alone(subject: CheckedMethod) -> None:
    """Fitting does not write to the inputs."""
    source, target, labelled = _domains(subject)
    before = source.x.copy(), target.x.copy(), labelled.x.copy()
    _fit(subject, source, target, labelled)
    assert all(np.array_equal(a, b.x) for a, b in zip(before, (source, target, labelled), strict=True)), (
        f"{subject.name} changes its inputs."
    )


def check_refitting_is_idempotent(subject: CheckedMethod) -> None:
    """A second fit on the same data gives the same result, whatever was fitted in between."""
    source, target, labelled = _domains(subject)
    estimator = _fit(subject, source, target, labelled)
    first = learned(estimator, source.x)
    estimator.fit(*domains_for(subject.needs, source.take(np.arange(30)), target.take(np.arange(20)), labelled))
    estimator.fit(*domains_for(subject.needs, source, target, labelled))
    assert np.array_equal(first, learned(estimator, source.x)), f"{subject.name} remembers an earlier fit."


def check_a_saved_model_predicts_the_same(subject: CheckedMethod) -> None:
    """What a run writes of a fitted method predicts as it did, bit for bit, also of more features than samples."""
    few = task_for(subject.needs)
    for task in (few, _wide(few)):
        method = build(subject, task)
        train(method, task)
        target = task.target.train.without_labels()
        expected = method.predict(target)
        node, arrays = encode(method.model)
        stream = io.BytesIO()
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # names are not those of its options
        stream.seek(0)
        method.model = decode(json.loads(json.dumps(node)), dict(np.load(stream, allow_pickle=False)))
        assert all(map(np.array_equal, expected, method.predict(target))), (
            f"{subject.name}, saved and read, predicts differently; what it learns must be plain attributes."
        )


def _wide(task: Task) -> Task:
    """A task whose features were mapped linearly to more of them than there are samples."""
    samples = sum(map(len, task.parts().values()))

    def mapped(domain: Domain) -> Domain:
        d = domain.x.shape[1]
        return replace(domain, x=domain.x @ np.random.default_rng(d).normal(size=(d, samples)))

    def widened(split: Split) -> Split:
        return Split(mapped(split.train), None if split.test is None else mapped(split.test))

    return replace(task, sources=tuple(map(widened, task.sources)), target=widened(task.target))


def check_order_of_samples_does_not_matter(subject: CheckedMethod) -> None:
    """Permuting every domain permutes the result, and changes nothing else."""
    source, target, labelled = _domains(subject)
    half = (len(source) + 1) // 2  # where several sources are passed, each keeps its samples
    rng = np.random.default_rng(0)
    order = np.r_[rng.permutation(half), half + rng.permutation(len(source) - half)]
    straight = learned(_fit(subject, source, target, labelled), source.x)
    backwards = (d.take(np.arange(len(d))[::-1]) for d in (target, labelled))
    turned = learned(_fit(subject, source.take(order), *backwards), source.x[order])
    assert np.allclose(straight[order], turned, atol=1e-5), f"{subject.name} depends on the order of samples."


def check_dtype_and_layout_do_not_matter(subject: CheckedMethod) -> None:
    """float32, float64 and non-contiguous inputs give the same result to float32 precision."""
    domains = _domains(subject)
    expected = learned(_fit(subject, *domains), domains[0].x)
    for change in (lambda x: x.astype(np.float64), lambda x: np.asfortranarray(x), lambda x: np.repeat(x, 2, 0)[::2]):
        changed = [Domain(change(d.x), d.y) for d in domains]
        actual = learned(_fit(subject, *changed), changed[0].x)
        assert np.allclose(expected, actual, atol=1e-4), f"{subject.name} depends on the inputs' type or layout."


def check_tensors_are_like_arrays(subject: CheckedMethod) -> None:
    """The same code on PyTorch tensors, which may be on a GPU, gives the same result to 1e-6."""
    domains = [Domain(d.x.astype(np.float64), d.y) for d in _domains(subject)]
    expected = learned(_fit(subject, *domains), domains[0].x)
    fitted = _fit(subject, *(Domain(torch.as_tensor(d.x), d.y) for d in domains))
    x = torch.as_tensor(domains[0].x)
    if isinstance(fitted, FeatureMapping):
        mapped = fitted.transform(x, domain="source")
        assert isinstance(mapped, torch.Tensor), f"{subject.name} maps a tensor to {type(mapped).__name__}."
        actual = np.abs(as_numpy(mapped))
    else:
        actual = as_numpy(learned(fitted, x))
    scale = max(1.0, float(np.abs(expected).max()))
    assert np.allclose(expected, actual, atol=1e-6 * scale), f"{subject.name} differs between arrays and tensors."


@applies_if(_is_weighting)
def check_weights_are_weights(subject: CheckedMethod) -> None:
    """Weights are at least 0, finite, and have mean 1."""
    source, target, labelled = _domains(subject)
    weights = _fit(subject, source, target, labelled).weights_
    assert weights.shape == (len(source),), f"{subject.name} gives weights of shape {weights.shape}."
    assert np.isfinite(weights).all() and (weights >= 0).all(), f"{subject.name} gives weights below 0 or not finite."
    assert np.isclose(weights.mean(), 1.0), f"{subject.name} gives weights of mean {weights.mean()}."


@applies_if(_is_weighting)
def check_equal_domains_weigh_evenly(subject: CheckedMethod) -> None:
    """On equal domains the effective sample size is near the number of samples."""
    source, _, labelled = _domains(subject)
    fitted = _fit(subject, source, source, labelled)
    share = fitted.effective_sample_size_ / len(source)
    assert share > 0.9, f"{subject.name} keeps an effective {share:.0%} of equal domains."


@applies_if(_is_mapping)
def check_equal_domains_map_alike(subject: CheckedMethod) -> None:
    """On equal domains the maps of source and target agree."""
    source, _, labelled = _domains(subject)
    fitted = _fit(subject, source, source, labelled)
    a, b = fitted.transform(source.x, domain="source"), fitted.transform(source.x)
    assert np.allclose(a, b, atol=1e-6 * max(1.0, np.abs(b).max())), f"{subject.name} moves a domain onto itself."


@applies_if(_is_predictor)
def check_predictions_are_probabilities(subject: CheckedMethod) -> None:
    """Rows are at least 0 and sum to 1, with one column per class; the label is the column of the largest entry."""
    source, target, labelled = _domains(subject)
    fitted = _fit(subject, source, target, labelled)
    proba = fitted.predict_proba(target.x)
    assert proba.shape == (len(target), len(fitted.classes_)), f"{subject.name} gives scores of shape {proba.shape}."
    assert (proba >= 0).all() and np.allclose(proba.sum(1), 1.0), (
        f"{subject.name} gives rows that are no probabilities."
    )
    assert np.array_equal(fitted.predict(target.x), fitted.classes_[proba.argmax(1)]), (
        f"{subject.name}.predict is not the largest probability."
    )
