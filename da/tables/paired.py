"""Paired differences of two rows: over the seeds of one task, or over tasks, with an interval and a test.

Seeds of one task are no independent evidence on other tasks, so over tasks each task counts once, with the mean over
the seeds that both rows have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import t as student

from da.config.seedless import seed_matters
from da.results.scores import DECIMALS, deviation, mean, shown
from da.tables.significance import FEWEST, signed_rank
from da.tables.summary import CellResult, Summary

LEVEL = 0.95
LEAST = 3
"""Pairs that an interval needs: of two, Student's t has one degree of freedom and says nothing."""
T_TEST, SIGNED_RANKS = "paired t test", "Wilcoxon's signed ranks"


@dataclass(frozen=True)
class PairedDifference:
    """How far apart two rows are, in points.

    Args:
        mean: of the differences.
        pairs: how many there are.
        interval: of 95 % for the mean, by Student's t with ``pairs - 1`` degrees of freedom; None for fewer than three
            pairs, or where all pairs differ by the same.
        p: two-sided, that the mean (or median) difference is zero; None where there is no interval.
        test: name of the test that gave it.
    """

    mean: float
    pairs: int
    interval: tuple[float, float] | None
    p: float | None
    test: str = T_TEST

    def text(self, places: int = 1) -> str:
        """``+3.1 [1.2, 5.0]``, or the mean and how many pairs leave no interval."""
        if self.interval is None:
            return f"{signed(self.mean, places)} ({self.pairs} pair{'s' * (self.pairs != 1)}, no interval)"
        return f"{signed(self.mean, places)} {interval_text(self.interval, places)}"


def signed(value: float, places: int) -> str:
    """A difference with its sign."""
    text = shown(value, places)
    return text if text.startswith("-") or not float(text) else f"+{text}"


def interval_text(interval: tuple[float, float], places: int) -> str:
    """``[low, high]``."""
    return f"[{shown(interval[0], places)}, {shown(interval[1], places)}]"


def t_interval(values: Sequence[float]) -> tuple[float, float] | None:
    r"""The 95 % interval of a mean, :math:`\bar d \pm t_{0.975, n-1} s / \sqrt n`.

    Args:
        values: ``n`` of them.

    Returns:
        None for fewer than three values, or where all are equal: their spread is not known then.
    """
    spread = deviation(values)
    if len(values) < LEAST or spread is None or round(spread, DECIMALS) == 0.0:
        return None
    half = float(student.ppf(0.5 + LEVEL / 2, len(values) - 1)) * spread / math.sqrt(len(values))
    return mean(values) - half, mean(values) + half


def paired_difference(differences: Sequence[float]) -> PairedDifference | None:
    """The mean of paired differences, its interval, and a paired t test; None without pairs."""
    if not differences:
        return None
    interval = t_interval(differences)
    return PairedDifference(mean(differences), len(differences), interval, interval and _t_test(differences))


def over_tasks(by_task: Sequence[Sequence[float]]) -> PairedDifference | None:
    """The difference over tasks, of the mean over the seeds of each; None without pairs.

    From six tasks on p is of Wilcoxon's signed ranks, which fewer tasks leave without power, as in a leaderboard.

    Args:
        by_task: differences by task, one for each seed.
    """
    means = [mean(found) for found in by_task if found]
    made = paired_difference(means)
    if made is None or len(means) < FEWEST:
        return made
    p = signed_rank(means, [0.0] * len(means))
    return PairedDifference(made.mean, made.pairs, made.interval, p, SIGNED_RANKS)


def seed_differences(a: Sequence[CellResult], b: Sequence[CellResult], rule: str) -> dict[int, float]:
    """Differences of two rows on one task by seed, where both have a score.

    A row that draws nothing runs once for all seeds, and its run is paired with each that has the same data.

    Args:
        a: the cells of a row on a task.
        b: those of the other row.
        rule: the selection rule.
    """
    found, others = ({e.seed: e for e in cells if rule in e.scores} for cells in (a, b))
    one, other = _stretched(found, others), _stretched(others, found)
    return {seed: one[seed].scores[rule] - other[seed].scores[rule] for seed in sorted(one.keys() & other.keys())}


def of_one_task(summary: Summary, row: str, baseline: str, rule: str) -> PairedDifference | None:
    """A row minus the baseline over seeds, in a summary of one task; None where nothing pairs or there are more."""
    tasks = summary.tasks()
    if len(tasks) != 1 or row == baseline:
        return None
    found = seed_differences(summary.of(row, tasks[0]), summary.of(baseline, tasks[0]), rule)
    return paired_difference(list(found.values()))


def _stretched(own: Mapping[int, CellResult], others: Mapping[int, CellResult]) -> Mapping[int, CellResult]:
    """The only run of a row that draws nothing, under each seed of the other row that has the same data."""
    if len(own) != 1 or not others.keys() - own.keys():
        return own
    (cell,) = own.values()
    if cell.origin is None or seed_matters(cell.origin.config):
        return own
    same = {seed for seed, e in others.items() if e.origin is not None and e.origin.data == cell.origin.data}
    return {**dict.fromkeys(same, cell), **own}


def _t_test(differences: Sequence[float]) -> float:
    spread = deviation(differences)
    assert spread  # an interval exists
    t = mean(differences) / (spread / math.sqrt(len(differences)))
    return float(2.0 * student.sf(abs(t), len(differences) - 1))
