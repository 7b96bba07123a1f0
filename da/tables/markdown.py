"""Tables in Markdown: paper, ours and the gap, every task, what failed, and where the scores come from."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

from da.results.scores import shown
from da.tables import leaderboard
from da.tables.diagnostics import diagnostics
from da.tables.leaderboard import Line, Paper
from da.tables.paired import LEAST, T_TEST
from da.tables.remarks import findings, worst
from da.tables.significance import ALPHA, complete, least
from da.tables.spec import EVIDENCE, FOLDER, MEAN, PublishedScore, PublishedSource, TableSpec
from da.tables.summary import Summary
from da.tables.wording import ABSENT, ORACLE, chosen_by
from da.tables.writer import Sheet, listed

CORES = 2
"""Of the machine that made the committed tables, each with runs of its own."""
MARKS = {"read": "", "recomputed": "†", "memory": "‡"}
RESULTS = FOLDER.parent / "results"


def markdown(spec: TableSpec, summary: Summary, cost: bool = True, line: str = "") -> str:
    """One table: its protocol, leaderboard, selection rules, tasks, failures, notes, sources and environment.

    Args:
        spec: the table.
        summary: what came of it.
        cost: False leaves out all that differs between two runs of the same code, so that the text does not.
        line: the command that was typed; empty names the one that makes the whole table.
    """
    lines = leaderboard.lines(spec, summary)
    parts = [
        f"## {heading(spec, summary)}",
        spec.protocol.description,
        f"`{line or command(spec, summary.overrides)}`",
        _leaderboard(spec, summary, lines, cost),
        _caption(spec, summary, lines),
        _rules(spec, summary, lines),
        _tasks(spec, summary, lines),
        diagnostics(summary, [line.row for line in lines]),
        _listed("Of single rows", remarked(spec, summary)),
        worst(spec.protocol, summary),
        _listed("Without a figure, or not of this code", leaderboard.reasons(summary)),
        _listed("Notes", spec.protocol.notes),
        _listed("Sources", sources(spec.published.sources)),
        _elsewhere(spec),
        environment(summary),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def results_page(pairs: Sequence[tuple[TableSpec, Summary]], absent: Sequence[TableSpec] = ()) -> str:
    """All tables on one page: an overview, every table that was run, and what was published of those that were not.

    Args:
        pairs: tables and what came of them.
        absent: tables that were not run.
    """
    parts = [
        "# Results",
        "Published tables, run again. Rendered from the tables and the committed summaries of their runs, never "
        "written by hand. How to read a table stands below it. `--commands` prints the command of every cell, "
        "and `methods=ROW` runs a single row.",
        overview(pairs) if pairs else "No table was run yet.",
    ]
    for spec, summary in pairs:
        parts.append(markdown(spec, summary).rstrip())
        if (RESULTS / (diagram := f"{spec.protocol.name}_cd.png")).is_file():
            parts.append(
                f"![{spec.protocol.title}: average ranks over tasks; a bar joins methods without a significant "
                f"difference](results/{diagram})"
            )
    if absent:
        parts.append("# Not run\n\nThe data of these tables are not at hand here. What was published of them:")
        parts += [_absent(spec) for spec in absent]
    return "\n\n".join(parts) + "\n"


def overview(pairs: Sequence[tuple[TableSpec, Summary]], place: str = "") -> str:
    """One line for each table: its size, its best row, how far ours are from the papers, and what runs take.

    Rows trained on all target labels are bounds, which are never the best.

    Runs a minute are what two cores trained and evaluated, beside other work; the choice of C is in it, and loading
    data, which runs of a process share, is not.

    Args:
        pairs: tables and what came of them.
        place: path of the page that the links lead to; empty for the page itself.
    """
    gap = "mean gap to papers, absolute"
    head = ["table", "tasks", "methods", "runs", "best method but bounds", "its mean", gap, "runs a minute"]
    return Sheet(head, [_overview(spec, summary, place) for spec, summary in pairs]).markdown()


def heading(spec: TableSpec, summary: Summary) -> str:
    """A table's title, and what was typed beside it that changes results."""
    return f"{spec.protocol.title}, with {', '.join(summary.overrides)}" if summary.overrides else spec.protocol.title


