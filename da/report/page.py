"""The page itself: one HTML file with its style and script inside, which asks for nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from da.errors import UsageError
from da.report import charts, examples, tables
from da.results.record import Record
from da.tables import leaderboard as board
from da.tables import markdown as render
from da.tables.critical_difference import critical_difference_svg
from da.tables.leaderboard import Line
from da.tables.significance import complete
from da.tables.summarize import TableResults
from da.tables.wording import chosen_by

HERE = Path(__file__).resolve().parent
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def html(title: str, chapters: Sequence[TableResults], records: Sequence[Record], show: Sequence[str] = ()) -> str:
    """The report as the text of one HTML file.

    Args:
        title: such as the folder's name.
        chapters: what is told of, such as :func:`da.report.chapter.chapters` gives it.
        records: all of the folder, for failures and the environment.
        show: runs to look at from near, by directory or identity; the best, the baseline and the worst by default.

    Raises:
        UsageError: ``show`` names a run that is not there.
    """
    asked = examples.named(records, show)
    bodies = [_chapter(k, chapter, asked if k == 0 else [], bool(asked)) for k, chapter in enumerate(chapters)]
    reasons = [reason for chapter in chapters if chapter.benchmark for reason in board.reasons(chapter.summary)]
    failures = tables.failures(records, reasons)
    links = [(f"#c{k}", chapter.spec.protocol.title) for k, chapter in enumerate(chapters)]
    links += [("#failures", "Failures")] * bool(failures) + [("#environment", "Environment")]
    nav = "".join(f'<a href="{where}">{escape(name)}</a>' for where, name in links)
    tail = [_section("failures", "Failures", failures)] if failures else []
    tail.append(_section("environment", "Environment", tables.environment(records)))
    style, script = ((HERE / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{style}</style></head><body>"
        f'<header><strong>{escape(title)}</strong><nav aria-label="Chapters">{nav}</nav>'
        '<button id="theme" type="button">light / dark</button></header>'
        f"<main>{''.join(bodies)}{''.join(tail)}</main><script>\n{script}</script></body></html>\n"
    )


def _section(name: str, title: str, body: str) -> str:
    return f'<section id="{name}"><h2>{title}</h2>{body}</section>'


def _chapter(k: int, chapter: TableResults, asked: Sequence[tuple[str, Record]], others: bool) -> str:
    spec = chapter.spec
    lines = board.lines(spec, chapter.summary)
    curves, left_out = charts.curves(chapter, lines)
    near = asked if others else examples.chosen(chapter, lines)
    shown = "".join(examples.example(title, r, others) for title, r in near)
    command = (
        f"<p><code>{escape(render.command(spec, chapter.summary.overrides))}</code></p>" if chapter.benchmark else ""
    )
    oracle = board.oracle(chapter.summary)
    bound = f"<em>{escape(oracle)}</em> reads the target test labels: a bound, not a result." if oracle else ""
    gap = "gap is ours minus the paper's over the tasks that both have; † recomputed, ‡ from memory." * bool(
        spec.published.sources
    )
    rule = f"The epoch is that of {chosen_by(spec.protocol.selection)}." if chapter.benchmark else ""
    parts = [
        f'<section class="chapter" id="c{k}"><h2>{escape(spec.protocol.title)}</h2>',
        f'<p class="protocol">{escape(spec.protocol.description)}</p>{command}',
        _tiles(chapter, lines),
        _part("Leaderboard", tables.ranking(chapter, lines), f"{escape(rule)} {escape(gap)} {bound}"),
        _part("Significance", *_significance(chapter)),
        _part("By task", tables.heat_map(chapter, lines)),
        _part(
            "Accuracy against time",
            charts.against_time(chapter, lines),
            "Blue: no row is both faster and more accurate.",
        ),
        _part(
            "Selection rules",
            tables.rules(chapter, lines),
            f"Each column is a rule that selects the epoch; the best without target labels is bold. {bound}",
        ),
        _part(
            "Learning curves",
            curves,
            "Lines are means over seeds on the target test split. Below, the epochs that each rule chose, a mark for "
            f"each seed; an oracle's are crosses. {left_out}",
        ),
        _part("Runs from near", f'<div class="examples">{shown}</div>' if shown else ""),
        _listed("Notes", spec.protocol.notes),
        _listed("Sources", render.sources(spec.published.sources)),
        "</section>",
    ]
    return "".join(parts)


def _part(title: str, body: str, note: str = "") -> str:
    if not body:
        return ""
    said = f'<p class="note">{note.strip()}</p>' if note.strip() else ""
    return f"<h3>{title}</h3>{body}{said}"


def _listed(title: str, items: Sequence[str]) -> str:
    return f"<h3>{title}</h3><ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>" if items else ""


def _tiles(chapter: TableResults, lines: Sequence[Line]) -> str:
    runs = sum((line.runs.get("finished", 0) for line in lines), 0)
    without = sum(n for line in lines for status, n in line.runs.items() if status != "finished")
    facts = [(str(runs), "finished runs"), (str(sum(bool(line.runs) for line in lines)), "rows")]
    facts.append((str(len(chapter.spec.protocol.tasks)), f"task{'s' * (len(chapter.spec.protocol.tasks) != 1)}"))
    if lines and not math.isnan(lines[0].mean):
        facts.append((f"{lines[0].mean:.1f} %", f"best: {lines[0].row}"))
    gaps = [abs(line.gap) for line in lines if not math.isnan(line.gap)]
    if gaps:
        facts.append((f"{math.fsum(gaps) / len(gaps):.2f}", f"mean gap, absolute, {len(gaps)} rows"))
    if without:
        facts.append((str(without), "runs without a figure"))
    return f'<ul class="tiles">{"".join(f"<li><b>{escape(a)}</b>{escape(b)}</li>" for a, b in facts)}</ul>'


def _significance(chapter: TableResults) -> tuple[str, str]:
    """The critical-difference diagram and how to read it, or why there is none."""
    spec, summary = chapter.spec, chapter.summary
    ranked = board.ranked(spec, summary)
    why = board.untested(spec, summary)
    p = "" if why else render.tested(spec, summary)
    if ranked is None:
        return f"<p>{escape(why or f'Too few tasks or rows for ranks over tasks. {p}')}</p>", ""
    try:
        drawn = f'<div class="wide diagram" tabindex="0">{critical_difference_svg(ranked)}</div>'
    except UsageError as error:
        drawn = f"<p>{escape(str(error))}</p>"
    among = "all rows with a figure on every task"
    if len(ranked.ranks) < len(complete(board.by_task(spec, summary))):
        base = spec.protocol.baseline in ranked.ranks
        best = f"the {len(ranked.ranks) - base} best rows{' and the baseline' if base else ''}"
        among = f"{best}, as many as {ranked.tasks} tasks can tell apart"
    return drawn, escape(
        f"Average ranks over {ranked.tasks} tasks of {among}; Friedman's test: p = {ranked.p:.2g}. A bar joins rows of "
        f"which no two differ at 0.05 (Wilcoxon's signed ranks, Holm's correction). {p or why}"
    )
