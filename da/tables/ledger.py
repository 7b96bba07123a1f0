"""The ledger of scores: none that is committed moves without a line that says from what, to what, and why.

Each file of ``benchmarks/numbers`` is one change; ``benchmarks/NUMBERS.md`` is rendered from them. What the latest
change says of a row must be what is committed, which a test asserts, and no commit rewrites a file of an earlier one
unless it changes :data:`FORMAT`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from da.config import catalog
from da.errors import ConfigError
from da.files import write_atomically
from da.renamed import earlier
from da.results import record
from da.results.scores import mean
from da.tables.compare import MACHINE
from da.tables.spec import EvaluationProtocol
from da.tables.summary import CellResult, Summary, class_of
from da.tables.writer import Sheet

FOLDER = catalog.ROOT / "benchmarks" / "numbers"
PAGE = catalog.ROOT / "benchmarks" / "NUMBERS.md"
PLACES = 4
FORMAT = 4
"""Of the digests: 2 took in epochs, 3 diagnostics and the machine, 4 the data, and settings where no plan has them. A
commit that raises it renews the standing ones."""


@dataclass(frozen=True)
class CommittedScore:
    """A row's figure.

    Args:
        value: mean under the table's selection rule over the tasks that have a score, in percent; None without any.
        digest: of every score of every cell of the row, of every accuracy and score of its epochs, of its diagnostics
            of its data, and of the machine that made them, so that none moves unseen.
    """

    value: float | None
    digest: str


@dataclass(frozen=True)
class MovedScore:
    """A score that moved; without ``before`` it was committed for the first time, without ``after`` it is gone."""

    table: str
    row: str
    before: CommittedScore | None
    after: CommittedScore | None


@dataclass(frozen=True)
class Change:
    """Scores that moved for one reason.

    Args:
        name: the file's stem; changes are in its order.
        reason: in a line.
        commit: of the code that made the new figures.
        lines: the figures.
    """

    name: str
    reason: str
    commit: str
    lines: tuple[MovedScore, ...]


def scores(protocol: EvaluationProtocol, summary: Summary) -> dict[str, CommittedScore]:
    """The score of every row that finished somewhere."""
    found = {}
    for row in summary.rows():
        own = [e for e in summary.entries if e.row == row and e.status == "finished"]
        if not own:
            continue
        by_task = [list(summary.values(row, task, protocol.selection).values()) for task in summary.tasks()]
        values = [mean(values) for values in by_task if values]
        text = json.dumps([_evidence(e) for e in own], ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        found[row] = CommittedScore(round(mean(values), PLACES) if values else None, digest)
    return found


def _evidence(e: CellResult) -> list[Any]:
    """All that a cell says of its outcome, of its data, and of the machine that decides how closely it is met again.

    A cell that is no run of the configuration, which a test compares with its plan, says its settings too, by the names
    that these had when the first figures were entered: a new name moves no figure.
    """
    scores = {rule: round(value, PLACES) for rule, value in e.scores.items()}
    told: list[Any] = [e.task, e.seed, scores, e.epochs, e.said]
    if e.origin is not None:
        machine = {key: e.origin.environment[key] for key in MACHINE if key in e.origin.environment}
        config = e.origin.config
        told += [machine, e.origin.data, {} if "method._target_" in config else earlier(config, class_of(e.row))]
    return told


def changes(folder: Path | None = None) -> list[Change]:
    """All changes, the oldest first."""
    made = []
    for file in sorted((folder or FOLDER).glob("*.json")):
        given = json.loads(file.read_text(encoding="utf-8"))
        lines = tuple(
            MovedScore(table, row, _score(before), _score(after))
            for table, rows in given["figures"].items()
            for row, (before, after) in rows.items()
        )
        made.append(Change(file.stem, given["reason"], given["commit"], lines))
    return made


def _score(given: list[Any] | None) -> CommittedScore | None:
    return None if given is None else CommittedScore(*given)


def standing(table: str, folder: Path | None = None) -> dict[str, CommittedScore]:
    """What the ledger says that a table's scores are."""
    found: dict[str, CommittedScore] = {}
    for line in (line for change in changes(folder) for line in change.lines if line.table == table):
        if line.after is None:
            found.pop(line.row, None)
        else:
            found[line.row] = line.after
    return found


