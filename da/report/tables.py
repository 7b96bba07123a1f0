"""The tables of the page: leaderboard, heat map by task, selection rules, failures and environment."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from da.results.record import Record
from da.tables import leaderboard
from da.tables import markdown as render
from da.tables.leaderboard import Line
from da.tables.spec import MEAN, TableSpec
from da.tables.summarize import TableResults
from da.tables.wording import ABSENT, ORACLE

MOST_FAILURES = 40


@dataclass(frozen=True)
class TableCell:
    """A cell of a table.

    Args:
        text: what stands in it.
        value: what it is sorted by; NaN and None come last.
        kind: its classes.
        spread: a deviation, in small print.
        published: a published score, in small print.
        tip: tooltip of the cell.
        source: tooltip of the text alone.
        bar: length of the bar behind it, in percent.
        shade: strength of its colour, from 0 to 1.
    """

    text: str
    value: float | None = None
    kind: str = "num"
    spread: str = ""
    published: str = ""
    tip: str = ""
    source: str = ""
    bar: float | None = None
    shade: float | None = None

    @property
    def sort_key(self) -> str | None:
        """The value as text; None where there is none."""
        return None if self.value is None or math.isnan(self.value) else str(self.value)


@dataclass(frozen=True)
class TableColumn:
    """A column of a table: its name, a cell for each row, and the classes of its heading."""

    name: str
    cells: Sequence[TableCell]
    kind: str = "num"

    @property
    def pieces(self) -> list[str]:
        """The name, cut where a line may break."""
        return re.split("(?<=[_→])", self.name.replace("->", "→"))


@dataclass(frozen=True)
class SortableTable:
    """A table of methods.

    Args:
        rows: their names.
        columns: what is known of them.
        kind: its classes.
        bounds: those rows that are a bound, and marked as one.
        first: what stands above the names.
    """

    rows: Sequence[str]
    columns: Sequence[TableColumn]
    kind: str = ""
    bounds: Collection[str] = ()
    first: str = "method"


@dataclass(frozen=True)
class HeatMap:
    """Scores by task, coloured by their distance to a reference.

    Args:
        table: the figures.
        limit: the distance, in points, from which on colours are strongest.
        reference: what the distance is to.
        published: whether published scores stand beneath.
    """

    table: SortableTable
    limit: int
    reference: str
    published: bool


@dataclass(frozen=True)
class Failure:
    """Runs that failed alike: their methods, the kind of error, its text, its traceback, and some of their folders."""

    methods: str
    kind: str
    error: str
    traceback: str
    directories: Sequence[str]


@dataclass(frozen=True)
class Failures:
    """What has no score: sentences on rows and on records, failures, and how many kinds of them are left out."""

    reasons: Sequence[str]
    kinds: Sequence[Failure]
    left_out: int


@dataclass(frozen=True)
class Fact:
    """A line of the environment: the value that all runs share, or the values and how many runs have each."""

    name: str
    value: str


def ranking(section: TableResults, lines: Sequence[Line]) -> SortableTable:
    """Paper, ours, gap, difference to the baseline, p, runs, seconds; what an oracle would select apart, in italics."""
    spec, summary = section.spec, section.summary
    places = render.digits(summary)
    oracle = leaderboard.oracle(summary)
    columns = [TableColumn("ours", _ours(lines, places))]
    if spec.published.sources:
        columns.insert(0, TableColumn("paper", [_paper(line, spec) for line in lines]))
        columns.append(TableColumn("gap", [TableCell(render.gap_cell(x, spec, places), x.gap) for x in lines]))
    if leaderboard.replicated([line.difference for line in lines]):
        columns.append(TableColumn(f"to {spec.protocol.baseline}", [_difference(line, places) for line in lines]))
    if any(line.p is not None for line in lines):
        columns.append(TableColumn("p", [_tested(line) for line in lines]))
    runs = [TableCell(render.runs_cell(line), float(line.runs.get("finished", 0))) for line in lines]
    columns += [TableColumn("runs", runs), *timings([x.seconds for x in lines], [x.cpu_seconds for x in lines])]
    if oracle is not None:
        selected = [_score(line.oracle, None, places, "num oracle") for line in lines]
        columns.append(TableColumn(oracle, selected, "num oracle"))
    return SortableTable([line.row for line in lines], columns, "leaderboard", bounds(lines))


def bounds(lines: Sequence[Line]) -> set[str]:
    """The rows that are trained on all target labels."""
    return {line.row for line in lines if line.is_bound}


def timings(seconds: Sequence[float | None], cpu: Sequence[float | None]) -> list[TableColumn]:
    """Seconds by the clock, and beside them those of the processor where any row has them."""
    columns = [TableColumn("seconds", [_seconds(value) for value in seconds])]
    if any(value is not None for value in cpu):
        columns.append(TableColumn("CPU seconds", [_seconds(value) for value in cpu]))
    return columns


def _seconds(value: float | None) -> TableCell:
    return TableCell(ABSENT if value is None else f"{value:.2f}", value)


def _ours(lines: Sequence[Line], places: int) -> list[TableCell]:
    """Means, with bars between the lowest and the highest; the best is no bound."""
    means = [line.mean for line in lines if line.is_scored]
    high, low = max(means, default=math.nan), min(means, default=0.0)
    best = max((line.mean for line in lines if line.is_scored and not line.is_bound), default=math.nan)
    cells = []
    for line in lines:
        kind = "num bar bound" if line.is_bound else "num bar best" if line.mean == best else "num bar"
        cell = _score(line.mean, line.std, places, kind)
        share = 0.0 if high == low else (line.mean - low) / (high - low)
        cells.append(replace(cell, bar=8 + 92 * share) if line.is_scored else cell)
    return cells


def _paper(line: Line, spec: TableSpec) -> TableCell:
    """A published mean with its source as a tooltip."""
    if line.paper is None:
        return TableCell(ABSENT)
    return TableCell(render.paper_cell(line.paper, spec), line.paper.value, source=line.paper.source.source)


def _difference(line: Line, places: int) -> TableCell:
    """A paired difference over seeds, with its interval."""
    return TableCell(render.difference_cell(line, places), None if line.difference is None else line.difference.mean)


def _tested(line: Line) -> TableCell:
    significant = line.p is not None and line.p < 0.05
    return TableCell(render.p_cell(line.p), line.p, "num significant" if significant else "num")


def heat_map(section: TableResults, lines: Sequence[Line]) -> HeatMap | None:
    """Scores by task, coloured by their distance to the baseline (or to the median row where there is none)."""
    spec, summary = section.spec, section.summary
    rows = [line.row for line in lines if line.runs.get("finished")]
    if len(spec.protocol.tasks) < 2 or not rows:
        return None
    places = render.digits(summary)
    ours = leaderboard.by_task(spec, summary)
    means = {line.row: line.mean for line in lines}
    scores = np.array([[*ours[row], means[row]] for row in rows], float)
    away = scores - _middle(scores, rows, spec.protocol.baseline)
    limit = max(math.ceil(np.nanquantile(np.abs(away), 0.95)) if np.isfinite(away).any() else 0, 1)
    marked = bounds(lines)
    fair = np.array([row not in marked for row in rows])
    best = np.max(np.where(np.isnan(scores) | ~fair[:, None], -np.inf, scores), axis=0)
    columns = []
    for k, task in enumerate([*spec.protocol.tasks, MEAN]):
        cells = [_of_task(spec, row, task, float(scores[i, k]), places) for i, row in enumerate(rows)]
        coloured = [
            _coloured(cell, float(away[i, k]), limit, bool(fair[i] and scores[i, k] == best[k]))
            for i, cell in enumerate(cells)
        ]
        columns.append(TableColumn(task, [_of_mean(cell) for cell in coloured] if task == MEAN else coloured))
    reference = (
        f"the baseline, {spec.protocol.baseline}" if spec.protocol.baseline in ours else "the median row of each task"
    )
    return HeatMap(SortableTable(rows, columns, "heatmap", marked), limit, reference, bool(spec.published.sources))


def _of_task(spec: TableSpec, row: str, task: str, value: float, places: int) -> TableCell:
    """A score, with the published one beneath."""
    tip = f"{row}, {task}: {render.number(value, None, 2)}"
    published = spec.published.score(row, task)
    if published is None:
        return TableCell(render.number(value, None, places), value, tip=tip)
    tip += f"; published {published[0].value:g}"
    return TableCell(render.number(value, None, places), value, published=render.published_cell(*published), tip=tip)


def _coloured(cell: TableCell, away: float, limit: int, is_best: bool) -> TableCell:
    """A cell in the colour of its distance to the reference; without a score it has neither colour nor tooltip."""
    if cell.sort_key is None:
        return replace(cell, tip="")
    d = 0.0 if math.isnan(away) else max(-1.0, min(1.0, away / limit))
    kind = f"num heat {'up' if d >= 0 else 'down'}{' best' * is_best}"
    return replace(cell, kind=kind, tip=f"{cell.tip} ({away:+.2f})", shade=abs(d))


def _of_mean(cell: TableCell) -> TableCell:
    return cell if cell.sort_key is None else replace(cell, kind=f"{cell.kind} mean")


def rules(section: TableResults, lines: Sequence[Line]) -> SortableTable | None:
    """Means by the rule that selects the epoch, the oracle apart; None where there was nothing to select."""
    spec, summary = section.spec, section.summary
    names = [spec.protocol.selection, *(rule for rule in summary.rules() if rule != spec.protocol.selection)]
    places = render.digits(summary)
    means = {line.row: [summary.mean(line.row, MEAN, rule) for rule in names] for line in lines}
    rows = [row for row, found in means.items() if not all(math.isnan(mean) for mean in found[1:])]
    if not rows:
        return None
    fair = [k for k, rule in enumerate(names) if not rule.startswith(ORACLE)]
    best = {row: max((means[row][k] for k in fair if not math.isnan(means[row][k])), default=math.nan) for row in rows}
    columns = []
    for k, rule in enumerate(names):
        kinds = ["num best" if means[row][k] == best[row] else "num" for row in rows]
        heading = "num"
        if rule.startswith(ORACLE):
            heading = "num oracle"
            kinds = [heading] * len(rows)
        cells = [
            _score(means[row][k], summary.std(row, MEAN, rule), places, kind)
            for row, kind in zip(rows, kinds, strict=True)
        ]
        columns.append(TableColumn(rule, cells, heading))
    return SortableTable(rows, columns, "compact", bounds(lines))


def failures(records: Sequence[Record], reasons: Sequence[str]) -> Failures | None:
    """What has no score and why; None where all have one."""
    failed = [r for r in records if not r.is_finished]
    if not failed and not reasons:
        return None
    groups: dict[tuple[str, str], list[Record]] = {}
    for r in failed:
        groups.setdefault((r.traceback, r.error), []).append(r)
    kinds = [_failure(*key, group) for key, group in list(groups.items())[:MOST_FAILURES]]
    return Failures(reasons, kinds, len(groups) - len(kinds))


def _failure(traceback: str, error: str, group: Sequence[Record]) -> Failure:
    counts = Counter(r.method for r in group)
    methods = ", ".join(name if n == 1 else f"{name} ({n} runs)" for name, n in counts.items())
    directories = [str(r.directory or "") for r in group[:MOST_FAILURES]]
    return Failure(methods, group[0].error_kind or "error", error, traceback, directories)


def environment(records: Sequence[Record]) -> list[Fact]:
    """Versions, code, devices and times of the runs: how many runs share each value."""
    counts: dict[str, Counter[str]] = {"code": Counter(), "commit": Counter(), "device": Counter()}
    for r in records:
        counts["code"][r.code.source or "unknown"] += 1
        counts["commit"][(r.code.commit or "none")[:12]] += 1
        if r.device:
            counts["device"][r.device] += 1
        for name, version in r.versions.items():
            counts.setdefault(name, Counter())[version] += 1
    facts = []
    for name, found in counts.items():
        values = [value if len(found) == 1 else f"{value} ({n} runs)" for value, n in found.most_common(8)]
        if values:
            facts.append(Fact(name, ", ".join(values)))
    times = sorted(time for r in records for time in (r.started, r.ended) if time)
    return [*facts, Fact("when", f"{times[0]} to {times[-1]}")] if times else facts


def _middle(scores: np.ndarray, rows: Sequence[str], baseline: str) -> np.ndarray:
    if baseline in rows:
        return scores[rows.index(baseline)]
    return np.array([float(np.median(c[~np.isnan(c)])) if (~np.isnan(c)).any() else math.nan for c in scores.T])


def _score(mean: float, std: float | None, places: int, kind: str) -> TableCell:
    """A mean, with its deviation in small print."""
    shown, _, spread = render.number(mean, std, places).partition(" ± ")
    return TableCell(shown, mean, kind, spread)
