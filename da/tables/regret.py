"""What a choice of a method without target labels costs, over the committed tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from da.results import store
from da.tables import results_page as page
from da.tables import summary
from da.tables.ranking import JudgedRun, best_of, judged_runs, winners
from da.tables.wording import ORACLE

LEVEL = 0.95


@dataclass(frozen=True)
class Regret:
    """What a way to choose loses to the best choice, in points of accuracy.

    Args:
        mean: over families of tables.
        low: lower end of the 95 % interval of the mean; not below 0, as no regret is.
        high: upper end; infinite with fewer than two families.
        cases: number of choices that were judged: a table, a task and a seed each.
    """

    mean: float
    low: float
    high: float
    cases: int


class Decision(NamedTuple):
    """One choice that was there to make.

    Args:
        table: name of the table.
        family: the same for all tables that share a data set.
        runs: what could be chosen: a table's runs without target labels on one task with one seed.
    """

    table: str
    family: str
    runs: Sequence[JudgedRun]

    @property
    def rules(self) -> set[str]:
        """The label-free rules that scored any run."""
        return {
            rule
            for run in self.runs
            for epoch in run.epochs
            for rule, score in epoch.scores.items()
            if score is not None and not rule.startswith(ORACLE)
        }


def method_choice() -> Mapping[str, Regret]:
    """The regret of choosing a method by each label-free rule, over all committed tables, by the rule's name.

    Empty where there are no committed tables, as in an installation without the folder ``benchmarks``.
    """
    return _by_rule(page.RESULTS)


def best_rule() -> str:
    """The rule with the least mean regret on the committed tables; empty where there are none."""
    return least(method_choice())


def least(regrets: Mapping[str, Regret]) -> str:
    """The name with the least mean regret, of equal ones the first in the alphabet; empty where there is none."""
    return min(sorted(regrets), key=lambda name: regrets[name].mean, default="")


@cache
def _by_rule(folder: Path) -> Mapping[str, Regret]:
    return MappingProxyType(by_rule(committed(folder)))


def committed(folder: Path | None = None) -> tuple[Decision, ...]:
    """The cases of all committed tables; tables whose runs no rule scored have none.

    Args:
        folder: where they are, by default ``benchmarks/results``.
    """
    return _committed(folder or page.RESULTS)


@cache
def _committed(folder: Path) -> tuple[Decision, ...]:
    with store.collector_off():
        tables = {file.stem: summary.read(file) for file in sorted(folder.glob("*.json"))}
        return tuple(cases({name: judged_runs(summary.as_records(_of_methods(t))) for name, t in tables.items()}))


def _of_methods(table: summary.Summary) -> summary.Summary:
    """A table without cells that no configured method made."""
    kept = [e for e in table.entries if e.origin is not None and "method._target_" in e.origin.config]
    return replace(table, entries=tuple(kept))


def cases(choices: Mapping[str, Sequence[Sequence[JudgedRun]]]) -> list[Decision]:
    """Cases from the choices of each table by its name; tables that share a data set are one family."""
    families = _families({table: {run.data for runs in found for run in runs} for table, found in choices.items()})
    return [Decision(table, families[table], runs) for table, found in choices.items() for runs in found]


def _families(data: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The name of each table's family, which is its first table; tables that share data are of one."""
    family = {table: table for table in data}
    for table in data:
        related = {family[other] for other in data if set(data[other]) & set(data[table])} | {family[table]}
        family = {name: min(related) if found in related else found for name, found in family.items()}
    return family


def by_rule(cases: Sequence[Decision]) -> dict[str, Regret]:
    """The regret of choosing by each rule that scored any run, by the rule's name."""
    rules = sorted({rule for case in cases for rule in case.rules})
    return {rule: over(cases, lambda case, rule=rule: accuracy_by(rule, case.runs)) for rule in rules}  # type: ignore[misc]  # the default binds the loop's rule


def accuracy_by(rule: str, runs: Sequence[JudgedRun]) -> float:
    """Accuracy that a rule's choice has on average, in percent, each run at the epoch that the rule chooses.

    Of runs that share the highest score it is the mean, as chance chooses; so it is where the rule scored none.
    """
    chosen = [run.chosen(rule) for run in runs]
    return float(np.mean(winners(chosen) or [c.accuracy for c in chosen]))


def over(cases: Sequence[Decision], accuracy: Callable[[Decision], float]) -> Regret:
    """The mean regret of a way to choose, see :func:`mean_over_families`.

    Args:
        cases: at least one.
        accuracy: what the way to choose leads to in a case, in percent.
    """
    mean, half = mean_over_families(cases, lambda case: best_of(case.runs) - accuracy(case))
    return Regret(mean, max(0.0, mean - half), mean + half, len(cases))


def mean_over_families(cases: Sequence[Decision], value: Callable[[Decision], float]) -> tuple[float, float]:
    r"""A mean over families of tables, and half of its 95 % interval, by Student's t.

    Tasks and seeds of a table are alike, and so are tables on the same data: the interval treats the mean of each
    family as one observation. A family's value is the mean of its tables', a table's that of its cases.

    .. math:: \bar r \pm t_{F-1} \, s / \sqrt F \quad\text{over the } F \text{ families}

    Args:
        cases: at least one.
        value: of a case.
    """
    means = list(by_family(cases, value).values())
    return float(np.mean(means)), _half_width(means)


def by_family(cases: Sequence[Decision], value: Callable[[Decision], float]) -> dict[str, float]:
    """The mean value of each family, by its name."""
    by_table: dict[tuple[str, str], list[float]] = {}
    for case in cases:
        by_table.setdefault((case.family, case.table), []).append(value(case))
    families: dict[str, list[float]] = {}
    for (family, _), values in by_table.items():
        families.setdefault(family, []).append(float(np.mean(values)))
    return {family: float(np.mean(values)) for family, values in families.items()}


def _half_width(values: Sequence[float]) -> float:
    """Half of the t interval of a mean; infinite with fewer than two values."""
    from scipy.special import stdtrit

    if len(values) < 2:
        return math.inf
    quantile = float(stdtrit(len(values) - 1, (1.0 + LEVEL) / 2.0))
    return quantile * float(np.std(values, ddof=1)) / math.sqrt(len(values))
