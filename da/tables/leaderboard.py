"""The leaderboard of a table: what every row came to, beside what was published."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from da.config import catalog
from da.errors import ConfigError
from da.results.scores import falling
from da.setting import ALL
from da.tables.paired import LEAST, PairedDifference, of_one_task
from da.tables.significance import FEWEST, Ranking, against, complete, holm, ranking, tellable
from da.tables.spec import MEAN, PublishedSource, TableSpec
from da.tables.summary import Summary
from da.tables.wording import ORACLE

ONE_TASK = (
    f"No test of significance: on one task it takes {LEAST} seeds that a row and the baseline share, and differences "
    "that are not all the same."
)
"""Why no row of a single task is tested."""


@dataclass(frozen=True)
class Paper:
    """The published score of a row.

    Args:
        value: mean over the tasks that the source has.
        std: deviation of that mean, where it is given.
        tasks: how many tasks those are.
        source: where it was published.
    """

    value: float
    std: float | None
    tasks: int
    source: PublishedSource


@dataclass(frozen=True)
class Line:
    """One row of a leaderboard; scores are means over tasks in percent, NaN where there is none.

    Args:
        row: its name.
        mean: ours, where every task has a figure.
        std: sample standard deviation over seeds of that mean; None for one seed.
        paper: the published figure.
        gap: ours minus the paper's, both over the same tasks.
        gap_tasks: how many tasks those are.
        p: that the row is no other than the baseline (Wilcoxon over tasks, or for one task a paired t test over seeds;
            Holm over rows); None if not tested.
        runs: number of runs by status.
        seconds: mean of a run, by the clock.
        oracle: mean of what an oracle would select.
        stale: how many of its runs were computed by other code than the present one.
        cpu_seconds: mean of a run, of the processor; None where records do not say.
        is_bound: it is trained on all target labels: what others are measured against, never the best of them.
        difference: to the baseline, paired over seeds, in a table of one task; None in others.
    """

    row: str
    mean: float
    std: float | None
    paper: Paper | None
    gap: float
    gap_tasks: int
    p: float | None
    runs: Mapping[str, int]
    seconds: float | None
    oracle: float
    stale: int = 0
    cpu_seconds: float | None = None
    is_bound: bool = False
    difference: PairedDifference | None = None

    @property
    def is_scored(self) -> bool:
        """Whether it has a mean of ours."""
        return not math.isnan(self.mean)


def best(lines: Sequence[Line]) -> Line | None:
    """The first line with a mean that is no bound; None where there is none.

    Args:
        lines: as :func:`lines` orders them.
    """
    return next((line for line in lines if line.is_scored and not line.is_bound), None)


def tied(lines: Sequence[Line]) -> list[Line]:
    """The lines with the best mean, which are several in a tie; none is a bound.

    Args:
        lines: as :func:`lines` orders them.
    """
    first = best(lines)
    if first is None:
        return []
    return [line for line in lines if falling(line.mean) == falling(first.mean) and not line.is_bound]


def bounds(lines: Sequence[Line]) -> str:
    """A sentence on the rows that are bounds; empty where there are none."""
    rows = [line.row for line in lines if line.is_bound and line.is_scored]
    return f"Trained on all target labels, a bound and never the best: {', '.join(rows)}." if rows else ""


def trains_on_all_target_labels(target: str) -> bool:
    """Whether a method is granted all target labels, as ``target_only`` is.

    Args:
        target: its ``_target_``; of one that the catalogue does not know it is not said.
    """
    try:
        return catalog.entry_of("method", target).access.target_y == ALL
    except ConfigError:
        return False


def lines(spec: TableSpec, summary: Summary) -> list[Line]:
    """The leaderboard, the best row first; then rows without a mean of ours, and last those of papers alone."""
    ours = summary.rows()
    differences = by_seed(spec, summary)
    p = against(spec.protocol.baseline, complete(by_task(spec, summary))) or _over_seeds(differences)
    published = [row for source in spec.published.sources for row in source.scores]
    made = [_line(spec, summary, row, p.get(row), differences.get(row)) for row in dict.fromkeys([*ours, *published])]
    return sorted(made, key=lambda line: (not line.runs, *falling(line.mean), *falling(_value(line.paper)), line.row))


def by_task(spec: TableSpec, summary: Summary) -> dict[str, list[float]]:
    """Our scores by row, one for each task, under the table's selection rule."""
    return {
        row: [summary.mean(row, task, spec.protocol.selection) for task in spec.protocol.tasks]
        for row in summary.rows()
    }


def by_seed(spec: TableSpec, summary: Summary) -> dict[str, PairedDifference]:
    """In a table of one task, the difference of each row to the baseline, paired over seeds."""
    rule, baseline = spec.protocol.selection, spec.protocol.baseline
    found = {row: of_one_task(summary, row, baseline, rule) for row in summary.rows()}
    return {row: difference for row, difference in found.items() if difference is not None}


def replicated(differences: Iterable[PairedDifference | None]) -> bool:
    """Whether any has several pairs, so that there is more to show than one seed's difference."""
    return any(difference is not None and difference.pairs > 1 for difference in differences)


def _over_seeds(differences: Mapping[str, PairedDifference]) -> dict[str, float]:
    """Holm-adjusted p of those rows whose seeds can be tested."""
    tested = {row: d.p for row, d in differences.items() if d.p is not None}
    return dict(zip(tested, holm(list(tested.values())), strict=True))


