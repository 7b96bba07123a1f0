"""Strategies that choose a method without target labels, and what each regrets on tables that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from da.tables.ranking import Candidate, JudgedRun, best_of, winners
from da.tables.regret import Decision, Regret, by_family, by_rule, mean_over_families, over

BASELINES = ("unadapted", "source_only")
"""Methods that do not adapt: closed-form, deep."""
UNKNOWN = 0.5
"""Relative rank of a method that no table has: in the middle."""
JOINED = 3
"""Number of rules whose ranks are averaged by the strategy of several rules."""


class Experience(NamedTuple):
    """What tables teach, as far as strategies use it.

    Args:
        order: average relative rank of each method, from 0, the best of every table, to 1.
        rules: label-free rules, that with the least regret first.
    """

    order: Mapping[str, float]
    rules: Sequence[str]

    def rank_of(self, run: JudgedRun) -> float:
        """The average relative rank of a run's method."""
        return self.order.get(run.method, UNKNOWN)


Strategy = Callable[[Experience, Sequence[JudgedRun]], list[Candidate]]
"""Scores runs, higher is better, each at the epoch that it would take; None where a run is out of the question."""


def learn(decisions: Sequence[Decision]) -> Experience:
    r"""What some tables teach.

    A method's relative rank is averaged over decisions of a table, tables of a family, and families; half is added for
    a family more, :math:`(\sum_f r_f + \tfrac12) / (F + 1)`, so that what was seen once does not lead.

    Args:
        decisions: of these tables.
    """
    seen: dict[str, dict[str, dict[str, list[float]]]] = {}
    for decision in decisions:
        for method, rank in relative_ranks(decision.runs).items():
            seen.setdefault(method, {}).setdefault(decision.family, {}).setdefault(decision.table, []).append(rank)
    order = {}
    for method, families in seen.items():
        means = [float(np.mean([np.mean(ranks) for ranks in tables.values()])) for tables in families.values()]
        order[method] = (sum(means) + UNKNOWN) / (len(means) + 1)
    regrets = by_rule(decisions)
    return Experience(order, sorted(regrets, key=lambda rule: (regrets[rule].mean, rule)))


def relative_ranks(runs: Sequence[JudgedRun]) -> dict[str, float]:
    """Each method's rank among the methods of a decision by its mean accuracy at the last epoch, from 0 (best) to 1."""
    accuracies: dict[str, list[float]] = {}
    for run in runs:
        accuracies.setdefault(run.method, []).append(run.epochs[-1].accuracy)
    means = [float(np.mean(found)) for found in accuracies.values()]
    return dict(zip(accuracies, 1.0 - relative(means), strict=True))


def relative(scores: Sequence[float | None]) -> np.ndarray:
    """``(n,)`` ranks of scores from 0, the lowest, to 1, equal ones at their mean; what has no score is lowest.

    >>> relative([3.0, None, 7.0, 7.0]).round(2).tolist()
    [0.33, 0.0, 0.83, 0.83]
    """
    values = np.array([-np.inf if score is None else score for score in scores])
    below = (values[:, None] > values).sum(1) + ((values[:, None] == values).sum(1) - 1) / 2
    return np.asarray(below / max(len(values) - 1, 1))


def chance(experience: Experience, runs: Sequence[JudgedRun]) -> list[Candidate]:
    """Any run, as likely as each other."""
    return [Candidate(0.0, run.epochs[-1].accuracy) for run in runs]


def no_adaptation(experience: Experience, runs: Sequence[JudgedRun]) -> list[Candidate]:
    """Always the method that does not adapt."""
    return [Candidate(1.0 if run.method in BASELINES else 0.0, run.epochs[-1].accuracy) for run in runs]


def best_on_average(experience: Experience, runs: Sequence[JudgedRun]) -> list[Candidate]:
    """Always the method with the best average rank on the other tables."""
    return [Candidate(-experience.rank_of(run), run.epochs[-1].accuracy) for run in runs]


def rule(experience: Experience, runs: Sequence[JudgedRun]) -> list[Candidate]:
    """The run that scores highest under the rule with the least regret on the other tables."""
    return [run.chosen(experience.rules[0]) for run in runs]