def command(spec: TableSpec, overrides: Sequence[str] = ()) -> str:
    """The command that runs a table again.

    Args:
        spec: the table.
        overrides: what was typed beside it.
    """
    words = ["python scripts/benchmark.py", f"table={spec.protocol.given}", *overrides]
    return spec.protocol.made_by or " ".join([words[0], *map(shlex.quote, words[1:])])


def digits(summary: Summary) -> int:
    """Decimals worth printing: two for scores of one seed, which are exact, one for means over several."""
    return 1 if len({entry.seed for entry in summary.entries}) > 1 else 2


def number(value: float, std: float | None, places: int) -> str:
    """``mean ± std``, or a dash."""
    if math.isnan(value):
        return ABSENT
    return shown(value, places) + ("" if std is None else f" ± {shown(std, places)}")


def paper_cell(paper: Paper | None, spec: TableSpec) -> str:
    """A published mean with the mark of its evidence, its source where there are several, and over how many tasks."""
    if paper is None:
        return ABSENT
    text = number(paper.value, paper.std, 1 if paper.std is not None else 2) + MARKS[paper.source.evidence]
    if len(spec.published.sources) > 1:
        text += f" [{spec.published.sources.index(paper.source) + 1}]"
    return text if paper.tasks == len(spec.protocol.tasks) else f"{text} ({_count(paper.tasks, 'task')})"


def published_cell(score: PublishedScore, source: PublishedSource) -> str:
    """A published score with the decimals that it has, one or two, and the mark of its evidence."""
    text = f"{round(score.value, 2):g}"
    return (text if "." in text else f"{text}.0") + MARKS[source.evidence]


def gap_cell(line: Line, spec: TableSpec, places: int) -> str:
    """Ours minus the paper's, and over how many tasks where not all."""
    if math.isnan(line.gap):
        return ABSENT
    partly = "" if line.gap_tasks == len(spec.protocol.tasks) else f" ({_count(line.gap_tasks, 'task')})"
    return f"{round(line.gap, places) + 0.0:+.{places}f}{partly}"  # adding zero: no -0.00


def p_cell(p: float | None) -> str:
    """A p-value as far as anyone reads it."""
    return ABSENT if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def difference_cell(line: Line, places: int) -> str:
    """A row's difference to the baseline over seeds, with its interval."""
    return ABSENT if line.difference is None else line.difference.text(places)


def runs_cell(line: Line) -> str:
    """How many runs finished, how many of them by other code, and what became of the others."""
    if not line.runs:
        return "paper only"
    others = [f"{n} {status}" for status, n in sorted(line.runs.items()) if status != "finished"]
    stale = f" ({line.stale} by other code)" if line.stale else ""
    return ", ".join([f"{line.runs.get('finished', 0)}{stale}", *others])


def tested(spec: TableSpec, summary: Summary) -> str:
    """What the p-values are of, and how small they could be at all where that is not small."""
    if len(spec.protocol.tasks) == 1:
        return _tested_over_seeds(spec, summary)
    rows = len(complete(leaderboard.by_task(spec, summary))) - 1
    said = (
        f"p: Wilcoxon's signed ranks over tasks against {spec.protocol.baseline}, Holm's correction over {rows} methods"
    )
    lowest = least(rows, len(spec.protocol.tasks))
    return f"{said}{f' (which cannot fall below {lowest:.2f} here)' if lowest >= ALPHA else ''}."


def _tested_over_seeds(spec: TableSpec, summary: Summary) -> str:
    """What differences and p-values of a single task are of."""
    found = leaderboard.by_seed(spec, summary).values()
    tested = sum(difference.p is not None for difference in found)
    few = "" if tested == len(found) else f" (none from fewer than {LEAST} pairs, or where all pairs differ alike)"
    return (
        f"Differences to {spec.protocol.baseline} are paired over seeds, each with its own 95 % interval by Student's "
        f"t{few}; p: {T_TEST} over seeds, Holm's correction over {_count(tested, 'method')}. Seeds of one task say "
        "nothing of other tasks."
    )


def sources(published: Sequence[PublishedSource]) -> list[str]:
    """Where published scores come from, how they are known, and what is not as in the table."""
    return [
        f"[{k}] {source.source} ({f'{MARKS[source.evidence]} {EVIDENCE[source.evidence]}'.strip()})"
        + (f": {' '.join(source.protocol.split())}" if source.protocol else "")
        for k, source in enumerate(published, 1)
    ]


