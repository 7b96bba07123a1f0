"""Detect runs whose result does not depend on the seed, which are run only once for several seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from da.config import catalog
from da.config.titles import distinct_titles
from da.config.validate import Plan
from da.errors import ConfigError
from da.setting import FEW

QUIET: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "LogisticRegression": lambda node: node.get("solver", "lbfgs") in ("lbfgs", "newton-cg", "newton-cholesky"),
    "LinearSVC": lambda node: node.get("dual") is False,
    "SVC": lambda node: not node.get("probability", False),
    "RidgeClassifier": lambda node: node.get("solver", "auto") not in ("sag", "saga"),
}
"""Classifiers with a ``random_state`` that are deterministic under some settings (scikit-learn's documentation)."""
T = TypeVar("T")


def draws(plan: Plan) -> bool:
    """Whether the seed matters: for a network's weights, the choice of the few labelled samples, or a classifier.

    Closed-form methods with random numbers have their own ``seed``, and the split of the data has another one.
    """
    return _draws(plan.method, plan.config.get("classifier") or {})


def seed_matters(config: Mapping[str, Any]) -> bool:
    """As :func:`draws`, for a flat configuration (``method._target_``, ``classifier.C``); True where it cannot be told.

    Args:
        config: keys as on the command line.
    """
    classifier = {key.partition(".")[2]: value for key, value in config.items() if key.startswith("classifier.")}
    try:
        return _draws(catalog.entry_of("method", str(config.get("method._target_"))), classifier)
    except ConfigError:
        return True


def _draws(method: catalog.Entry, classifier: Mapping[str, Any]) -> bool:
    if not method.is_estimator or method.access.target_y == FEW:
        return True
    signature = catalog.resolve(str(classifier["_target_"]), "classifier")
    if isinstance(classifier.get("random_state"), int) or "random_state" not in signature.keywords():
        return False
    quiet = QUIET.get(signature.path.rpartition(".")[2])
    return quiet is None or not quiet(classifier)


def once(items: Sequence[T], plan_of: Callable[[T], Plan | None]) -> tuple[list[T], list[str]]:
    """Drop runs that differ from another run only by the seed, where the seed does not matter.

    Args:
        items: runs in order.
        plan_of: an item's plan; None keeps it.

    Returns:
        The remaining items, and a sentence for each run that replaces others.
    """
    remaining: list[T] = []
    first: dict[str, tuple[Plan, list[int]]] = {}
    for item in items:
        plan = plan_of(item)
        if plan is None or draws(plan):
            remaining.append(item)
            continue
        key = json.dumps(plan.config | {"seed": None}, sort_keys=True)
        if key in first:
            first[key][1].append(plan.config["seed"])
        else:
            first[key] = plan, []
            remaining.append(item)
    stand = [(plan, others) for plan, others in first.values() if others]
    return remaining, [
        f"{name}: it draws nothing, so this run stands for {'seeds' if len(others) > 1 else 'seed'} "
        f"{', '.join(map(str, others))} too"
        for name, (_, others) in zip(distinct_titles([plan for plan, _ in stand]), stand, strict=True)
    ]