def several_rules(experience: Experience, runs: Sequence[JudgedRun]) -> list[Candidate]:
    """The run with the best mean rank under the three rules with the least regret on the other tables."""
    ranks = [relative([run.chosen(name).score for run in runs]) for name in experience.rules[:JOINED]]
    return _scored(np.mean(ranks, axis=0), experience, runs)


def rule_and_order(experience: Experience, runs: Sequence[JudgedRun]) -> list[Candidate]:
    """The run with the best mean of two ranks: under that rule, and of its method on the other tables."""
    own = relative([candidate.score for candidate in rule(experience, runs)])
    known = relative([-experience.rank_of(run) for run in runs])
    return _scored((own + known) / 2, experience, runs)


def rule_in_better_half(experience: Experience, runs: Sequence[JudgedRun]) -> list[Candidate]:
    """The run that scores highest under that rule, among methods in the better half on the other tables."""
    ranks = [experience.rank_of(run) for run in runs]
    limit = float(np.median(ranks))
    found = zip(rule(experience, runs), ranks, strict=True)
    return [candidate if rank <= limit else candidate._replace(score=None) for candidate, rank in found]


def _scored(scores: np.ndarray, experience: Experience, runs: Sequence[JudgedRun]) -> list[Candidate]:
    chosen = rule(experience, runs)
    return [c._replace(score=float(score)) for c, score in zip(chosen, scores, strict=True)]


USED = "rule"
"""The strategy of :mod:`da.cli.choose`: the simplest, set before any was judged."""
STRATEGIES: dict[str, Strategy] = {
    s.__name__: s
    for s in (rule, several_rules, rule_and_order, rule_in_better_half, best_on_average, no_adaptation, chance)
}
"""All that are judged, by name; the last three do not look at the target."""


def accuracy_of(strategy: Strategy, experience: Experience, runs: Sequence[JudgedRun]) -> float:
    """Accuracy that a strategy's choice has on average, in percent; where it scores nothing chance chooses."""
    candidates = strategy(experience, runs)
    return float(np.mean(winners(candidates) or [c.accuracy for c in candidates]))


@dataclass(frozen=True)
class HeldOut:
    """What strategies lead to on tables that they have not learned from: each family of tables held out in turn.

    Args:
        cases: decisions of two families or more.
    """

    cases: Sequence[Decision]

    @cached_property
    def lessons(self) -> dict[str, Experience]:
        """What all other families teach, by family."""
        families = dict.fromkeys(case.family for case in self.cases)
        return {family: learn([c for c in self.cases if c.family != family]) for family in families}

    def accuracy(self, name: str) -> Callable[[Decision], float]:
        """What a strategy leads to in a case, in percent."""
        return lambda case: accuracy_of(STRATEGIES[name], self.lessons[case.family], case.runs)

    def regret(self, name: str) -> Regret:
        """The mean regret of a strategy."""
        return over(self.cases, self.accuracy(name))

    def regret_by_family(self, name: str) -> dict[str, float]:
        """The regret of a strategy on each family of tables."""
        accuracy = self.accuracy(name)
        return by_family(self.cases, lambda case: best_of(case.runs) - accuracy(case))

    def lead(self, name: str, other: str) -> tuple[float, float]:
        """How much more a strategy regrets than another on average, in points, and half of the 95 % interval."""
        own, others = self.accuracy(name), self.accuracy(other)
        return mean_over_families(self.cases, lambda case: others(case) - own(case))

    def most_of_the_lead(self, name: str, other: str) -> tuple[str, float]:
        """The family that the difference of two strategies rests on most, and what it is without it.

        Returns:
            the family whose absence brings :meth:`lead` closest to the other side of 0, and the lead over the rest.
        """
        own, others = self.accuracy(name), self.accuracy(other)
        leads = by_family(self.cases, lambda case: others(case) - own(case))
        without = {f: float(np.mean([lead for g, lead in leads.items() if g != f])) for f in leads}
        whole = np.sign(np.mean(list(leads.values())) or 1.0)
        family = min(without, key=lambda f: whole * without[f])
        return family, without[family]

    def tables(self, family: str) -> list[str]:
        """Names of a family's tables."""
        return list(dict.fromkeys(case.table for case in self.cases if case.family == family))