def environment(summary: Summary) -> str:
    """With what code, packages and devices the scores were made, in a line; empty where nothing was run."""
    made = summary.made
    if not made.get("code"):
        return ""
    versions = ", ".join(f"{name} {'/'.join(found)}" for name, found in made["versions"].items())
    return f"Made with code {'/'.join(made['code'])}; {versions}; on {', '.join(made['devices']) or 'no device'}."


def _leaderboard(spec: TableSpec, summary: Summary, lines: Sequence[Line], cost: bool) -> str:
    places = digits(summary)
    first = leaderboard.best(lines)
    best = math.nan if first is None else first.mean
    oracle = leaderboard.oracle(summary)
    columns: dict[str, list[str]] = {"method": [line.row for line in lines]}
    if spec.published.sources:
        columns["paper"] = [paper_cell(line.paper, spec) for line in lines]
    bound = spec.protocol.selection.startswith(ORACLE)
    columns["*ours*" if bound else "ours"] = [
        _ours(number(line.mean, line.std, places), line.mean == best and not line.is_bound, bound) for line in lines
    ]
    if spec.published.sources:
        columns["gap"] = [gap_cell(line, spec, places) for line in lines]
    if leaderboard.replicated([line.difference for line in lines]):
        columns[f"to {spec.protocol.baseline}"] = [difference_cell(line, places) for line in lines]
    if any(line.p is not None for line in lines):
        columns["p"] = [p_cell(line.p) for line in lines]
    columns["runs"] = [runs_cell(line) for line in lines]
    if cost:
        columns["seconds"] = [ABSENT if line.seconds is None else f"{line.seconds:.2f}" for line in lines]
    if oracle is not None:
        columns[f"*{oracle}*"] = [_apart(number(line.oracle, None, places)) for line in lines]
    return Sheet(list(columns), list(zip(*columns.values(), strict=True))).markdown()


def _caption(spec: TableSpec, summary: Summary, lines: Sequence[Line]) -> str:
    seeds = len({entry.seed for entry in summary.entries})
    said = [
        f"{summary.metric} in % on the target test split, mean over {_count(len(spec.protocol.tasks), 'task')}"
        + (f" ± sample standard deviation over {seeds} seeds" if seeds > 1 else "")
        + f", {chosen_by(spec.protocol.selection)}."
    ]
    if spec.published.sources:
        said.append("gap: ours minus the paper's, over the tasks that both have; † recomputed, ‡ from memory.")
    why = leaderboard.untested(spec, summary)
    said.append(why or tested(spec, summary))
    if leaderboard.oracle(summary):
        said.append(f"*{ORACLE}* reads the target test labels and is a bound, not a result.")
    if leaderboard.bounds(lines):
        said.append(leaderboard.bounds(lines))
    return " ".join(said)


def _rules(spec: TableSpec, summary: Summary, lines: Sequence[Line]) -> str:
    """Means by the rule that selects the epoch, where any but the table's own has figures."""
    rules = [spec.protocol.selection, *(rule for rule in summary.rules() if rule != spec.protocol.selection)]
    if len(rules) < 2:
        return ""
    places = digits(summary)
    body = []
    for line in lines:
        means = [summary.mean(line.row, MEAN, rule) for rule in rules]
        if all(math.isnan(mean) for mean in means[1:]):
            continue  # one epoch: nothing to select
        cells = [number(m, summary.std(line.row, MEAN, r), places) for m, r in zip(means, rules, strict=True)]
        body.append([line.row, *(_apart(c) if r.startswith(ORACLE) else c for c, r in zip(cells, rules, strict=True))])
    if not body:
        return ""
    head = ["method", *(f"*{rule}*" if rule.startswith(ORACLE) else rule for rule in rules)]
    return f"By the rule that selects the epoch:\n\n{Sheet(head, body).markdown()}"


