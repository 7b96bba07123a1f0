"""The page itself: one HTML file with its style and script inside, which asks for nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from da.errors import UsageError, few
from da.report import charts, examples, tables, unlabelled
from da.report.attempts import Trouble, attempt
from da.results.record import Record
from da.tables import leaderboard
from da.tables import markdown as render
from da.tables.critical_difference import critical_difference_svg
from da.tables.label_free import LabelFreeTable
from da.tables.label_free_text import score_text
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
class LeaderboardContent:
    """The leaderboard with how to read it, and the rule whose scores are a bound."""

    table: tables.SortableTable
    reading: str
    oracle: str | None


@dataclass(frozen=True)
class PagePart:
    """A part of a section: its heading, and the HTML below it."""

    title: str
    body: str


@dataclass(frozen=True)
class SectionContent:
    """What templates/section.html.j2 draws of a section, from top to bottom.

    Args:
        anchor: where links lead.
        title: its heading.
        protocol: what its scores are scores of.
        command: what makes it again.
        tiles: scores that stand out.
        parts: tables and drawings; one that cannot be made says so and leaves the others.
        notes: sentences.
        sources: where published scores come from.
    """

    anchor: str
    title: str
    protocol: str
    command: str
    tiles: Sequence[Tile]
    parts: Sequence[PagePart]
    notes: Sequence[str]
    sources: Sequence[str]


@dataclass(frozen=True)
class Page:
    """What templates/page.html.j2 draws: sections, then failures, if any, and the environment."""

    title: str
    sections: Sequence[SectionContent]
    failures: tables.Failures | None
    environment: Sequence[tables.Fact]


def html(
    title: str,
    sections: Sequence[TableResults],
    records: Sequence[Record],
    show: Sequence[str] = (),
    unreadable: Sequence[str] = (),
) -> str:
    """The report as the text of one HTML file.

    A table or drawing that cannot be made is a sentence that names it and the error, of which is warned too.

    Args:
        title: such as the folder's name.
        sections: what is told of, such as :func:`da.report.sections.sections` gives it.
        records: all of the folder, for failures and the environment.
        show: runs to look at from near, by directory or identity; the best, the baseline and the worst by default.
        unreadable: why records could not be read, a sentence each.

    Raises:
        UsageError: ``show`` names a run that is not there.
    """
    asked = examples.named(records, show)
    contents = [_content(k, section, asked if k == 0 else [], bool(asked)) for k, section in enumerate(sections)]
    reasons = [reason for section in sections if section.benchmark for reason in leaderboard.reasons(section.summary)]
    page = Page(title, contents, tables.failures(records, [*unreadable, *reasons]), tables.environment(records))
    return _rendered("page.html.j2", page=page)


def _rendered(template: str, **values: object) -> str:
    from da.report.templating import render as rendered  # jinja2: only where a page is written

    return rendered(template, **values)


def _content(k: int, section: TableResults, asked: Sequence[tuple[str, Record]], others: bool) -> SectionContent:
    spec, summary = section.spec, section.summary
    lines = leaderboard.lines(spec, summary)
    without_labels = unlabelled.tables_of(section)
    return SectionContent(
        anchor=f"c{k}",
        title=spec.protocol.title,
        protocol=spec.protocol.description,
        command=render.command(spec, summary.overrides) if section.benchmark else "",
        tiles=_tiles(section, lines, without_labels),
        parts=[
            *(_with_labels(section, lines) if len(without_labels) < len(spec.protocol.tasks) else []),
            *(part for table in without_labels for part in _without_labels(section, table)),
            *_part(section, "Runs from near", "examples", lambda: _near(section, lines, without_labels, asked, others)),
        ],
        notes=spec.protocol.notes,
        sources=render.sources(spec.published.sources),
    )


def _part(section: TableResults, title: str, template: str, make: Callable[[], object]) -> list[PagePart]:
    """A part of a section in a list; an empty one where there is nothing to draw.

    Args:
        section: that it belongs to.
        title: its heading.
        template: ``templates/part_TEMPLATE.html.j2``, which is handed what is made as ``content``.
        make: makes it; None and an empty list are nothing to draw.
    """

    def drawn() -> str:
        content = make()
        return _rendered(f"part_{template}.html.j2", content=content) if content else ""

    body = attempt(f"{title} of {section.spec.protocol.title}", drawn)
    if isinstance(body, Trouble):
        body = _rendered("part_trouble.html.j2", content=body)
    return [PagePart(title, body)] if body else []


def _with_labels(section: TableResults, lines: Sequence[Line]) -> list[PagePart]:
    """What accuracies on the target say."""
    oracle = leaderboard.oracle(section.summary)

    def ranking() -> LeaderboardContent:
        return LeaderboardContent(tables.ranking(section, lines), _reading(section, lines), oracle)

    def rules() -> LeaderboardContent | None:
        found = tables.rules(section, lines)
        return None if found is None else LeaderboardContent(found, "", oracle)

    return [
        *_part(section, "Leaderboard", "leaderboard", ranking),
        *_part(section, "Significance", "significance", lambda: _significance(section)),
        *_part(section, "By task", "heat_map", lambda: tables.heat_map(section, lines)),
        *_part(section, "Accuracy against time", "against_time", lambda: charts.against_time(section, lines)),
        *_part(section, "Selection rules", "rules", rules),
        *_part(section, "Learning curves", "curves", lambda: charts.curves(section, lines)),
    ]


def _without_labels(section: TableResults, table: LabelFreeTable) -> list[PagePart]:
    """What can be said of a task whose target has no labels."""
    task = f" ({table.task})" if len(section.spec.protocol.tasks) > 1 else ""
    return [
        *_part(section, f"Scores without target labels{task}", "label_free", lambda: unlabelled.scores(table)),
        *_part(section, f"What is known of these rules{task}", "table", lambda: unlabelled.known_rules(table)),
        *_part(section, f"Agreement of predictions{task}", "table", lambda: unlabelled.agreement(table)),
        *_part(section, f"Predicted classes{task}", "table", lambda: unlabelled.shares(table)),
    ]


def _near(
    section: TableResults,
    lines: Sequence[Line],
    without_labels: Sequence[LabelFreeTable],
    asked: Sequence[tuple[str, Record]],
    others: bool,
) -> list[examples.Example | Trouble]:
    """The runs that somebody asked for, or some of the section's."""
    near = list(asked)
    if not others:
        near = examples.chosen(section, lines) if len(without_labels) < len(section.spec.protocol.tasks) else []
        near += [run for table in without_labels[:1] for run in examples.chosen_without_labels(section, table)]
    return [attempt(f"{title} ({r.directory})", partial(examples.example, title, r, others)) for title, r in near]


