"""Tables of targets without labels as Markdown, and as aligned text for a console."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from da.results.scores import SeedScores, shown
from da.tables import regret
from da.tables.label_free import LabelFreeRow, LabelFreeTable
from da.tables.wording import ABSENT
from da.tables.writer import Sheet, escape, listed

MOST_ROWS = 12
"""Rows of which agreement and predicted classes are shown, and classes beside each other: the page has all."""
ACROSS = 6
"""Rows beside each other in a console."""
NO_LABELS = "the target has no labels, so nothing here is an accuracy on it"


def text(title: str, table: LabelFreeTable) -> str:
    """The table as aligned text: rows by the rule that orders them, then all rules, agreement and classes.

    Args:
        title: what the table is of.
        table: the scores.
    """
    lines = [f"{title}: {NO_LABELS}", *rows_sheet(table).text().splitlines()]
    for start in range(0, len(table.rows), ACROSS):
        lines += ["", *rules_sheet(table, table.rows[start : start + ACROSS]).text().splitlines()]
    for sheet in _predicted(table):
        lines += ["", *sheet.text().splitlines()]
    width = max(80, *map(len, lines))
    prose = [line for said in remarks(table) for line in textwrap.wrap(said, min(width, 110))]
    return "\n".join([*lines, *prose, ""])


def markdown(title: str, table: LabelFreeTable) -> str:
    """The table in Markdown, with all that :func:`text` says.

    Args:
        title: what the table is of.
        table: the scores.
    """
    first, *others = remarks(table)
    sheets = [rows_sheet(table), rules_sheet(table, table.rows), *_predicted(table)]
    parts = [f"### {title}: {NO_LABELS}", first, *(sheet.markdown() for sheet in sheets), listed(others)]
    return "\n\n".join(part for part in parts if part) + "\n"


def latex(title: str, table: LabelFreeTable) -> str:
    """The rows as a ``table`` of LaTeX, with how to read it as its caption.

    Args:
        title: what the table is of.
        table: the scores.
    """
    sheet = rows_sheet(table)
    body = [[name, *(cell.replace(" ± ", r" $\pm$ ") for cell in cells)] for name, *cells in sheet.body]
    caption = escape(f"{title}: {NO_LABELS}. {' '.join(how_to_read(table))}").replace("±", r"$\pm$")
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        Sheet(sheet.head, body).latex(),
        r"\end{table}",
    ]
    return "\n".join([*lines, ""])


def rows_sheet(table: LabelFreeTable) -> Sheet:
    """Rows by the rule that orders them, with the source metric, runs and seconds."""
    body = []
    for row in table.rows:
        runs = f"{row.finished}, {len(row.errors)} failed" if row.errors else str(row.finished)
        seconds = ABSENT if row.seconds is None else f"{row.seconds:.1f}"
        rule = [score_text(row.score(table.rule))] if table.rule else []
        body.append([row.label, *rule, percent(row.source), runs, seconds])
    head = ["method", *([table.rule] if table.rule else []), f"source {table.metric}", "runs", "seconds"]
    return Sheet(head, body)


def rules_sheet(table: LabelFreeTable, rows: Sequence[LabelFreeRow]) -> Sheet:
    """The score of every rule, and its regret on the committed tables."""
    body = [[rule, regret_text(rule), *(score_text(row.score(rule)) for row in rows)] for rule in table.rules]
    return Sheet(["score of", "regret", *(row.label for row in rows)], body)


def agreement_sheet(table: LabelFreeTable) -> Sheet:
    """Percent of target samples to which two rows give one label."""
    names = [row.label for row in table.rows if row.shares][:MOST_ROWS]
    body = [[a, *(_share(table.agreement.get((a, b))) for b in names)] for a in names]
    return Sheet(["agreement in %", *names], body)


def shares_sheet(table: LabelFreeTable) -> Sheet:
    """Percent of target samples that each row predicts to be of a class, under the shares of the source."""
    columns = frequent(table, MOST_ROWS)
    body = [["source (labels)", *map(_share, gathered(table.source_shares, columns))]] if table.source_shares else []
    named = [row for row in table.rows if row.shares][:MOST_ROWS]
    body += [[row.label, *map(_share, gathered(row.shares, columns))] for row in named]
    return Sheet(["predicted in %", *class_names(table, columns)], body)


def frequent(table: LabelFreeTable, most: int) -> list[int]:
    """The classes that rows predict most often on average, so many at most, in the order of the classes."""
    rows = [row.shares for row in table.rows if row.shares]
    order = sorted(range(len(table.classes)), key=lambda c: -sum(shares[c] for shares in rows))
    return sorted(order[:most])


def gathered(shares: Sequence[float], columns: Sequence[int]) -> list[float]:
    """The shares of some classes, and that of all others together where there are any."""
    rest = [sum(share for c, share in enumerate(shares) if c not in columns)] if len(columns) < len(shares) else []
    return [*(shares[c] for c in columns), *rest]


def class_names(table: LabelFreeTable, columns: Sequence[int]) -> list[str]:
    """The names of some classes, and what all others are called."""
    others = len(table.classes) - len(columns)
    return [*(table.classes[c] for c in columns), *([f"{others} other{'s' * (others > 1)}"] if others else [])]


def remarks(table: LabelFreeTable) -> list[str]:
    """How to read the table, and what a reader must know, in sentences."""
    return [" ".join(how_to_read(table)), *table.unread, *table.notes, *_failures(table)]


def how_to_read(table: LabelFreeTable) -> list[str]:
    """What the scores are, what they are ordered by, and what the regret is."""
    if not table.rule:
        return ["No rule that compares methods without target labels scored any run."]
    named = "the rule that chose methods with the least regret on our own tables" if table.is_least else "as named"
    regrets = (
        "Regret: points of accuracy that choosing the method by this rule lost to the best choice on our own tables, "
        "mean [95 % interval]."
    )
    return [
        f"Rows are ordered by {table.rule} ({named}).",
        "Scores are of the epoch that the rule chooses, higher is better, mean ± sample standard deviation over seeds; "
        "scores of different rules cannot be compared.",
        *([regrets] if any(rule in regret.method_choice() for rule in table.rules) else []),
        f"Source {table.metric} is in %, of held-out source samples at the epoch that {table.rule} chooses.",
        *([_of_predictions(table)] if table.samples else []),
    ]


def _of_predictions(table: LabelFreeTable) -> str:
    rows = sum(bool(row.shares) for row in table.rows)
    cut = f", of the {MOST_ROWS} highest rows" if rows > MOST_ROWS else ""
    if not table.agreement:
        return f"Predicted classes are those of the last epoch{cut}, means over seeds."
    return (
        f"Agreement is the share of the {table.samples} target samples to which two rows give one label, and predicted "
        f"classes are those of the last epoch{cut}, means over seeds."
    )


def _predicted(table: LabelFreeTable) -> list[Sheet]:
    """What is known of predictions: agreement where rows can agree, and class shares."""
    if not any(row.shares for row in table.rows):
        return []
    return [*([agreement_sheet(table)] if table.agreement else []), shares_sheet(table)]


def _failures(table: LabelFreeTable) -> list[str]:
    return [f"Failed: {row.label}, {error}" for row in table.rows for error in row.errors]


def regret_text(rule: str) -> str:
    """What choosing methods by a rule lost on the committed tables: mean and interval, in points."""
    found = regret.method_choice().get(rule)
    return ABSENT if found is None else f"{shown(found.mean, 1)} [{shown(found.low, 1)}, {shown(found.high, 1)}]"


def score_text(score: SeedScores) -> str:
    """A rule's score with its deviation over seeds, to at least three digits."""
    return _with_spread(score, 1 if abs(score.mean) >= 10 else 3)


def percent(score: SeedScores) -> str:
    """A metric in percent with its deviation over seeds."""
    return _with_spread(score, 1)


def _with_spread(score: SeedScores, places: int) -> str:
    if not score.values:
        return ABSENT
    return shown(score.mean, places) + ("" if score.std is None else f" ± {shown(score.std, places)}")


def _share(value: float | None) -> str:
    return ABSENT if value is None else shown(value, 1)
