"""How well each selection rule ranks what it chooses from: the epochs of a run, and the runs of a task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from da.config import catalog
from da.results.record import Record, latest
from da.results.store import protocols, settings
from da.setting import NONE, SETTINGS
from da.tables.wording import ORACLE
from da.tables.writer import Sheet

LEAST = 3  # two candidates correlate by -1 or 1, whatever the rule


class Candidate(NamedTuple):
    """What a rule may choose: its score, None where there is none, and the target accuracy (in percent) it leads to."""

    score: float | None
    accuracy: float


class Case(NamedTuple):
    """One choice by one rule.

    Args:
        correlation: Spearman's correlation of scores and accuracies; None where it is undefined.
        regret: best possible accuracy minus that of the choice, in points.
        tied: whether several candidates share the highest score.
    """

    correlation: float | None
    regret: float
    tied: bool


@dataclass(frozen=True)
class RuleRanking:
    """How one rule did in all cases.

    Args:
        rule: its name.
        cases: its choices.
        absent: number of cases in which it scored no candidate.
    """

    rule: str
    cases: tuple[Case, ...]
    absent: int

    @property
    def correlations(self) -> list[float]:
        """The correlations that are defined."""
        return [case.correlation for case in self.cases if case.correlation is not None]

    @property
    def regrets(self) -> list[float]:
        """The regret of every case, in points."""
        return [case.regret for case in self.cases]


def spearman(candidates: Sequence[Candidate]) -> float | None:
    """Spearman's rank correlation of scores and accuracies, ties at their mean rank.

    None where it is undefined: fewer than three scored candidates, or all scores or all accuracies equal.
    """
    from scipy.stats import spearmanr

    scored = [c for c in candidates if c.score is not None]
    if len(scored) < LEAST or any(len(set(column)) < 2 for column in zip(*scored, strict=True)):
        return None
    return float(spearmanr(scored).statistic)


def judge(candidates: Sequence[Candidate], best: float) -> Case | None:
    """A rule's case, or None where it scored no candidate.

    Among candidates that share the highest score the rule knows no better: their mean accuracy counts, which is what
    a choice by chance gets on average.

    Args:
        candidates: what it chooses from.
        best: best possible accuracy, in percent.
    """
    found = winners(candidates)
    return Case(spearman(candidates), best - float(np.mean(found)), len(found) > 1) if found else None


def winners(candidates: Sequence[Candidate]) -> list[float]:
    """Accuracies of the candidates that share the highest score; none where nothing was scored."""
    scores = [c.score for c in candidates if c.score is not None]
    return [c.accuracy for c in candidates if scores and c.score == max(scores)]


def within_runs(records: Sequence[Record]) -> list[RuleRanking]:
    """How every rule ranks the epochs of a run; a case is a finished run with several evaluated epochs.

    Runs that were granted target labels are left out: who has labels does not choose without.

    Args:
        records: as :func:`da.results.store.load` gives them.
    """
    choices = []
    for epochs in (_epochs(r) for group in _groups(records).values() for r in group):
        if len(epochs) > 1:
            best = max(e.accuracy for e in epochs)
            choices.append((best, {rule: [e.candidate(rule) for e in epochs] for rule in _rules(epochs)}))
    return _rankings(choices)


def across_runs(records: Sequence[Record]) -> list[RuleRanking]:
    """How every rule ranks the runs of a task, each at the epoch that the rule itself chooses.

    A case is a task and a seed, with one candidate a method and configuration. Best possible is the best epoch of the
    best run. Runs that were granted target labels are left out.

    Args:
        records: as :func:`da.results.store.load` gives them.
    """
    choices = []
    for runs in judged_runs(records):
        rules = _rules([e for run in runs for e in run.epochs])
        choices.append((best_of(runs), {rule: [run.chosen(rule) for run in runs] for rule in rules}))
    return _rankings(choices)


def judged_runs(records: Sequence[Record]) -> list[list[JudgedRun]]:
    """The runs that may be chosen, none of which was granted target labels: a list for each task and seed.

    Tasks with a single such run leave no choice, and are left out.

    Args:
        records: as :func:`da.results.store.load` gives them.
    """
    groups = _groups(records).values()
    return [[JudgedRun(r.method, r.data, _epochs(r)) for r in group] for group in groups if len(group) > 1]


def _groups(records: Sequence[Record]) -> dict[Any, list[Record]]:
    """Finished runs with target accuracies, without target labels, by task and seed; of repeated ones the newest."""
    protocol = {id(r): found for r, found in zip(records, protocols(records), strict=True)}
    newest: dict[Any, Record] = {}
    for r in records:
        if r.is_finished and _epochs(r) and not _has_target_labels(r):
            key = (protocol[id(r)], r.seed), r.method, frozenset(settings(r).items())
            newest[key] = latest([*filter(None, [newest.get(key)]), r])[-1]
    groups: dict[Any, list[Record]] = {}
    for (group, _, _), r in newest.items():
        groups.setdefault(group, []).append(r)
    return groups


class JudgedEpoch(NamedTuple):
    """An epoch that a rule may choose: the scores of all rules, and the main metric on the target in percent."""

    scores: Mapping[str, float | None]
    accuracy: float

    def candidate(self, rule: str) -> Candidate:
        """The epoch as one rule sees it."""
        return Candidate(self.scores.get(rule), self.accuracy)


def _epochs(r: Record) -> list[JudgedEpoch]:
    return [JudgedEpoch(e.scores, r.main_of(e.target_test)) for e in r.epochs if r.metric in e.target_test]


class JudgedRun(NamedTuple):
    """A run that a rule may choose.

    Args:
        method: its name.
        data: name of the data.
        epochs: the evaluated ones.
    """

    method: str
    data: str
    epochs: Sequence[JudgedEpoch]

    def chosen(self, rule: str) -> Candidate:
        """The run at the first epoch of the rule's highest score, as its record reports it."""
        scores = [-math.inf if (score := e.scores.get(rule)) is None else score for e in self.epochs]
        scored = any(e.scores.get(rule) is not None for e in self.epochs)
        return self.epochs[scores.index(max(scores)) if scored else -1].candidate(rule)


