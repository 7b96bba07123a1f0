"""What a report tells of: one section for each set of data, or one for a published table that was run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from da.results.record import Record
from da.tables import summary as summaries
from da.tables.spec import load, read
from da.tables.summarize import TableResults, summarize
from da.tables.summary import CellResult
from da.tables.variant import VARIANT

SUMMARY = "summary.json"


def sections(
    folder: Path, records: Sequence[Record], rule: str | None = None, results: list[TableResults] | None = None
) -> list[TableResults]:
    """The sections of a folder.

    Args:
        folder: a folder with ``summary.json`` is a table that was run again, and makes one section.
        records: all that lie below it, as :func:`da.results.store.load` gives them.
        rule: the selection rule reported first; None is the configured one.
        results: of these records under this rule, where they were brought into tables already.

    Raises:
        UsageError: the summary or its table cannot be read.
    """
    if (folder / SUMMARY).is_file():
        summary = summaries.read(folder / SUMMARY)
        own = folder / VARIANT
        spec = read(own, summary.table) if own.is_file() else load(summary.table)
        by_id = {r.run_id: r for r in records if r.run_id}
        runs = {(e.row, e.task, e.seed): by_id[e.run] for e in summary.entries if e.run in by_id}
        if rule is not None:
            summary = replace(summary, entries=tuple(_under(entry, rule) for entry in summary.entries))
            spec = replace(spec, protocol=replace(spec.protocol, selection=rule))
        return [TableResults(spec, summary, runs, benchmark=True)]
    return summarize(records, rule=rule) if results is None else results


def _under(entry: CellResult, rule: str) -> CellResult:
    """A run with one score had one epoch: any rule chooses that."""
    only = list(entry.scores.values())
    return replace(entry, scores={rule: only[0]}) if len(only) == 1 else entry
