"""Checks of closed-form estimators."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from da.checks.subject import Subject, applies_if
from da.checks.trial import task_for
from da.domain import Domain
from da.estimators.base import Mapping, Weighting


def _domains(subject: Subject) -> tuple[Domain, Domain]:
    task = task_for(subject.needs)
    return task.sources[0].train, task.target.train.without_labels()


def _learned(estimator: Weighting | Mapping, source: Domain) -> np.ndarray:
    """What the estimator leaves: weights, or mapped source samples up to the sign of each column."""
    if isinstance(estimator, Weighting):
        return estimator.weights_
    return np.abs(estimator.transform(source.x, domain="source"))


def _is_weighting(subject: Subject) -> bool:
    return issubclass(subject.make, Weighting)  # type: ignore[arg-type]  # a class, where this check applies


def _is_mapping(subject: Subject) -> bool:
    return issubclass(subject.make, Mapping)  # type: ignore[arg-type]  # a class, where this check applies


def check_parameters_can_be_cloned_and_set(subject: Subject) -> None:
    """`get_params`, `set_params` and `clone` work; the constructor only stores."""
    estimator = subject.new()
    parameters = estimator.get_params()
    assert clone(estimator).get_params() == parameters, f"clone changes {subject.name}."
    assert estimator.set_params(**parameters).get_params() == parameters, f"set_params changes {subject.name}."
    learned = [name for name in vars(estimator) if name.endswith("_")]
    assert not learned, f"{subject.name} sets {learned} in its constructor; learned attributes appear in `fit`."


def check_search_space_holds_defaults(subject: Subject) -> None:
    """Every searched hyper-parameter exists, and its default lies in the range."""
    estimator = subject.new()
    for name, searched in estimator.space.items():
        assert name in estimator.get_params(), f"{subject.name}.space names '{name}', which is no parameter."
        assert estimator.get_params()[name] in searched, f"{subject.name}.{name} lies outside its own space."


def check_inputs_are_left_alone(subject: Subject) -> None:
    """Fitting does not write to the inputs."""
    source, target = _domains(subject)
    before = source.x.copy(), target.x.copy()
    subject.new().fit(source, target)
    assert np.array_equal(before[0], source.x) and np.array_equal(before[1], target.x), (
        f"{subject.name} changes its inputs."
    )


def check_refitting_is_idempotent(subject: Subject) -> None:
    """A second fit on the same data gives the same, whatever was fitted between."""
    source, target = _domains(subject)
    estimator = subject.new().fit(source, target)
    first = _learned(estimator, source)
    estimator.fit(target.take(np.arange(10)), source.take(np.arange(12)))
    estimator.fit(source, target)
    assert np.array_equal(first, _learned(estimator, source)), f"{subject.name} remembers an earlier fit."


def check_order_of_samples_does_not_matter(subject: Subject) -> None:
    """Permuting both domains permutes what is learned, and nothing else."""
    source, target = _domains(subject)
    order = np.random.default_rng(0).permutation(len(source))
    straight = _learned(subject.new().fit(source, target), source)
    turned = _learned(subject.new().fit(source.take(order), target.take(order[::-1])), source.take(order))
    assert np.allclose(straight[order], turned, atol=1e-5), f"{subject.name} depends on the order of samples."


def check_dtype_and_layout_do_not_matter(subject: Subject) -> None:
    """float32, float64 and non-contiguous inputs give the same to float32 precision."""
    source, target = _domains(subject)
    expected = _learned(subject.new().fit(source, target), source)
    for change in (lambda x: x.astype(np.float64), lambda x: np.asfortranarray(x), lambda x: np.repeat(x, 2, 0)[::2]):
        changed = Domain(change(source.x), source.y)
        found = _learned(subject.new().fit(changed, Domain(change(target.x))), changed)
        assert np.allclose(expected, found, atol=1e-4), f"{subject.name} depends on the inputs' type or layout."


@applies_if(_is_weighting)
def check_weights_are_weights(subject: Subject) -> None:
    """At least 0, finite, with mean 1."""
    source, target = _domains(subject)
    weights = subject.new().fit(source, target).weights_
    assert weights.shape == (len(source),), f"{subject.name} gives weights of shape {weights.shape}."
    assert np.isfinite(weights).all() and (weights >= 0).all(), f"{subject.name} gives weights below 0 or not finite."
    assert np.isclose(weights.mean(), 1.0), f"{subject.name} gives weights of mean {weights.mean()}."


@applies_if(_is_weighting)
def check_equal_domains_weigh_evenly(subject: Subject) -> None:
    """Nothing to correct: the effective sample size stays near the whole."""
    source, _ = _domains(subject)
    fitted = subject.new().fit(source, source.without_labels())
    share = fitted.effective_sample_size_ / len(source)
    assert share > 0.9, f"{subject.name} keeps an effective {share:.0%} of equal domains."


@applies_if(_is_mapping)
def check_equal_domains_map_alike(subject: Subject) -> None:
    """Nothing to correct: source and target maps agree on equal domains."""
    source, _ = _domains(subject)
    fitted = subject.new().fit(source, source.without_labels())
    a, b = fitted.transform(source.x, domain="source"), fitted.transform(source.x)
    assert np.allclose(a, b, atol=1e-6 * max(1.0, np.abs(b).max())), f"{subject.name} moves a domain onto itself."