def moved(protocol: EvaluationProtocol, summary: Summary, folder: Path | None = None) -> list[MovedScore]:
    """What differs between a summary and the ledger."""
    known, now = standing(protocol.name, folder), scores(protocol, summary)
    rows = [row for row in dict.fromkeys([*now, *known]) if _digest(known.get(row)) != _digest(now.get(row))]
    return [MovedScore(protocol.name, row, known.get(row), now.get(row)) for row in rows]


def enter(protocol: EvaluationProtocol, summary: Summary, reason: str = "", folder: Path | None = None) -> Path | None:
    """Write what moved into a file of its own, and render the page; None where nothing did.

    Raises:
        ConfigError: a committed score moved, and no reason is given.
    """
    folder = folder or FOLDER
    lines = moved(protocol, summary, folder)
    if not lines:
        return None
    if not reason and any(line.before is not None for line in lines):
        told = ", ".join(f"{line.row} {_value(line.before)} -> {_value(line.after)}" for line in lines if line.before)
        raise ConfigError(f"Figures of table={protocol.name} moved: {told}. Say why with --reason 'one line'.")
    number = max((int(change.name.partition("-")[0]) for change in changes(folder)), default=0) + 1
    given = {
        "reason": reason or "first figures",
        "commit": made_by(summary, [line.row for line in lines])[:10],
        "figures": {protocol.name: {line.row: [_plain(line.before), _plain(line.after)] for line in lines}},
    }
    file = write_atomically(folder / f"{number:04}-{protocol.name}.json", _text(given).encode())
    if folder == FOLDER:
        write_atomically(PAGE, page().encode())
    return file


def made_by(summary: Summary, rows: Collection[str]) -> str:
    """The commit of the code that made some rows' scores, of several the commonest; the present where none says."""
    known = Counter(
        e.origin.environment["commit"]
        for e in summary.entries
        if e.row in rows and e.origin and "commit" in e.origin.environment
    )
    return known.most_common(1)[0][0] if known else record.code_version()["commit"]


def _digest(score: CommittedScore | None) -> str | None:
    return None if score is None else score.digest


def _plain(score: CommittedScore | None) -> list[Any] | None:
    return None if score is None else [score.value, score.digest]


def _text(given: dict[str, Any]) -> str:
    """JSON with a line for each figure."""
    tables = [
        f" {json.dumps(table, ensure_ascii=False)}: {{\n"
        + ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}: {json.dumps(pair)}" for row, pair in rows.items())
        + "\n }"
        for table, rows in given["figures"].items()
    ]
    head = ",\n".join(f' "{key}": {json.dumps(given[key], ensure_ascii=False)}' for key in ("reason", "commit"))
    return f'{{\n{head},\n "figures": {{\n' + ",\n".join(tables) + "\n }\n}\n"


def _value(score: CommittedScore | None) -> str:
    return "-" if score is None or score.value is None else f"{score.value:.2f}"


def page(folder: Path | None = None) -> str:
    """``benchmarks/NUMBERS.md``: every score that a change moved, the latest change first."""
    parts = [
        "# Figures that moved",
        "Every committed figure that a change moved: the table and its row, what its mean over tasks was and is in "
        "percent (under the table's selection rule), the commit of the code that made the new one, and why. Rendered "
        "from `benchmarks/numbers`, which `scripts/benchmark.py --write --reason '...'` writes; a figure that moves "
        "without a line fails the tests.",
    ]
    parts += [part for change in reversed(changes(folder)) for part in _change(change)]
    return "\n\n".join(parts) + "\n"


def _change(change: Change) -> Iterator[str]:
    yield f"## {change.name.partition('-')[0]}. {change.reason}"
    first = [line for line in change.lines if line.before is None]
    if first:
        tables = ", ".join(dict.fromkeys(line.table for line in first))
        rows = "1 row" if len(first) == 1 else f"{len(first)} rows"
        yield f"First figures of {rows} of {tables} (code of commit {change.commit})."
    rest = [line for line in change.lines if line.before is not None]
    if rest:
        body = [
            (line.table, line.row, _value(line.before), _value(line.after), _by(line), change.commit) for line in rest
        ]
        yield Sheet(["table", "row", "before", "after", "by", "commit"], body, words=(0, 1, 5)).markdown()


def _by(line: MovedScore) -> str:
    values = [score.value if score is not None else None for score in (line.before, line.after)]
    if values[0] is None or values[1] is None:
        return "-"
    return f"{values[1] - values[0] + 0.0:+.2f}" if round(values[1] - values[0], 2) else "cells only"
