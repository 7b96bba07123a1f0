"""A task cut in two: what a method is granted while it trains, and what it is judged on.

The two never meet again: batches and the data module hold the first, the evaluation (:mod:`da.engine.evaluation`) the
second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from da.domain import Domain, Granted, Task, pool
from da.errors import DataError
from da.setting import ALL, FEW, MANY, NONE, Access

SCORED = 10_000  # unlabelled target samples that selection rules look at: more would only cost time


@dataclass(frozen=True, eq=False)
class Exam:
    """The samples that a run is evaluated on, with the labels that are known.

    Args:
        domains: by name: ``source_test`` (if the source is granted and has one), ``target_train`` (unlabelled; at most
            10 000, evenly spaced) and ``target_test``.
        classes: names of the classes.
        metric: the metric in published tables on these data, one of :data:`da.metrics.METRICS`.
        transductive: the target's training inputs are its test inputs.
    """

    domains: dict[str, Domain]
    classes: tuple[str, ...]
    metric: str = "accuracy"
    transductive: bool = False


def grant(task: Task, needs: Access, *, shots: int = 3, seed: int = 0) -> Granted:
    """The training domains of a task that a method may see, and nothing else of it.

    Args:
        task: the data, with all known labels.
        needs: the access of the method.
        shots: labelled target samples per class, where ``needs`` grants few.
        seed: of the choice of the labelled samples.

    Raises:
        DataError: labels that are needed are missing, or ``shots`` labels all of a target that is needed unlabelled.
    """
    sources = tuple(s.train if needs.source_y > NONE else s.train.without_labels() for s in task.sources)
    if needs.source_y > NONE and any(s.y is None for s in sources):
        raise DataError(
            f"The method needs source labels, but a source of {task.name} has none; give a labelled source, or "
            "name the column or array of its labels (data.label_column)."
        )
    target, labelled = _target_of(task, needs, shots, seed)
    domains: dict[str, Any] = {} if labelled is None else {"labelled": alone(labelled)}
    if needs.source_x:
        domains["sources"] = tuple(map(alone, sources if needs.sources == MANY else (pool(sources),)))
    if needs.target_x or needs.target_y == ALL:
        domains["target"] = alone(target if needs.target_y == ALL else target.without_labels())
    return Granted(**domains)


def examine(task: Task, needs: Access, *, shots: int = 3, seed: int = 0) -> Exam:
    """What a method is judged on; the arguments are those of :func:`grant`.

    Raises:
        DataError: as :func:`grant`, of the target's labels.
    """
    target, labelled = _target_of(task, needs, shots, seed)
    test = task.target.test
    if test is None or (labelled is not None and task.transductive):  # labelled samples are not tested on
        test = target
    seen = target if test is target or task.transductive else target.subset(evenly(len(target), SCORED))
    domains = {"target_train": seen.without_labels()}
    held_out = [s.test for s in task.sources if s.test is not None]
    if needs.source_x and held_out and all(d.y is not None for d in held_out):
        domains["source_test"] = pool(tuple(held_out))
    domains["target_test"] = test
    return Exam(domains, task.classes, task.metric, task.transductive)


def _target_of(task: Task, needs: Access, shots: int, seed: int) -> tuple[Domain, Domain | None]:
    """The target's training samples without the few that are labelled, and these where few are granted."""
    target = task.target.train
    if needs.target_y > NONE and target.y is None:
        raise DataError(f"The method needs labels in the target, but the target of {task.name} has none.")
    if needs.target_y != FEW:
        return target, None
    chosen = choose_few(target, task.n_classes, shots, seed)
    rest = np.setdiff1d(np.arange(len(target)), chosen)
    if len(rest) == 0 and (needs.target_x or task.transductive):
        raise DataError(f"shots={shots} labels the whole target of {task.name}; lower `shots`.")
    return target.subset(rest) if len(rest) else target, target.subset(chosen)


def alone(domain: Domain) -> Domain:
    """Copy samples that are views, as a view holds the whole array with other splits, and drop their names."""

    def owned(part: Any) -> Any:
        base = getattr(part, "base", None)
        while isinstance(getattr(base, "base", None), np.ndarray):
            base = base.base  # type: ignore[union-attr]  # an array, as the condition says
        return part.copy() if isinstance(base, np.ndarray) and base.size > part.size else part

    return replace(domain, x=owned(domain.x), y=owned(domain.y), weight=owned(domain.weight), ids=None)


def steps_of(granted: Granted, batch_size: int) -> int:
    """Number of steps of one pass over the largest domain."""
    return math.ceil(max(map(len, granted.parts().values())) / batch_size)


def evenly(count: int, most: int) -> np.ndarray:
    """Indices of at most ``most`` of ``count`` samples, evenly spaced; all of them if there are not more."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(int)


def choose_few(domain: Domain, n_classes: int, shots: int, seed: int) -> np.ndarray:
    """Sorted indices of ``shots`` samples of every class (all of a smaller class), drawn by ``seed``."""
    order = np.random.default_rng([seed, 7]).permutation(len(domain))
    y = np.asarray(domain.y)[order]
    return np.sort(np.concatenate([order[y == c][:shots] for c in range(n_classes)]))
