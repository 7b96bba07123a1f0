"""What a report tells of: one chapter for each set of data, or one for a published table that was run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from da.results.record import Record
from da.tables import summary as summaries
from da.tables.records import Row, Table, chosen_by, tables
from da.tables.spec import Spec, load
from da.tables.summary import Entry, Summary

SUMMARY = "summary.json"
BASELINES = ("source_only", "unadapted")


@dataclass(frozen=True)
class Chapter:
    """A table of results and the runs behind it.

    Args:
        spec: its protocol; without published figures where the records alone say what was run.
        summary: the figures.
        runs: records by row, task and seed, as far as they are at hand.
        benchmark: whether a published table was run again.
    """

    spec: Spec
    summary: Summary
    runs: Mapping[tuple[str, str, int], Record]
    benchmark: bool


def chapters(folder: Path, records: Sequence[Record], rule: str | None = None) -> list[Chapter]:
    """The chapters of a folder.

    Args:
        folder: a folder with ``summary.json`` is a table that was run again, and makes one chapter.
        records: all that lie below it, as :func:`da.results.store.load` gives them.
        rule: the selection rule reported first; None is the configured one.

    Raises:
        UsageError: the summary or its table cannot be read.
    """
    if (folder / SUMMARY).is_file():
        summary = summaries.read(folder / SUMMARY)
        spec = load(summary.table)
        by_id = {r.run_id: r for r in records if r.run_id}
        runs = {(e.row, e.task, e.seed): by_id[e.run] for e in summary.entries if e.run in by_id}
        if rule is not None:
            summary = replace(summary, entries=tuple(_under(entry, rule) for entry in summary.entries))
            spec = replace(spec, selection=rule)
        return [Chapter(spec, summary, runs, True)]
    groups: dict[str, list[Table]] = {}
    for table in tables(records, rule):
        groups.setdefault(table.protocol.data, []).append(table)
    return [_chapter(data, group, records) for data, group in groups.items()]


def _under(entry: Entry, rule: str) -> Entry:
    """A run with one figure had one epoch: any rule chooses that."""
    only = list(entry.figures.values())
    return replace(entry, figures={rule: only[0]}) if len(only) == 1 else entry


def _chapter(data: str, group: list[Table], records: Sequence[Record]) -> Chapter:
    group = [table for table in group if table.samples is not None] or group  # the others failed before they had a task
    titles = [table.protocol.task for table in group]
    names = {
        id(table): name if titles.count(name) == 1 else f"{name} ({table.protocol.fingerprint[:8]})"
        for table, name in zip(group, titles, strict=True)
    }
    rule = group[0].rule
    entries: list[Entry] = []
    runs: dict[tuple[str, str, int], Record] = {}
    for table in group:
        for row in table.rows:
            for r in row.runs:
                where = (row.label, names[id(table)], r.seed)
                entries.append(summaries.entry_of(*where, r, rule))
                runs[where] = r
    used = list(runs.values())
    spec = Spec(
        name=data,
        title=f"data={data}",
        protocol=_protocol(group),
        settings=(),
        tasks=dict.fromkeys(names.values(), ()),
        methods={},
        families=(),
        seeds=dict.fromkeys(sorted({entry.seed for entry in entries}), ()),
        selection=rule,
        baseline=_baseline([row for table in group for row in table.rows]),
        published=(),
        notes=tuple(dict.fromkeys(note for table in group for note in table.notes)),
    )
    return Chapter(spec, Summary(data, tuple(entries), group[0].metrics[0], summaries.made_with(used)), runs, False)


def _protocol(group: Sequence[Table]) -> str:
    """What the figures of several tables are figures of."""
    transductive = {table.protocol.transductive for table in group}
    split = (
        "the target's training inputs themselves: transductive" if True in transductive else "held out from training"
    )
    split = "transductive in some tasks, held out from training in others" if len(transductive) > 1 else split
    sizes = sorted({table.samples for table in group if table.samples is not None})
    samples = f" of {sizes[0]}{f' to {sizes[-1]}' if len(sizes) > 1 else ''} samples" if sizes else ""
    return (
        f"{' and '.join(group[0].metrics)} in % on the target test split{samples} ({split}), mean ± sample standard "
        f"deviation over seeds; {chosen_by(group[0].rule)}."
    )


def _baseline(rows: Sequence[Row]) -> str:
    """The label of the method that adapts nothing; empty where none is or it has several configurations."""
    for method in BASELINES:
        labels = {row.label for row in rows if row.method == method}
        if len(labels) == 1:
            return labels.pop()
    return ""