def ranked(spec: TableSpec, summary: Summary) -> Ranking | None:
    """Rows ranked over tasks: as many of the best, and the baseline, as the tasks can tell apart; None if too few."""
    return ranking(tellable(complete(by_task(spec, summary)), spec.protocol.baseline))


def oracle(summary: Summary) -> str | None:
    """The oracle that stands in the leaderboard."""
    return next((rule for rule in summary.rules() if rule.startswith(ORACLE)), None)


def untested(spec: TableSpec, summary: Summary) -> str:
    """Why no row is tested against the baseline, in a sentence; empty where they are."""
    if not spec.protocol.baseline or spec.protocol.baseline not in summary.rows():
        return "No test of significance: the baseline was not run."
    if (n := len(spec.protocol.tasks)) == 1:
        tested = any(difference.interval for difference in by_seed(spec, summary).values())
        return "" if tested else ONE_TASK
    if n < FEWEST:
        return (
            f"No test of significance: on {n} tasks no difference can be "
            f"significant at 0.05 (a signed-rank test needs {FEWEST})."
        )
    if spec.protocol.baseline not in complete(by_task(spec, summary)):
        return "No test of significance: the baseline lacks a figure on some task."
    return ""


def reasons(summary: Summary) -> list[str]:
    """What failed, cannot be run or is of other code: a sentence for each reason, with the rows and tasks."""
    n_tasks = len(summary.tasks())
    stopped: dict[tuple[str, str], dict[str, list[str]]] = {}
    for entry in summary.entries:
        if entry.status in ("failed", "refused"):
            where = stopped.setdefault((entry.status, entry.reason), {}).setdefault(entry.row, [])
            if entry.task not in where:
                where.append(entry.task)
    said = []
    for (status, reason), rows in stopped.items():
        who = ", ".join(
            row if len(tasks) == n_tasks else f"{row} ({', '.join(tasks)})" for row, tasks in sorted(rows.items())
        )
        said.append(f"{status}: {who}: {reason}")
    missing = Counter(entry.row for entry in summary.entries if entry.status == "missing")
    if missing:
        said.append(f"not run yet: {', '.join(f'{row} ({n} runs)' for row, n in sorted(missing.items()))}")
    if stale := Counter(entry.row for entry in summary.entries if entry.stale):
        those = ", ".join(f"{row} ({n} runs)" for row, n in sorted(stale.items()))
        said.append(f"made by other code than the present, rerun=stale runs them again: {those}")
    return said


def _line(spec: TableSpec, summary: Summary, row: str, p: float | None, difference: PairedDifference | None) -> Line:
    mean = summary.mean(row, MEAN, spec.protocol.selection)
    paper = _paper(spec, row)
    gap, n = (math.nan, 0) if paper is None else _gap(spec, summary, row, mean, paper)
    apart = oracle(summary)
    return Line(
        row=row,
        mean=mean,
        std=summary.std(row, MEAN, spec.protocol.selection),
        paper=paper,
        gap=gap,
        gap_tasks=n,
        p=p,
        runs=Counter(entry.status for entry in summary.entries if entry.row == row),
        seconds=summary.seconds(row),
        oracle=math.nan if apart is None else summary.mean(row, MEAN, apart),
        stale=sum(entry.stale for entry in summary.entries if entry.row == row),
        cpu_seconds=summary.cpu_seconds(row),
        is_bound=row in spec.protocol.bounds or any(map(trains_on_all_target_labels, _methods(summary, row))),
        difference=difference,
    )


def _methods(summary: Summary, row: str) -> set[str]:
    """The ``_target_`` of each method that the finished runs of a row ran."""
    origins = [entry.origin for entry in summary.entries if entry.row == row and entry.origin is not None]
    return {str(origin.config.get("method._target_", "")) for origin in origins}


def _paper(spec: TableSpec, row: str) -> Paper | None:
    """From the first source with a mean over all tasks, or the first of those with the most tasks."""
    sources = [source for source in spec.published.sources if source.scores.get(row)]
    if not sources:
        return None
    source = max(sources, key=lambda s: (MEAN in s.scores[row], len(s.scores[row])))
    scores = source.scores[row]
    if MEAN in scores:
        return Paper(scores[MEAN].value, scores[MEAN].std, len(spec.protocol.tasks), source)
    values = [score.value for score in scores.values()]
    return Paper(math.fsum(values) / len(values), None, len(values), source)


def _gap(spec: TableSpec, summary: Summary, row: str, mean: float, paper: Paper) -> tuple[float, int]:
    """Ours minus the paper's over the tasks that both have, and how many those are."""
    if paper.tasks == len(spec.protocol.tasks) and not math.isnan(mean):
        return mean - paper.value, paper.tasks
    scores = paper.source.scores[row]
    own = {task: summary.mean(row, task, spec.protocol.selection) for task in spec.protocol.tasks if task in scores}
    gaps = [value - scores[task].value for task, value in own.items() if not math.isnan(value)]
    return (math.fsum(gaps) / len(gaps), len(gaps)) if gaps else (math.nan, 0)


def _value(paper: Paper | None) -> float:
    return math.nan if paper is None else paper.value
