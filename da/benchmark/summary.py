"""What came of a table's cells, small enough to commit: figures by rule, seconds, and reasons where there are none."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from da.benchmark.plan import Cell
from da.benchmark.spec import MEAN, Spec
from da.errors import DataError
from da.results import record
from da.results.table import first_sentence

DIGITS = 4


@dataclass(frozen=True)
class Entry:
    """What came of one cell.

    Args:
        row: the table's row.
        task: the table's task.
        seed: of the run.
        status: ``finished``, ``failed``, ``refused`` (cannot be run) or ``missing`` (was not run yet).
        figures: the main metric on the target test split in percent, by the rule that selects the epoch.
        seconds: of training and evaluation.
        reason: of a failure or refusal, in a sentence.
        run: identity of the run that it came from.
    """

    row: str
    task: str
    seed: int
    status: str
    figures: Mapping[str, float]
    seconds: float | None = None
    reason: str = ""
    run: str = ""


@dataclass(frozen=True)
class Summary:
    """A table's outcome.

    Args:
        table: its name.
        entries: one for every cell, in the order of the plan.
        metric: name of the figures' metric.
        made: versions and hash of the code, versions of packages, devices.
    """

    table: str
    entries: tuple[Entry, ...]
    metric: str
    made: Mapping[str, Any]

    def rows(self) -> list[str]:
        """The rows, in the order of the plan."""
        return list(dict.fromkeys(e.row for e in self.entries))

    def tasks(self) -> list[str]:
        """The tasks, in the order of the plan."""
        return list(dict.fromkeys(e.task for e in self.entries))

    def of(self, row: str, task: str) -> list[Entry]:
        """The entries of a row on a task, a seed each."""
        return self._cells.get((row, task), [])

    @cached_property
    def _cells(self) -> dict[tuple[str, str], list[Entry]]:
        cells: dict[tuple[str, str], list[Entry]] = {}
        for entry in self.entries:
            cells.setdefault((entry.row, entry.task), []).append(entry)
        return cells

    def rules(self) -> list[str]:
        """The selection rules that any run has a figure for, oracles last."""
        found = {rule for e in self.entries for rule in e.figures}
        return sorted(found, key=lambda rule: (rule.startswith("oracle_"), rule))

    def values(self, row: str, task: str, rule: str) -> dict[int, float]:
        """Figures by seed; for ``mean`` those seeds that have a figure on every task."""
        if task != MEAN:
            return {e.seed: e.figures[rule] for e in self.of(row, task) if rule in e.figures}
        by_task = [self.values(row, name, rule) for name in self.tasks()]
        shared = set.intersection(*(set(found) for found in by_task)) if by_task else set()
        return {seed: math.fsum(found[seed] for found in by_task) / len(by_task) for seed in sorted(shared)}

    def mean(self, row: str, task: str, rule: str) -> float:
        """Mean over seeds; NaN where there is no figure."""
        found = list(self.values(row, task, rule).values())
        return math.fsum(found) / len(found) if found else math.nan

    def std(self, row: str, task: str, rule: str) -> float | None:
        """Sample standard deviation over seeds; None for fewer than two."""
        found = list(self.values(row, task, rule).values())
        return float(np.std(found, ddof=1)) if len(found) > 1 else None

    def seconds(self, row: str) -> float | None:
        """Mean seconds of a run."""
        found = [e.seconds for e in self.entries if e.row == row and e.seconds is not None]
        return math.fsum(found) / len(found) if found else None


def key(config: Mapping[str, Any]) -> str:
    """What tells a cell's configuration from another's, whatever the content of its data."""
    return record.run_id(dict(config), "")


def summarize(spec: Spec, cells: Sequence[Cell], records: Iterable[Mapping[str, Any]]) -> Summary:
    """Find every cell's record; of several the finished one, and of those the newest."""
    found: dict[str, Mapping[str, Any]] = {}
    for r in sorted(records, key=lambda r: (r["status"] == "finished", str(r.get("finished", "")))):
        found[key(r["config"])] = r
    entries, used = [], []
    for cell in cells:
        made = None if cell.plan is None else found.get(key(cell.plan.config))
        entries.append(_entry(cell, made, spec.selection))
        if made is not None:
            used.append(made)
    finished = [r for r in used if r["status"] == "finished"]
    metrics = list(dict.fromkeys(metric for r in finished for metric in list(r["target_test"])[:1]))
    return Summary(spec.name, tuple(entries), metrics[0] if metrics else "accuracy", made_with(used))


def made_with(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Hashes of the code, versions of packages, and devices that records were made with."""
    versions: dict[str, set[str]] = {}
    for r in records:
        for name, version in r.get("versions", {}).items():
            versions.setdefault(name, set()).add(version)
    return {
        "code": sorted({r["code"]["source"] for r in records if "code" in r}),
        "versions": {name: sorted(versions[name]) for name in record.PACKAGES if name in versions},
        "devices": sorted({r["device"] for r in records if "device" in r}),
    }


def _entry(cell: Cell, r: Mapping[str, Any] | None, rule: str) -> Entry:
    where = (cell.row, cell.task, cell.seed)
    if cell.plan is None:
        return Entry(*where, "refused", {}, reason=cell.refused)
    if r is None:
        return Entry(*where, "missing", {})
    return entry_of(*where, r, rule)


def entry_of(row: str, task: str, seed: int, r: Mapping[str, Any], rule: str) -> Entry:
    """What a record says of a cell; a run of one epoch has a figure for the table's rule alone."""
    where, run = (row, task, seed), str(r.get("run_id") or "")
    if r["status"] != "finished":
        return Entry(*where, "failed", {}, reason=first_sentence(r), run=run)
    chosen = r["selection"]
    if len(r.get("epochs", ())) == 1:  # nothing to select
        chosen = {rule: chosen["last"]}
    figures = {
        rule: round(float(next(iter(found["target_test"].values()))), DIGITS)
        for rule, found in sorted(chosen.items())
        if found["target_test"]
    }
    seconds = round(r["seconds"]["train"] + r["seconds"]["evaluate"], 3)
    return Entry(*where, "finished", figures, seconds, run=run)


def write(summary: Summary, file: Path) -> Path:
    """Write a summary as JSON, a line for each cell."""
    head = {k: v for k, v in asdict(summary).items() if k != "entries"}
    lines = ",\n".join(json.dumps({k: v for k, v in asdict(e).items() if v not in ("", None)}) for e in summary.entries)
    text = json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "entries": [\n{lines}\n]\n}}\n'
    return record.write_atomically(file, text.encode())


def read(file: Path) -> Summary:
    """Read a summary.

    Raises:
        DataError: the file is not one.
    """
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
        entries = tuple(Entry(**entry) for entry in loaded.pop("entries"))
        return Summary(**loaded, entries=entries)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file} is no table's summary ({error}); make it anew with scripts/benchmark.py.") from error
