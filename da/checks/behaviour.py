"""Check that a transfer method beats its baseline on a shift that it is designed for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from da.checks.harness import batch_for, build, train
from da.checks.suite import CheckedMethod
from da.data.toy import Toy, ToyDimensions
from da.domain import Task
from da.estimators.base import Weighting
from da.estimators.subspace.pooled import Pooled
from da.estimators.subspace.unadapted import Unadapted
from da.nn.networks import MLP
from da.setting import DIFFERENT, FEW, NONE

SEEDS = (0, 1, 2)
MARGIN = 2.0
LINEAR = partial(MLP, hidden=[], features=None)
SPLITS = {"rotation": 2, "subspace": 1}
SIZES = {"covariate": 400}
CLASSES = {"target": 8}  # three of its classes hardly overlap, and priors matter only where classes do


@dataclass(frozen=True)
class ToyProblem:
    """A toy task and the training on it."""

    task: Task
    network: Any = None
    epochs: int = 15
    steps: int = 10
    options: tuple[tuple[str, Any], ...] = ()


def check_beats_its_baseline(subject: CheckedMethod) -> None:
    """The mean accuracy over 3 seeds exceeds that of the same training without transfer, on at least one shift.

    Shifts have different requirements, so one of those of the setting is enough; a method that adds nothing to its
    baseline (the baselines themselves, a new scaffold) must only not be worse.

    Raises:
        AssertionError: it is not better on any; the message has the accuracies on each.
    """
    margin = MARGIN if _transfers(subject) else -1e-9
    reports = []
    for problem in toy_problems(subject):
        ours, theirs = accuracy(subject, problem), baseline(subject, problem)
        if ours >= theirs + margin:
            return
        reports.append(f"{problem.task.name}: {ours:.1f} against {theirs:.1f}")
    raise AssertionError(
        f"{subject.name} does not beat its baseline by {margin:.0f} points anywhere ({'; '.join(reports)})."
    )


def accuracy(subject: CheckedMethod, problem: ToyProblem, **options: Any) -> float:
    """Mean target test accuracy over the seeds, in percent."""
    accuracies = []
    for seed in SEEDS:
        method = build(subject, problem.task, seed=seed, network=problem.network, **(dict(problem.options) | options))
        evaluator = train(
            method, problem.task, seed=seed, epochs=problem.epochs, steps=problem.steps, batch_size=64,
        )  # fmt: skip
        accuracies.append(next(iter(evaluator.history[-1]["target_test"].values())))
    return float(np.mean(accuracies))


@cache
def toy(**options: Any) -> Task:
    """A toy task, cached so that trainings on it can be cached too."""
    return Toy(**options).load()


@cache
def toy_dimensions(**options: Any) -> Task:
    """As :func:`toy`, with two feature spaces."""
    return ToyDimensions(**options).load()


def toy_problems(subject: CheckedMethod) -> list[ToyProblem]:
    """Toy tasks for the subject's setting."""
    needs = subject.needs
    if needs.spaces == DIFFERENT:
        return [ToyProblem(toy_dimensions(samples=200, split_seed=s), epochs=10) for s in (0, 1)]
    if not needs.source_x:
        return [ToyProblem(toy(shift="rotation", samples=300), epochs=6)]
    if not subject.is_estimator and "covariate" in getattr(subject.make, "corrects", ()):  # weights help a rigid model
        return [ToyProblem(toy(shift="covariate", samples=400), network=LINEAR)]
    shifts = getattr(subject.make, "corrects", ("rotation", "subspace"))
    return [
        ToyProblem(
            toy(
                shift=shift,
                samples=SIZES.get(shift, 300),
                classes=CLASSES.get(shift, 3),
                split_seed=SPLITS.get(shift, 0),
            )
        )
        for shift in shifts
    ]


def baseline(subject: CheckedMethod, problem: ToyProblem) -> float:
    """Accuracy of the same training without transfer."""
    from da.methods.inductive.fine_tune import FineTune
    from da.methods.transductive.source_only import SourceOnly

    needs = subject.needs
    if subject.is_estimator:
        return reached(Pooled if needs.target_y == FEW else Unadapted, problem)
    if "weight" in _parameters(subject) and (needs.spaces == DIFFERENT or needs.source_y == NONE):
        return accuracy(subject, problem, weight=0.0)  # no baseline method can be trained on these data
    if needs.target_y == FEW and not needs.source_x:
        return reached(FineTune, problem)
    return reached(SourceOnly, problem)


@cache
def reached(method: type, problem: ToyProblem) -> float:
    """The accuracy of a baseline, trained only once for all methods that are compared with it."""
    return accuracy(CheckedMethod(method.__name__, method, method.needs), problem)  # type: ignore[attr-defined]  # every method has needs


def _parameters(subject: CheckedMethod) -> set[str]:
    import inspect

    return set(inspect.signature(subject.make).parameters)


def _weighs(subject: CheckedMethod) -> bool:
    if subject.is_estimator:
        return issubclass(subject.make, Weighting)  # type: ignore[arg-type]  # a class, as is_estimator says
    return hasattr(subject.new(), "weighting")


def _transfers(subject: CheckedMethod) -> bool:
    """Whether the subject adds anything to its baseline: a second term, weights, a map."""
    if subject.is_estimator:
        return subject.make not in (Unadapted, Pooled)
    if _weighs(subject):
        return True
    task = toy_problems(subject)[0].task
    method = build(subject, task)
    terms = [name for phase in method.phases(0.5) for name in phase.terms(batch_for(subject.needs, task), 0.5)]
    return len(terms) > 1
