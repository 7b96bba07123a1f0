"""Variants of a table: further rows at their defaults, fewer tasks, another baseline; and its file written again."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from da.config import catalog
from da.errors import ConfigError, nearest
from da.files import write_atomically
from da.tables.spec import MEAN, EvaluationProtocol, Published, PublishedScore, PublishedSource, TableSpec

DEFAULTS = " (defaults)"
"""Behind the name of a row at its defaults where the bare name has other settings, or figures published at others."""
VARIANT = "summary.yaml"
"""Beside a summary its table, where that is not one of ``benchmarks/tables`` as its file says."""


def with_rows(table: TableSpec, names: Sequence[str]) -> tuple[TableSpec, list[str]]:
    """A table with a row for each name, and what its rows are called.

    A name is a row of the table, or a method of the catalogue at its defaults: the table's own row of these where it
    has one, or a further one. A further row has no published figures, as those are of other settings.

    Args:
        table: as its file says.
        names: of rows or methods.

    Raises:
        ConfigError: a name is neither, or two of them mean one row.
    """
    called: list[str] = []
    for name in names:
        rows, method = table.protocol.rows(), name.removesuffix(DEFAULTS)
        if name not in rows and method not in catalog.entries("method"):
            raise ConfigError(
                f"table={table.protocol.given} has no row '{name}', and there is no such method; {_hint(name, rows)}"
            )
        row = name if name in rows else _row_at_defaults(table, method)
        if row in called:
            raise ConfigError(f"methods= names {row} twice, once as '{name}'.")
        called.append(row)
        if row not in rows:
            methods = {**table.protocol.methods, row: (f"method={method}",)}
            table = replace(table, protocol=replace(table.protocol, methods=methods))
    return table, called


def _hint(name: str, rows: Collection[str]) -> str:
    """A row or method that is very near to a name, else a row that is near, else all rows."""
    very_near = difflib.get_close_matches(name, {*rows, *catalog.entries("method")}, n=1, cutoff=0.75)
    return nearest(name, very_near or rows)


def _row_at_defaults(table: TableSpec, method: str) -> str:
    """The row of a method at its defaults: the table's own, or what a further one is called."""
    own = next((row for row, given in table.protocol.rows().items() if given == (f"method={method}",)), None)
    taken = method in table.protocol.rows() or any(method in source.scores for source in table.published.sources)
    return own or (f"{method}{DEFAULTS}" if taken else method)


def on_tasks(table: TableSpec, tasks: Sequence[str]) -> TableSpec:
    """A table of some of its tasks, in its own order; its title says so, and published means are over these alone.

    Args:
        table: as its file says.
        tasks: their names; ``->`` stands for an arrow; none means all.

    Raises:
        ConfigError: there is no such task.
    """
    known = table.protocol.tasks
    asked = [task if task in known else task.replace("->", "→") for task in tasks]
    for task in asked:
        if task not in known:
            raise ConfigError(f"table={table.protocol.given} has no task '{task}'; {nearest(task, known)}")
    if not asked or len(set(asked)) == len(known):
        return table
    kept = {task: own for task, own in known.items() if task in asked}
    title = f"{table.protocol.title} ({len(kept)} of {len(known)} tasks)"
    sources, elsewhere = (
        tuple(_source_of_tasks(source, kept) for source in part)
        for part in (table.published.sources, table.published.elsewhere)
    )
    return TableSpec(replace(table.protocol, tasks=kept, title=title), Published(sources, elsewhere))


def _source_of_tasks(source: PublishedSource, tasks: Collection[str]) -> PublishedSource:
    scores = {row: _of_tasks(own, tasks) for row, own in source.scores.items()}
    return replace(source, scores={row: own for row, own in scores.items() if own})


def _of_tasks(scores: Mapping[str, PublishedScore], tasks: Collection[str]) -> dict[str, PublishedScore]:
    """Published scores of some tasks, with their mean where all have one."""
    kept = {task: score for task, score in scores.items() if task in tasks}
    if len(kept) == len(tasks):
        kept[MEAN] = PublishedScore(math.fsum(score.value for score in kept.values()) / len(tasks))
    return kept


def against(table: TableSpec, baseline: str) -> TableSpec:
    """A table whose rows are tested against another one."""
    return replace(table, protocol=replace(table.protocol, baseline=baseline))


def write(table: TableSpec, made_by: str, file: Path) -> Path:
    """Write a table as a file that :func:`da.tables.spec.read` reads, with the command that makes it."""
    text = json.dumps(_content(table.protocol, table.published) | {"made_by": made_by}, indent=1, ensure_ascii=False)
    return write_atomically(file, text.encode())  # JSON is YAML


def _content(protocol: EvaluationProtocol, published: Published) -> dict[str, Any]:
    return {
        "title": protocol.title,
        "protocol": protocol.description,
        "settings": list(protocol.settings),
        "tasks": {task: list(own) for task, own in protocol.tasks.items()},
        "methods": {row: list(own) for row, own in protocol.methods.items()},
        "families": list(protocol.families),
        "seeds": {str(seed): list(own) for seed, own in protocol.seeds.items()},
        "selection": protocol.selection,
        "baseline": protocol.baseline,
        "published": [_source(source) for source in published.sources],
        "elsewhere": [_source(source) for source in published.elsewhere],
        "notes": list(protocol.notes),
        "remarks": dict(protocol.remarks),
        "bounds": list(protocol.bounds),
    }


def _source(source: PublishedSource) -> dict[str, Any]:
    figures = {
        row: {task: f"{s.value!r}" if s.std is None else f"{s.value!r} ± {s.std!r}" for task, s in own.items()}
        for row, own in source.scores.items()
    }
    return {"source": source.source, "evidence": source.evidence, "protocol": source.protocol, "figures": figures}
