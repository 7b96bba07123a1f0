"""Checks of a Lightning method's modules and terms."""

from __future__ import annotations

import torch

from da.checks.harness import batch_for, build, task_for
from da.checks.suite import CheckedMethod
from da.domain import Task
from da.methods.base import Method, Terms

HALFWAY = 0.5


def _all_terms(
    method: Method, subject: CheckedMethod, task: Task, sizes: tuple[int, int, int]
) -> list[tuple[tuple[str, ...], Terms]]:
    batch = batch_for(subject.needs, task, sizes)
    return [(phase.groups, phase.terms(batch, HALFWAY)) for phase in method.phases(HALFWAY)]


def check_constructor_only_stores(subject: CheckedMethod) -> None:
    """Modules that depend on data are created in `build`, so that a new method has no parameters."""
    method = subject.new()
    assert not list(method.parameters()), f"{subject.name} makes parameters in its constructor; move them to `build`."


def check_terms_are_finite_scalars_of_stable_names(subject: CheckedMethod) -> None:
    """Terms have the same names at every step, and each is a finite scalar."""
    task = task_for(subject.needs)
    method = build(subject, task)
    first = _all_terms(method, subject, task, (16, 16, 3))
    second = _all_terms(method, subject, task, (8, 8, 3))
    assert [list(t) for _, t in first] == [list(t) for _, t in second], (
        f"{subject.name} changes the names of its terms."
    )
    for _, terms in first:
        for name, value in terms.items():
            assert value.ndim == 0, (
                f"Term '{name}' of {subject.name} has shape {tuple(value.shape)}; reduce it to a scalar."
            )
            assert torch.isfinite(value), f"Term '{name}' of {subject.name} is {value.item()}."


def check_any_batch_and_any_number_of_classes(subject: CheckedMethod) -> None:
    """Training works with batches of different sizes, batches of two, two classes and eleven."""
    for classes in (2, 11):
        task = task_for(subject.needs, classes=classes, samples=80)
        method = build(subject, task)
        for sizes in ((5, 9, 3), (9, 5, 2), (2, 2, 2)):
            for _, terms in _all_terms(method, subject, task, sizes):
                for name, value in terms.items():
                    assert torch.isfinite(value), f"Term '{name}' of {subject.name} is {value} for batches of {sizes}."
