"""The tables of the page: leaderboard, heat map by task, selection rules, failures and environment."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from da.results.record import Record
from da.tables import leaderboard as board
from da.tables import markdown as render
from da.tables.leaderboard import Line
from da.tables.spec import MEAN
from da.tables.summarize import TableResults
from da.tables.wording import ABSENT, ORACLE

MOST_FAILURES = 40


def cell(shown: str, value: float | str | None = None, kind: str = "", extra: str = "") -> str:
    """A table cell; ``value`` is what it is sorted by, NaN and None come last."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    by = "" if missing else f' data-v="{escape(str(value))}"'
    named = f' class="{kind}"' if kind else ""
    return f"<td{named}{by}{extra}>{shown}</td>"


def table(head: Sequence[tuple[str, str]], body: Iterable[str], kind: str = "", caption: str = "") -> str:
    """A sortable table in a box of its own that scrolls; ``head`` holds names and classes."""
    cells = "".join(
        f'<th scope="col"{f" class={chr(34)}{c}{chr(34)}" if c else ""}><button>{_breakable(name)}</button></th>'
        for name, c in head
    )
    said = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<div class="box" tabindex="0"><table class="sortable {kind}">{said}<thead><tr>{cells}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _breakable(name: str) -> str:
    """A heading that may be broken where its words meet."""
    return escape(name.replace("->", "→")).replace("_", "_<wbr>").replace("→", "→<wbr>")


def row_head(name: str) -> str:
    """The first cell of a row."""
    return f'<th scope="row">{escape(name)}</th>'


def ranking(chapter: TableResults, lines: Sequence[Line]) -> str:
    """Paper, ours, gap, p, runs and seconds; what an oracle would select apart, in italics."""
    spec, summary = chapter.spec, chapter.summary
    places = render.digits(summary)
    paper, tested = bool(spec.published.sources), any(line.p is not None for line in lines)
    oracle = board.oracle(summary)
    means = [line.mean for line in lines if not math.isnan(line.mean)]
    best, low = max(means, default=math.nan), min(means, default=0.0)
    body = []
    for line in lines:
        share = 0.0 if math.isnan(line.mean) or best == low else (line.mean - low) / (best - low)
        cells = [row_head(line.row)]
        if paper:
            cells.append(cell(_tipped(line, chapter), line.paper.value if line.paper else None, "num"))
        bar = f' style="--w:{8 + 92 * share:.0f}%"' if not math.isnan(line.mean) else ""
        kind = "num bar best" if line.mean == best else "num bar"
        cells.append(cell(_number(line.mean, line.std, places), line.mean, kind, bar))
        if paper:
            shown = render.gap_cell(line, spec, places)
            cells.append(cell(ABSENT if math.isnan(line.gap) else shown, line.gap, "num"))
        if tested:
            kind = "num significant" if line.p is not None and line.p < 0.05 else "num"
            cells.append(cell(ABSENT if line.p is None else escape(render.p_cell(line.p)), line.p, kind))
        cells.append(cell(escape(render.runs_cell(line)), float(line.runs.get("finished", 0)), "num"))
        cells.append(cell(ABSENT if line.seconds is None else f"{line.seconds:.2f}", line.seconds, "num"))
        if oracle is not None:
            cells.append(cell(_number(line.oracle, None, places), line.oracle, "num oracle"))
        body.append(f'<tr data-row="{escape(line.row)}">{"".join(cells)}</tr>')
    head = [("method", "")]
    head += [("paper", "num")] * paper + [("ours", "num")] + [("gap", "num")] * paper + [("p", "num")] * tested
    head += [("runs", "num"), ("seconds", "num")] + ([] if oracle is None else [(oracle, "num oracle")])
    return (
        f'<label class="filter">Filter <input type="search" placeholder="method" aria-label="Filter methods"></label>'
        f'<output class="count"></output>{table(head, body, "leaderboard")}'
    )


def heat_map(chapter: TableResults, lines: Sequence[Line]) -> str:
    """Figures by task, coloured by their distance to the baseline (or to the median row where there is none)."""
    spec, summary = chapter.spec, chapter.summary
    if len(spec.protocol.tasks) < 2:
        return ""
    places = render.digits(summary)
    ours = board.by_task(spec, summary)
    shown = [line for line in lines if line.runs.get("finished")]
    if not shown:
        return ""
    columns = [*spec.protocol.tasks, MEAN]
    figures = np.array([[*ours[line.row], line.mean] for line in shown], float)
    middle = _middle(figures, [line.row for line in shown], spec.protocol.baseline)
    away = figures - middle
    limit = float(np.nanquantile(np.abs(away), 0.95)) if np.isfinite(away).any() else 0.0
    limit = max(math.ceil(limit), 1)
    best = np.nanmax(np.where(np.isnan(figures), -np.inf, figures), axis=0)
    body = []
    for i, line in enumerate(shown):
        cells = [row_head(line.row)]
        for k, task in enumerate(columns):
            value, found = figures[i, k], spec.published.score(line.row, task)
            tip = f"{line.row}, {task}: {render.number(value, None, 2)}"
            under = ""
            if found is not None:
                under = f"<small>{escape(render.published_cell(*found))}</small>"
                tip += f"; published {found[0].value:g}"
            if math.isnan(value):
                cells.append(cell(ABSENT + under, None, "num"))
                continue
            d = max(-1.0, min(1.0, away[i, k] / limit)) if not math.isnan(away[i, k]) else 0.0
            kind = ("up" if d >= 0 else "down") + (" best" if value == best[k] else "") + (" mean" * (task == MEAN))
            extra = f' style="--a:{abs(d):.2f}" title="{escape(tip)} ({away[i, k]:+.2f})"'
            cells.append(cell(f"{render.number(value, None, places)}{under}", float(value), f"num heat {kind}", extra))
        body.append(f'<tr data-row="{escape(line.row)}">{"".join(cells)}</tr>')
    to = (
        f"the baseline, {escape(spec.protocol.baseline)}"
        if spec.protocol.baseline in ours
        else "the median row of each task"
    )
    beneath = " Small figures are published ones." if spec.published.sources else ""
    legend = (
        f'<p class="key"><span>-{limit}</span><i class="ramp" aria-hidden="true"></i><span>+{limit}</span> points from '
        f"{to}; the best of a task is bold.{beneath}</p>"
    )
    return legend + table([("method", ""), *((c, "num") for c in columns)], body, "heatmap")


