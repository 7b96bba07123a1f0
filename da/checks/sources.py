"""Checks of methods that keep several sources apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from da.checks.harness import build, task_for, train
from da.checks.suite import CheckedMethod, applies_if
from da.domain import Domain, Split, Task
from da.setting import MANY


def _predictions(subject: CheckedMethod, task: Task) -> list[np.ndarray]:
    predictions = train(build(subject, task), task).predictions
    return [part for name in ("target_train", "target_test") for part in predictions[name]]


def _with(task: Task, number: int, domain: Domain) -> Task:
    """The task with another training part of one source."""
    sources = list(task.sources)
    sources[number] = Split(domain, sources[number].test)
    return replace(task, sources=tuple(sources))


def _equal(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@applies_if(lambda subject: subject.needs.sources == MANY)
def check_every_source_is_used(subject: CheckedMethod) -> None:
    """With three sources, other samples or other labels of any one change the predictions."""
    task = task_for(subject.needs)
    before = _predictions(subject, task)
    rng = np.random.default_rng(0)
    for number, split in enumerate(task.sources):
        domain = split.train
        changes: dict[str, Any] = {"inputs": replace(domain, x=(domain.x + 2.0).astype(np.float32))}
        if subject.needs.source_y:
            changes["labels"] = replace(domain, y=rng.permutation(domain.y))
        for what, changed in changes.items():
            assert not _equal(before, _predictions(subject, _with(task, number, changed))), (
                f"{subject.name} does not look at the {what} of source {number + 1} of {len(task.sources)}."
            )


@applies_if(lambda subject: subject.needs.sources == MANY)
def check_sources_of_unlike_sizes(subject: CheckedMethod) -> None:
    """Sources with a third and a half of the samples of another work, with finite predictions."""
    task = task_for(subject.needs)
    for number, share in ((1, 3), (2, 2)):
        domain = task.sources[number].train
        task = _with(task, number, domain.take(np.arange(len(domain) // share)))
    assert all(np.isfinite(part).all() for part in _predictions(subject, task)), (
        f"{subject.name} predicts what is not finite where sources differ in size."
    )


@applies_if(lambda subject: subject.needs.sources == MANY and subject.is_estimator)
def check_order_of_sources_does_not_matter(subject: CheckedMethod) -> None:
    """The result of a closed-form method does not depend on the order of sources."""
    task = task_for(subject.needs)
    turned = replace(task, sources=task.sources[::-1])
    pairs = zip(_predictions(subject, task), _predictions(subject, turned), strict=True)
    assert all(np.allclose(a, b, atol=1e-4) for a, b in pairs), f"{subject.name} depends on the order of its sources."
