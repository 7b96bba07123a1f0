"""The tables of the page where the target has no labels: scores, regret of rules, agreement, predicted classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from da.report.tables import SortableTable, TableCell, TableColumn, timings
from da.results.scores import SeedScores, shown
from da.tables import label_free_text as words
from da.tables import regret
from da.tables.label_free import LabelFreeTable, is_unlabelled, label_free_table
from da.tables.summarize import TableResults
from da.tables.wording import ABSENT

MOST_CLASSES = 40


@dataclass(frozen=True)
class NotedTable:
    """A table, how to read it, and sentences on what is not in it."""

    table: SortableTable
    note: str
    troubles: Sequence[str] = ()


def tables_of(section: TableResults) -> list[LabelFreeTable]:
    """The tables of those tasks of a section whose target has no labels."""
    made = []
    for task in section.spec.protocol.tasks:
        rows = list(dict.fromkeys(row for row, name, _ in section.runs if name == task))
        runs = {row: [r for (own, name, _), r in section.runs.items() if (own, name) == (row, task)] for row in rows}
        if is_unlabelled(r for found in runs.values() for r in found):
            made.append(label_free_table(task, runs, section.spec.protocol.selection))
    return made


def scores(table: LabelFreeTable) -> NotedTable:
    """Every rule's score, the one that orders rows first, source accuracy, runs and seconds."""
    rows = table.rows
    columns = [
        TableColumn(rule, [_scored(row.score(rule), row is table.highest and rule == table.rule) for row in rows])
        for rule in table.rules[:1]
    ]
    columns.append(TableColumn(f"source {table.metric}", [_cell(words.percent(r.source), r.source.mean) for r in rows]))
    runs = [f"{row.finished}, {len(row.errors)} failed" if row.errors else str(row.finished) for row in rows]
    columns.append(TableColumn("runs", [_cell(t, float(r.finished)) for t, r in zip(runs, rows, strict=True)]))
    columns += timings([row.seconds for row in rows], [row.cpu_seconds for row in rows])
    columns += [TableColumn(rule, [_scored(row.score(rule)) for row in rows]) for rule in table.rules[1:]]
    note = " ".join(words.how_to_read(table)[:2])
    return NotedTable(SortableTable([row.label for row in rows], columns, "leaderboard compact"), note)


def known_rules(table: LabelFreeTable) -> NotedTable | None:
    """What choosing methods by each rule lost on the committed tables; None where nothing is known."""
    known = regret.method_choice()
    rules = [rule for rule in table.rules if rule in known]
    if not rules:
        return None
    found = [known[rule] for rule in rules]
    columns = [
        TableColumn("regret", [_cell(shown(r.mean, 1), r.mean) for r in found]),
        TableColumn("from", [_cell(shown(r.low, 1), r.low) for r in found]),
        TableColumn("to", [_cell(shown(r.high, 1), r.high) for r in found]),
        TableColumn("cases", [_cell(str(r.cases), float(r.cases)) for r in found]),
    ]
    note = (
        "Points of accuracy that choosing the method by this rule lost to the best choice, over our own tables, whose "
        "targets have labels: the mean and its 95 % interval. A case is a table, a task and a seed."
    )
    return NotedTable(SortableTable(rules, columns, first="rule"), note)


def agreement(table: LabelFreeTable) -> NotedTable | None:
    """Percent of samples to which two rows give one label; None where no two can be compared."""
    names = [row.label for row in table.rows if row.shares]
    if not table.agreement:
        return None
    low = min(table.agreement.values())
    columns = [TableColumn(b, [_shaded(table.agreement.get((a, b)), f"{a}, {b}", low) for a in names]) for b in names]
    note = (
        f"Percent of the {table.samples} target samples to which two rows give one label in the last epoch, a mean "
        "over pairs of their runs; of a row with itself over its seeds."
    )
    return NotedTable(SortableTable(names, columns, "heatmap"), note, table.unread)


def shares(table: LabelFreeTable) -> NotedTable | None:
    """Percent of samples that each row predicts to be of a class, under the source's; None without predictions."""
    rows = [row for row in table.rows if row.shares]
    if not rows:
        return None
    kept = words.frequent(table, MOST_CLASSES)
    names = ["source (labels)", *(row.label for row in rows)] if table.source_shares else [row.label for row in rows]
    given = ([table.source_shares] if table.source_shares else []) + [row.shares for row in rows]
    body = [words.gathered(line, kept) for line in given]
    columns = [
        TableColumn(name, [_shaded(line[k], f"{row}: {name}") for row, line in zip(names, body, strict=True)])
        for k, name in enumerate(words.class_names(table, kept))
    ]
    note = "Percent of target samples that are predicted to be of each class in the last epoch, means over seeds."
    return NotedTable(SortableTable(names, columns, "heatmap"), note, () if table.agreement else table.unread)


def _scored(score: SeedScores, is_highest: bool = False) -> TableCell:
    text, _, spread = words.score_text(score).partition(" ± ")
    return TableCell(text, score.mean, "num best" if is_highest else "num", spread)


def _cell(text: str, value: float) -> TableCell:
    number, _, spread = text.partition(" ± ")
    return TableCell(number, value, spread=spread)


def _shaded(percent: float | None, what: str, low: float = 0.0) -> TableCell:
    """A share as a number and as darkness, which begins at ``low``."""
    if percent is None or math.isnan(percent):
        return TableCell(ABSENT)
    return TableCell(
        shown(percent, 1),
        percent,
        "num heat up",
        tip=f"{what}: {percent:.2f} %",
        shade=0.1 + 0.9 * (percent - low) / (100 - low) if low < 100 else 1.0,
    )