def rules(chapter: TableResults, lines: Sequence[Line]) -> str:
    """Means by the rule that selects the epoch, the oracle apart; empty where there was nothing to select."""
    spec, summary = chapter.spec, chapter.summary
    names = [spec.protocol.selection, *(rule for rule in summary.rules() if rule != spec.protocol.selection)]
    places = render.digits(summary)
    body = []
    for line in lines:
        means = [summary.mean(line.row, MEAN, rule) for rule in names]
        if all(math.isnan(mean) for mean in means[1:]):
            continue
        fair = [m for m, rule in zip(means, names, strict=True) if not rule.startswith(ORACLE) and not math.isnan(m)]
        cells = [row_head(line.row)]
        for rule, mean in zip(names, means, strict=True):
            kind = (
                "num oracle"
                if rule.startswith(ORACLE)
                else "num best"
                if mean == max(fair, default=math.nan)
                else "num"
            )
            cells.append(cell(_number(mean, summary.std(line.row, MEAN, rule), places), mean, kind))
        body.append(f'<tr data-row="{escape(line.row)}">{"".join(cells)}</tr>')
    if not body:
        return ""
    head = [("method", ""), *((rule, "num oracle" if rule.startswith(ORACLE) else "num") for rule in names)]
    return table(head, body)


def failures(records: Sequence[Record], reasons: Sequence[str]) -> str:
    """What has no figure and why; the tracebacks, folded."""
    failed = [r for r in records if not r.is_finished]
    if not failed and not reasons:
        return ""
    parts = [f"<ul>{''.join(f'<li>{escape(reason)}</li>' for reason in reasons)}</ul>" if reasons else ""]
    groups: dict[tuple[str, str], list[Record]] = {}
    for r in failed:
        groups.setdefault((r.traceback, r.error), []).append(r)
    for (trace, error), group in list(groups.items())[:MOST_FAILURES]:
        who = Counter(r.method for r in group)
        names = ", ".join(name if n == 1 else f"{name} ({n} runs)" for name, n in who.items())
        kind = escape(group[0].error_kind or "error")
        where = "".join(f"<li><code>{escape(str(r.directory or ''))}</code></li>" for r in group[:MOST_FAILURES])
        parts.append(
            f"<details><summary><b>{escape(names)}</b> <span class='kind'>{kind}</span> {escape(error)}</summary>"
            f"<pre>{escape(trace) or 'no traceback'}</pre><ul>{where}</ul></details>"
        )
    if len(groups) > MOST_FAILURES:
        parts.append(f"<p>{len(groups) - MOST_FAILURES} other kinds of failures are in the records.</p>")
    return "".join(parts)


def environment(records: Sequence[Record]) -> str:
    """Versions, code, devices and times of the runs: how many runs share each value."""
    facts: dict[str, Counter[str]] = {"code": Counter(), "commit": Counter(), "device": Counter()}
    for r in records:
        facts["code"][r.code.source or "unknown"] += 1
        facts["commit"][(r.code.commit or "none")[:12]] += 1
        if r.device:
            facts["device"][r.device] += 1
        for name, version in r.versions.items():
            facts.setdefault(str(name), Counter())[str(version)] += 1
    lines = []
    for name, found in facts.items():
        values = [escape(v) if len(found) == 1 else f"{escape(v)} ({n} runs)" for v, n in found.most_common(8)]
        if values:
            lines.append(f"<tr><th scope='row'>{escape(name)}</th><td>{', '.join(values)}</td></tr>")
    times = sorted(time for r in records for time in (r.started, r.ended) if time)
    if times:
        lines.append(f"<tr><th scope='row'>when</th><td>{escape(times[0])} to {escape(times[-1])}</td></tr>")
    return f'<div class="box"><table class="facts"><tbody>{"".join(lines)}</tbody></table></div>'


def _middle(figures: np.ndarray, rows: Sequence[str], baseline: str) -> np.ndarray:
    if baseline in rows:
        return figures[rows.index(baseline)]
    return np.array([float(np.median(c[~np.isnan(c)])) if (~np.isnan(c)).any() else math.nan for c in figures.T])


def _number(mean: float, std: float | None, places: int) -> str:
    shown = render.number(mean, std, places)
    if shown == ABSENT:
        return ABSENT
    head, _, spread = shown.partition(" ± ")
    return f"{head}<small> ± {spread}</small>" if spread else head


def _tipped(line: Line, chapter: TableResults) -> str:
    """A published mean with its source as a tooltip."""
    if line.paper is None:
        return ABSENT
    shown = escape(render.paper_cell(line.paper, chapter.spec))
    return f'<span title="{escape(line.paper.source.source)}">{shown}</span>'