def _tasks(spec: TableSpec, summary: Summary, lines: Sequence[Line]) -> str:
    if len(spec.protocol.tasks) < 2:
        return ""
    places = digits(summary)
    ours = leaderboard.by_task(spec, summary)
    candidates = [ours[line.row] for line in lines if line.row in ours and not line.is_bound]
    best = [
        max((v[k] for v in candidates if not math.isnan(v[k])), default=math.nan)
        for k in range(len(spec.protocol.tasks))
    ]
    body = []
    for line in lines:
        cells = []
        for k, task in enumerate(spec.protocol.tasks):
            value = ours[line.row][k] if line.row in ours else math.nan
            found = spec.published.score(line.row, task)
            rule = spec.protocol.selection
            text = number(value, summary.std(line.row, task, rule), places)
            cell = _ours(text, value == best[k] and not line.is_bound, rule.startswith(ORACLE))
            cells.append(cell if found is None else f"{cell} ({published_cell(*found)})")
        body.append([line.row, *cells])
    beside = ", the paper's figure in parentheses" if spec.published.sources else ""
    return f"By task, the best of ours in bold{beside}:\n\n{Sheet(['method', *spec.protocol.tasks], body).markdown()}"


def remarked(spec: TableSpec, summary: Summary) -> list[str]:
    """Rows that equal another everywhere, weightings that lose, and why."""
    return [
        f"{row} {' and '.join(what)}: {spec.protocol.remarks.get(row, 'not explained yet')}"
        for row, what in findings(spec.protocol, summary).items()
    ]


def _overview(spec: TableSpec, summary: Summary, place: str) -> list[str]:
    lines = leaderboard.lines(spec, summary)
    ours = [line for line in lines if line.runs]
    best = leaderboard.best(lines)
    seconds = [entry.seconds for entry in summary.entries if entry.seconds is not None]
    gaps = [abs(line.gap) for line in lines if not math.isnan(line.gap)]
    return [
        f"[{spec.protocol.name}]({place}#{_anchor(spec.protocol.title)})",
        str(len(spec.protocol.tasks)),
        str(len(ours)),
        str(sum(line.runs.get("finished", 0) for line in ours)),
        ABSENT if best is None else best.row,
        ABSENT if best is None else number(best.mean, best.std, digits(summary)),
        f"{math.fsum(gaps) / len(gaps):.2f} ({_count(len(gaps), 'method')})" if gaps else ABSENT,
        f"{60.0 * CORES * len(seconds) / math.fsum(seconds):.0f}" if seconds else ABSENT,
    ]


def _absent(spec: TableSpec) -> str:
    """A table that was not run: its protocol and what was published."""
    parts = [
        f"## {spec.protocol.title}",
        spec.protocol.description,
        f"`{command(spec)}`",
        _published(spec, spec.published.sources),
        _listed("Notes", spec.protocol.notes),
        _listed("Sources", sources(spec.published.sources)),
        _elsewhere(spec),
    ]
    return "\n\n".join(part for part in parts if part)


def _elsewhere(spec: TableSpec) -> str:
    if not spec.published.elsewhere:
        return ""
    items = listed(sources(spec.published.elsewhere))
    return f"Under other protocols, not to be compared:\n\n{_published(spec, spec.published.elsewhere)}\n\n{items}"


def _published(spec: TableSpec, published: Sequence[PublishedSource]) -> str:
    """Published scores, a row for each method and source; columns without any are left out."""
    given = {task for source in published for scores in source.scores.values() for task in scores}
    columns = [task for task in (*spec.protocol.tasks, MEAN) if task in given]
    body = []
    for k, source in enumerate(published, 1):
        for row, scores in source.scores.items():
            found = [scores.get(column) for column in columns]
            cells = [number(f.value, f.std, 1) + MARKS[source.evidence] if f else ABSENT for f in found]
            body.append([row, f"[{k}]", *cells])
    return Sheet(["method", "source", *columns], body).markdown() if body else ""


def _listed(title: str, items: Sequence[str]) -> str:
    return f"{title}:\n\n{listed(items)}" if items else ""


def _ours(text: str, best: bool, bound: bool) -> str:
    """A score of ours: the best is bold, and what an oracle chose is in italics."""
    return f"**{_apart(text) if bound else text}**" if best else _apart(text) if bound else text


def _apart(text: str) -> str:
    return text if text == ABSENT else f"*{text}*"


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}{'s' * (n != 1)}"


def _anchor(title: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")