def _reading(section: TableResults, lines: Sequence[Line]) -> str:
    """How to read the leaderboard."""
    rule = f"The epoch is that of {chosen_by(section.spec.protocol.selection)}." if section.benchmark else ""
    gap = "gap is ours minus the paper's over the tasks that both have; † recomputed, ‡ from memory."
    bounds = sorted(tables.bounds(lines))
    said = f"{', '.join(bounds)}: trained on all target labels, a bound and never the best." if bounds else ""
    return f"{rule} {gap if section.spec.published.sources else ''} {said}"


def _tiles(section: TableResults, lines: Sequence[Line], without_labels: Sequence[LabelFreeTable]) -> list[Tile]:
    runs = sum((line.runs.get("finished", 0) for line in lines), 0)
    without = sum(n for line in lines for status, n in line.runs.items() if status != "finished")
    facts = [(str(runs), "finished runs"), (str(sum(bool(line.runs) for line in lines)), "rows")]
    facts.append((str(len(section.spec.protocol.tasks)), f"task{'s' * (len(section.spec.protocol.tasks) != 1)}"))
    if best := leaderboard.tied(lines):
        facts.append((f"{best[0].mean:.1f} %", f"best: {few(line.row for line in best)}"))
    facts += [(f"{line.mean:.1f} %", f"bound: {line.row}") for line in lines if line.is_bound and line.is_scored]
    if len(without_labels) == 1 and (highest := without_labels[0].highest) is not None:
        rule = without_labels[0].rule
        facts.append((score_text(highest.score(rule)), f"highest {rule}: {highest.label}"))
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
