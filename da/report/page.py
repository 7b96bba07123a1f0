"""The page itself: one HTML file with its style and script inside, which asks for nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from da.errors import UsageError
from da.report import charts, examples, tables
from da.report.svg import Drawing
from da.results.record import Record
from da.tables import leaderboard
from da.tables import markdown as render
from da.tables.critical_difference import critical_difference_svg
from da.tables.leaderboard import Line
from da.tables.significance import complete
from da.tables.summarize import TableResults
from da.tables.wording import chosen_by


@dataclass(frozen=True)
class Tile:
    """A score that stands out, and what it counts."""

    value: str
    name: str


@dataclass(frozen=True)
class Significance:
    """Average ranks over tasks.

    Args:
        diagram: the critical-difference diagram, an ``svg`` element.
        refusal: why there is none.
        reading: how to read it.
    """

    diagram: str = ""
    refusal: str = ""
    reading: str = ""


@dataclass(frozen=True)
class SectionContent:
    """What templates/section.html.j2 draws of a section, from top to bottom; None or empty parts are left out.

    Args:
        anchor: where links lead.
        title: its heading.
        protocol: what its scores are scores of.
        command: what makes it again.
        oracle: the rule whose scores are a bound.
        tiles: scores that stand out.
        leaderboard: a row for each method.
        reading: how to read the leaderboard.
        significance: ranks over tasks.
        heat_map: scores by task.
        against_time: accuracy against seconds.
        rules: scores by selection rule.
        curves: accuracy over epochs.
        examples: a few runs from near.
        notes: sentences.
        sources: where published scores come from.
    """

    anchor: str
    title: str
    protocol: str
    command: str
    oracle: str | None
    tiles: Sequence[Tile]
    leaderboard: tables.SortableTable
    reading: str
    significance: Significance
    heat_map: tables.HeatMap | None
    against_time: Drawing | None
    rules: tables.SortableTable | None
    curves: charts.LearningCurves | None
    examples: Sequence[examples.Example]
    notes: Sequence[str]
    sources: Sequence[str]


@dataclass(frozen=True)
class Page:
    """What templates/page.html.j2 draws: sections, then failures, if any, and the environment."""

    title: str
    sections: Sequence[SectionContent]
    failures: tables.Failures | None
    environment: Sequence[tables.Fact]


def html(title: str, sections: Sequence[TableResults], records: Sequence[Record], show: Sequence[str] = ()) -> str:
    """The report as the text of one HTML file.

    Args:
        title: such as the folder's name.
        sections: what is told of, such as :func:`da.report.sections.sections` gives it.
        records: all of the folder, for failures and the environment.
        show: runs to look at from near, by directory or identity; the best, the baseline and the worst by default.

    Raises:
        UsageError: ``show`` names a run that is not there.
    """
    from da.report.templating import render as rendered  # jinja2: only where a page is written

    asked = examples.named(records, show)
    contents = [_content(k, section, asked if k == 0 else [], bool(asked)) for k, section in enumerate(sections)]
    reasons = [reason for section in sections if section.benchmark for reason in leaderboard.reasons(section.summary)]
    page = Page(title, contents, tables.failures(records, reasons), tables.environment(records))
    return rendered("page.html.j2", page=page)


def _content(k: int, section: TableResults, asked: Sequence[tuple[str, Record]], others: bool) -> SectionContent:
    spec, summary = section.spec, section.summary
    lines = leaderboard.lines(spec, summary)
    near = asked if others else examples.chosen(section, lines)
    return SectionContent(
        anchor=f"c{k}",
        title=spec.protocol.title,
        protocol=spec.protocol.description,
        command=render.command(spec, summary.overrides) if section.benchmark else "",
        oracle=leaderboard.oracle(summary),
        tiles=_tiles(section, lines),
        leaderboard=tables.ranking(section, lines),
        reading=_reading(section),
        significance=_significance(section),
        heat_map=tables.heat_map(section, lines),
        against_time=charts.against_time(section, lines),
        rules=tables.rules(section, lines),
        curves=charts.curves(section, lines),
        examples=[examples.example(title, r, others) for title, r in near],
        notes=spec.protocol.notes,
        sources=render.sources(spec.published.sources),
    )


def _reading(section: TableResults) -> str:
    """How to read the leaderboard."""
    rule = f"The epoch is that of {chosen_by(section.spec.protocol.selection)}." if section.benchmark else ""
    gap = "gap is ours minus the paper's over the tasks that both have; † recomputed, ‡ from memory."
    return f"{rule} {gap if section.spec.published.sources else ''}"


def _tiles(section: TableResults, lines: Sequence[Line]) -> list[Tile]:
    runs = sum((line.runs.get("finished", 0) for line in lines), 0)
    without = sum(n for line in lines for status, n in line.runs.items() if status != "finished")
    facts = [(str(runs), "finished runs"), (str(sum(bool(line.runs) for line in lines)), "rows")]
    facts.append((str(len(section.spec.protocol.tasks)), f"task{'s' * (len(section.spec.protocol.tasks) != 1)}"))
    if lines and not math.isnan(lines[0].mean):
        facts.append((f"{lines[0].mean:.1f} %", f"best: {lines[0].row}"))
    gaps = [abs(line.gap) for line in lines if not math.isnan(line.gap)]
    if gaps:
        facts.append((f"{math.fsum(gaps) / len(gaps):.2f}", f"mean gap, absolute, {len(gaps)} rows"))
    if without:
        facts.append((str(without), "runs without a figure"))
    return [Tile(value, name) for value, name in facts]


def _significance(section: TableResults) -> Significance:
    """The critical-difference diagram and how to read it, or why there is none."""
    spec, summary = section.spec, section.summary
    ranked = leaderboard.ranked(spec, summary)
    why = leaderboard.untested(spec, summary)
    p = "" if why else render.tested(spec, summary)
    if ranked is None:
        return Significance(refusal=why or f"Too few tasks or rows for ranks over tasks. {p}")
    diagram = refusal = ""
    try:
        diagram = critical_difference_svg(ranked)
    except UsageError as error:
        refusal = str(error)
    among = "all rows with a figure on every task"
    if len(ranked.ranks) < len(complete(leaderboard.by_task(spec, summary))):
        base = spec.protocol.baseline in ranked.ranks
        best = f"the {len(ranked.ranks) - base} best rows{' and the baseline' if base else ''}"
        among = f"{best}, as many as {ranked.tasks} tasks can tell apart"
    reading = (
        f"Average ranks over {ranked.tasks} tasks of {among}; Friedman's test: p = {ranked.p:.2g}. A bar joins rows of "
        f"which no two differ at 0.05 (Wilcoxon's signed ranks, Holm's correction). {p or why}"
    )
    return Significance(diagram, refusal, reading)