def best_of(runs: Sequence[JudgedRun]) -> float:
    """The best accuracy of any epoch of any run, in percent."""
    return max(e.accuracy for run in runs for e in run.epochs)


def _has_target_labels(r: Record) -> bool:
    """Whether a run was granted target labels; a method of no named setting that is in no YAML might have been."""
    method = catalog.entries("method").get(r.method)
    access = SETTINGS.get(r.setting) or (None if method is None else method.access)
    return access is None or access.target_y > NONE


def _rules(epochs: Sequence[JudgedEpoch]) -> set[str]:
    return {rule for e in epochs for rule in e.scores if not rule.startswith(ORACLE)}


def _rankings(choices: Sequence[tuple[float, Mapping[str, Sequence[Candidate]]]]) -> list[RuleRanking]:
    found = []
    for rule in sorted({rule for _, by_rule in choices for rule in by_rule}):
        cases = [judge(by_rule.get(rule, ()), best) for best, by_rule in choices]
        judged = tuple(case for case in cases if case is not None)
        found.append(RuleRanking(rule, judged, len(cases) - len(judged)))
    return found


def markdown(rankings: Sequence[RuleRanking]) -> str:
    """A table of rankings, least regret first."""
    head = ["rule", "correlation", "regret", "cases", "undefined", "tied", "absent"]
    body = []
    for ranking in sorted(rankings, key=lambda r: (not r.cases, float(np.mean(r.regrets or [0.0])), r.rule)):
        counts = [len(ranking.cases), len(ranking.cases) - len(ranking.correlations)]
        counts += [sum(case.tied for case in ranking.cases), ranking.absent]
        spreads = [_spread(ranking.correlations, 2), _spread(ranking.regrets, 1)]
        body.append([f"`{ranking.rule}`", *spreads, *map(str, counts)])
    return Sheet(head, body).markdown()


def _spread(values: Sequence[float], digits: int) -> str:
    if not values:
        return "-"
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{deviation}"


def report(records: Sequence[Record]) -> str:
    """Both rankings in Markdown, with how to read them."""
    parts = []
    for title, what, rankings in (
        ("Epochs within a run", "a case is a run with several evaluated epochs", within_runs(records)),
        (
            "Runs within a task",
            "a case is a task and a seed; candidates are its methods and configurations, each at the epoch that the "
            "rule chooses",
            across_runs(records),
        ),
    ):
        table = markdown(rankings) if rankings else "No case."
        parts.append(f"## {title}\n\nHere {what}.\n\n{table}\n")
    return "\n".join(["# How selection rules rank\n", CAPTION, *parts])


CAPTION = """\
Mean ± sample standard deviation over cases. Correlation is Spearman's, of a rule's scores with the accuracy on the
target test split; it is undefined (and counted apart) with fewer than three candidates, or where all scores or all
accuracies are equal. Regret is the best accuracy of any epoch of any candidate minus that of the choice, in points;
of candidates tied for the highest score it is the mean, so a rule that scores all alike regrets what chance would.
Absent are cases in which the rule scored nothing. Runs that were granted target labels are left out.
"""
