"""Divide a task into the domains that a method is given for training, and the samples that it is evaluated on.

They stay separate: batches and the data module hold the former, the evaluation (:mod:`da.engine.evaluation`) the
latter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from da.domain import Domain, Task, Withheld, pool
from da.errors import DataError
from da.setting import ALL, FEW, MANY, NONE, Access

SCORED = 10_000  # most unlabelled target samples that selection rules read: more would only cost time
WHY = "the method does not need it"


@dataclass(frozen=True, eq=False)
class Handed:
    """The training domains as granted by ``needs``; what was not granted is absent or :class:`~da.domain.Withheld`.

    Args:
        sources: one domain for each source where they are kept apart, or one pooled source.
        target: the target's training samples, labelled only if all labels are granted.
        labelled: the few labelled target samples, where few are granted.
    """

    sources: Any  # tuple[Domain, ...] | Withheld
    target: Any  # Domain | Withheld
    labelled: Any  # Domain | Withheld


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


def divide(task: Task, needs: Access, *, shots: int = 3, seed: int = 0) -> tuple[Handed, Exam]:
    """Divide a task according to the needs of a method.

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
    target, test = task.target.train, task.target.test
    labelled: Domain | Withheld = Withheld("labelled target", WHY)
    if needs.target_y > NONE and target.y is None:
        raise DataError(f"The method needs labels in the target, but the target of {task.name} has none.")
    if needs.target_y == FEW:
        chosen = choose_few(target, task.n_classes, shots, seed)
        rest = np.setdiff1d(np.arange(len(target)), chosen)
        if len(rest) == 0 and (needs.target_x or task.transductive):
            raise DataError(f"shots={shots} labels the whole target of {task.name}; lower `shots`.")
        labelled = target.subset(chosen)
        target = target.subset(rest) if len(rest) else target
        test = target if task.transductive else test  # labelled samples are not used for testing
    handed = Handed(
        Withheld("source", WHY)
        if not needs.source_x
        else tuple(map(alone, sources))
        if needs.sources == MANY
        else (alone(pool(sources)),),
        Withheld("target", WHY)
        if not needs.target_x and needs.target_y < ALL
        else alone(target if needs.target_y == ALL else target.without_labels()),
        labelled if isinstance(labelled, Withheld) else alone(labelled),
    )
    seen = target if test is None or task.transductive else target.subset(evenly(len(target), SCORED))
    domains = {"target_train": seen.without_labels()}
    held_out = [s.test for s in task.sources if s.test is not None]
    if needs.source_x and held_out and all(d.y is not None for d in held_out):
        domains["source_test"] = pool(tuple(held_out))
    domains["target_test"] = target if test is None else test
    return handed, Exam(domains, task.classes, task.metric, task.transductive)


def alone(domain: Domain) -> Domain:
    """Copy samples that are views: a view holds a reference to the whole array, which may contain other splits."""

    def owned(part: Any) -> Any:
        base = getattr(part, "base", None)
        while isinstance(getattr(base, "base", None), np.ndarray):
            base = base.base  # type: ignore[union-attr]  # an array, as the condition says
        return part.copy() if isinstance(base, np.ndarray) and base.size > part.size else part

    return replace(domain, x=owned(domain.x), y=owned(domain.y), weight=owned(domain.weight))


def largest(handed: Handed) -> int:
    """Number of samples of the largest domain."""
    return max(len(domain) for domain in granted(handed).values())


def granted(handed: Handed) -> dict[str, Domain]:
    """The granted domains by the name that seeds their order of samples."""
    sources = () if isinstance(handed.sources, Withheld) else handed.sources
    named = {f"source{k}": domain for k, domain in enumerate(sources)}
    rest = {"target": handed.target, "labelled": handed.labelled}
    return named | {name: domain for name, domain in rest.items() if not isinstance(domain, Withheld)}


def steps_of(handed: Handed, batch_size: int) -> int:
    """Number of steps of one pass over the largest domain."""
    return math.ceil(largest(handed) / batch_size)


def evenly(count: int, most: int) -> np.ndarray:
    """Indices of at most ``most`` of ``count`` samples, evenly spaced; all of them if there are not more."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(int)


def choose_few(domain: Domain, n_classes: int, shots: int, seed: int) -> np.ndarray:
    """Sorted indices of ``shots`` samples of every class (all of a smaller class), drawn by ``seed``."""
    order = np.random.default_rng([seed, 7]).permutation(len(domain))
    y = np.asarray(domain.y)[order]
    return np.sort(np.concatenate([order[y == c][:shots] for c in range(n_classes)]))
