"""Is a difference between methods more than chance? Tests over tasks, for many methods on few tasks.

A task is one observation (the mean over its seeds): seeds of one task are not independent evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import friedmanchisquare, rankdata

ALPHA = 0.05
FEWEST = 6
"""With fewer tasks no outcome of a two-sided signed-rank test is below 0.05: the least p of n tasks is 2 / 2^n."""

Scores = Mapping[str, Sequence[float]]
"""Scores by row, one for each task in the same order; higher is better."""


def signed_rank(a: Sequence[float], b: Sequence[float]) -> float:
    r"""Two-sided p of Wilcoxon's signed-rank test of paired scores, exact also with ties.

    :math:`W^+ = \sum_{d_i > 0} r_i + \frac12 \sum_{d_i = 0} r_i` with midranks :math:`r` of :math:`|d|, d = a - b`,
    against all equally likely signs of the differences that are not zero.

    Args:
        a: ``n`` figures.
        b: ``n`` scores of the same tasks.

    Returns:
        A probability; 1 where all differences are zero.

    Reference: Wilcoxon, Biometrics Bulletin 1945; zeros split as in Demsar, JMLR 2006.
    """
    difference = np.round(np.asarray(a, float) - np.asarray(b, float), 9)  # what is a tie to a reader is one here
    ranks = np.round(2 * rankdata(np.abs(difference))).astype(int)  # midranks are halves: twice them is whole
    moving = ranks[difference != 0]
    ways = np.ones(1)  # ways[w]: share of the signs that give W+ = w / 2
    for rank in moving:
        ways = (np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))) / 2
    w = int(ranks[difference > 0].sum())
    return float(min(1.0, 2 * min(ways[: w + 1].sum(), ways[w:].sum())))


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false alarm below the level (Holm, Scand. J. Statist. 1979)."""
    adjusted = np.empty(len(p))
    order = np.argsort(p)
    factors = np.arange(len(p), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(np.asarray(p, float)[order] * factors))
    return [float(value) for value in adjusted]


def against(baseline: str, scores: Scores) -> dict[str, float]:
    """Holm-adjusted p of every other row against the baseline; nothing where the tasks are too few to tell.

    Args:
        baseline: a row.
        scores: without gaps.
    """
    rows = [row for row in scores if row != baseline]
    if baseline not in scores or len(scores[baseline]) < FEWEST:
        return {}
    return dict(zip(rows, holm([signed_rank(scores[row], scores[baseline]) for row in rows]), strict=True))


@dataclass(frozen=True)
class Ranking:
    """Rows by their average rank over tasks; 1 is the best.

    Args:
        ranks: average rank by row, the best first.
        tasks: how many there are.
        p: of Friedman's test that all rows are equal.
        cliques: groups of neighbours in rank of which no two differ significantly, as (first, last) row; none is
            part of another.
    """

    ranks: Mapping[str, float]
    tasks: int
    p: float
    cliques: tuple[tuple[str, str], ...]


def ranking(scores: Scores, alpha: float = ALPHA) -> Ranking | None:
    """Rank rows over tasks: Friedman's test, then all pairs by signed ranks with Holm's correction.

    Where Friedman's test finds no difference all rows are one clique.

    Args:
        scores: without gaps.
        alpha: level of both tests.

    Returns:
        None where there are fewer than three rows or fewer than six tasks: too little to tell.

    Reference: Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 2006; signed ranks in place
    of Nemenyi's test as in Benavoli, Corani & Mangili, Should we really use post-hoc tests based on mean-ranks?, JMLR
    2016.
    """
    rows = list(scores)
    table = np.array([scores[row] for row in rows], float)
    if len(rows) < 3 or table.shape[1] < FEWEST:
        return None
    average = rankdata(-np.round(table, 9), axis=0).mean(axis=1)
    order = np.argsort(average, kind="stable")
    ranks = {rows[k]: float(average[k]) for k in order}
    varies = bool((np.ptp(np.round(table, 9), axis=0) > 0).any())
    p = float(friedmanchisquare(*table).pvalue) if varies else 1.0
    names = list(ranks)
    if p >= alpha:
        return Ranking(ranks, table.shape[1], p, ((names[0], names[-1]),))
    pairs = list(combinations(range(len(names)), 2))
    adjusted = holm([signed_rank(scores[names[i]], scores[names[j]]) for i, j in pairs])
    differ = {pair for pair, value in zip(pairs, adjusted, strict=True) if value < alpha}
    return Ranking(ranks, table.shape[1], p, tuple((names[i], names[j]) for i, j in _cliques(len(names), differ)))


def least(pairs: int, tasks: int) -> float:
    """The smallest Holm-adjusted p that any outcome can have: that of a pair which differs one way on all tasks."""
    return min(1.0, pairs * 2.0 ** (1 - tasks))


def tellable(scores: Scores, baseline: str = "", alpha: float = ALPHA) -> dict[str, Sequence[float]]:
    """As many rows, the best by their mean and the baseline, as their tasks can tell apart pair by pair.

    With all pairs of 20 rows on 12 tasks, :func:`ranking` could find nothing whatever the scores are.
    """
    n = min(map(len, scores.values()), default=0)
    most = max((k for k in range(2, len(scores) + 1) if least(k * (k - 1) // 2, n) < alpha), default=0)
    best = sorted(scores, key=lambda row: (row != baseline, -float(np.mean(scores[row]))))[:most]
    return {row: scores[row] for row in scores if row in best}


def _cliques(n: int, differ: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest runs of neighbours without a differing pair, of two members or more."""
    apart, found, reached = set(differ), [], 0
    for first in range(n):
        last = first
        while last + 1 < n and not any((k, last + 1) in apart for k in range(first, last + 1)):
            last += 1
        if last > max(first, reached):
            found.append((first, last))
            reached = last
    return found


def complete(scores: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """The rows that have a score on every task: only those can be compared over tasks."""
    return {row: values for row, values in scores.items() if not np.isnan(np.asarray(values, float)).any()}
