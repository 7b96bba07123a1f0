"""Committed cells, run again: does this code still compute what is committed?"""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from da.config import catalog
from da.engine import accepted, codehash
from da.errors import ConfigError, DataError
from da.results import store
from da.results.record import Record
from da.sweeps.job import Grid, Job
from da.sweeps.launchers import Processes
from da.tables import compare, summary
from da.tables import results_page as page
from da.tables.cells import PlannedRun, planned_runs
from da.tables.spec import EvaluationProtocol, TableSpec
from da.tables.summarize import summarize
from da.tables.summary import CellResult, Summary

Pair = tuple[str, str]


@dataclass(frozen=True)
class Committed:
    """A committed cell, its table, and how to run it again (no ``cell`` in a table that is no plain grid of runs)."""

    spec: TableSpec
    summary: Summary
    entry: CellResult
    cell: PlannedRun | None

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return f"{self.spec.protocol.name}: {self.entry.row} on {self.entry.task}, seed {self.entry.seed}"

    @property
    def present(self) -> str:
        """Hash of the code that would compute it now."""
        if self.cell is not None and self.cell.plan is not None:
            return codehash.of_config(self.cell.plan.config)
        return str(module_of(self.spec.protocol).code(self.entry.row))

    def changes(self) -> list[Pair]:
        """Hashes of the code that computed and scored it, with the present ones that are not accepted as equal."""
        if self.entry.origin is None:
            return []
        made, present = self.entry.origin.environment.get("scoring", {}), codehash.of_scoring()
        pairs = [(code, present[part]) for part, code in made.items() if part in present]
        return [pair for pair in ((self.entry.origin.code, self.present), *pairs) if not accepted.same(*pair)]


def main(
    specs: Sequence[TableSpec],
    *,
    sample: int | None = None,
    minutes: float | None = None,
    changed: bool = False,
    seed: str = "0",
    accept: bool = False,
) -> int:
    """Run committed cells again and say which scores differ; returns the exit code.

    Args:
        specs: the tables; those whose data are not here are left out, with a word.
        sample: number of cells, drawn at random; None takes all.
        minutes: about how long it may take, by what the cells took before.
        changed: of each row whose code is not the one that made it one cell in each table, the quickest.
        seed: of the draw.
        accept: write down that other code computes the same, for the cells that were found equal.

    Raises:
        ConfigError: no committed cell can be run here, or none fits into ``minutes``.
    """
    known: list[Committed] = []
    absent: list[Committed] = []
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        for spec in specs:
            found, lacking = committed(spec, Path(folder))
            if lacking:
                print(f"left out {spec.protocol.name}: {lacking}", flush=True)
                absent += found
            else:
                known += found
        if not known:
            raise ConfigError("No committed cell can be run here; --verify needs the data of at least one table.")
        drawn = quickest(stale(known)) if changed else draw(known, sample=sample, minutes=minutes, seed=seed)
        if not drawn and changed:
            print("nothing to verify: no row's code changed", flush=True)
            return 0
        if not drawn:
            least = min(cost(c) for c in known)
            raise ConfigError(f"No cell fits into --minutes {minutes:g}; the quickest takes about {least:.1f} s.")
        print(f"verifying {len(drawn)} of {len(known)} committed cells ({compare.SAID})", flush=True)
        again = recompute(drawn, Path(folder))
    compared = [(c, new, compare.difference(c.summary, c.entry, new)) for c, new in zip(drawn, again, strict=True)]
    for line in (line for _, _, line in compared if line):
        print(f"DIFFERS  {line}", file=sys.stderr)
    wrong = [c for c, _, line in compared if line]
    exactly = sum(compare.same_environment(c.entry, new) for c, new, line in compared if not line)
    word = "" if exactly == len(drawn) - len(wrong) else f", {exactly} of them on the CPU and packages that made them"
    print(f"{len(drawn) - len(wrong)} of {len(drawn)} cells equal the committed ones{word}", flush=True)
    if accept:
        alike = [c for c, new, line in compared if not line and compare.computes_the_same(c.entry, new)]
        proven, doubtful = sorted_out([*drawn, *absent], alike)
        accepted.accept(proven)
        print(f"{len(proven)} pairs of old and new code accepted as equal", flush=True)
        if doubtful:
            why = " (or verify where the data of all tables are)" if absent else ""
            print(f"{len(doubtful)} not accepted: rerun those rows, with a reason{why}", file=sys.stderr)
            return 1
    return int(bool(wrong))


def committed(spec: TableSpec, folder: Path) -> tuple[list[Committed], str]:
    """A table's committed cells that finished and have their place in it, and why they cannot be run here, if so."""
    file = page.RESULTS / f"{spec.protocol.name}.json"
    if not file.is_file():
        return [], "no figures are committed"
    kept = summary.read(file)
    entries = {(e.row, e.task, e.seed): e for e in kept.entries if e.status == "finished"}
    if spec.protocol.made_by:
        return [Committed(spec, kept, entry, None) for entry in entries.values()], ""
    overrides = [f"output={folder}", "logger=none", "launcher.threads=1", f"launcher.jobs={os.cpu_count() or 1}"]
    planned = planned_runs(spec.protocol, overrides=overrides)
    plans = {(cell.row, cell.task, cell.seed): cell for cell in planned if cell.plan is not None}
    found = [Committed(spec, kept, entry, plans[key]) for key, entry in entries.items() if key in plans]
    return found, unavailable(found)


def unavailable(found: Sequence[Committed]) -> str:
    """Why the data of a table are not here; empty where they are."""
    if not found or found[0].cell is None or found[0].cell.plan is None:
        return ""
    from da.engine.run import load

    try:
        load(found[0].cell.plan)
    except DataError as error:
        return str(error)
    return ""


def draw(known: Sequence[Committed], *, sample: int | None, minutes: float | None, seed: str) -> list[Committed]:
    """Cells at random, as many as asked for or as fit into the time."""
    order = list(known)
    random.Random(seed).shuffle(order)
    if sample is not None:
        order = order[:sample]
    if minutes is None:
        return order
    left, chosen = 60.0 * minutes * (os.cpu_count() or 1), []
    for c in order:
        if cost(c) <= left:
            left -= cost(c)
            chosen.append(c)
    return chosen


def cost(c: Committed) -> float:
    """About how many seconds a cell takes: what it took before, and what surrounds a run."""
    return (c.entry.seconds or 0.0) + 0.3


def stale(known: Sequence[Committed]) -> list[Committed]:
    """Cells that were made by code which is neither the present one nor accepted as computing the same."""
    return [c for c in known if c.changes()]


def quickest(known: Sequence[Committed]) -> list[Committed]:
    """For each pair of old and present code one cell of every row that it computed, the quickest.

    A row is a configuration on a table's data: a term of weight 0, or a branch that the data do not reach, shows
    nothing of a row where it counts. Of code that scores one cell in each table shows it.
    """
    best: dict[tuple[str, str, Pair], Committed] = {}
    for c in sorted(known, key=lambda c: c.entry.seconds or 0.0):
        for pair in c.changes():
            computes = c.entry.origin is not None and c.entry.origin.code == pair[0]
            best.setdefault((c.spec.protocol.name, c.entry.row if computes else "", pair), c)
    return list({id(c): c for c in best.values()}.values())


def sorted_out(drawn: Sequence[Committed], alike: Sequence[Committed]) -> tuple[dict[Pair, list[str]], set[Pair]]:
    """Pairs of old and new code that cells showed to compute the same, with their names, and those that none may be.

    Args:
        drawn: cells that were computed again, or should have been: a table whose data are not here proves nothing.
        alike: those of them that came out the same.
    """
    doubtful = {pair for c in drawn if c not in alike for pair in c.changes()}
    proven: dict[Pair, list[str]] = {}
    for c in alike:
        for pair in c.changes():
            proven.setdefault(pair, []).append(c.name)
    return {pair: names for pair, names in proven.items() if pair not in doubtful}, doubtful


def recompute(drawn: Sequence[Committed], folder: Path) -> list[CellResult]:
    """The cells as this code computes them."""
    by_module = {  # first, so that an error in a table's module comes before the long work
        id(c): module_of(c.spec.protocol).entry(c.entry.row, c.entry.task, c.entry.seed)
        for c in drawn
        if c.cell is None
    }
    plans = [c.cell.plan for c in drawn if c.cell is not None and c.cell.plan is not None]
    if plans:
        Processes(jobs=os.cpu_count() or 1, threads=1).run(Grid([Job(plan) for plan in plans]), folder, "verify")
    records = store.load(folder)
    return [by_module[id(c)] if c.cell is None else _entry(records, c.spec, c.cell) for c in drawn]


def _entry(records: Sequence[Record], spec: TableSpec, cell: PlannedRun) -> CellResult:
    """A cell's result among the records of a folder."""
    (results,) = summarize(records, spec, planned=[cell])
    (entry,) = results.summary.entries
    return entry


@cache
def _loaded(file: Path) -> Any:
    found = importlib.util.spec_from_file_location(file.stem, file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def module_of(protocol: EvaluationProtocol) -> Any:
    """What makes a table that is no plain grid: functions ``entry(row, task, seed)`` and ``code(row)``, its hash."""
    return _loaded(catalog.ROOT / protocol.made_by.split()[1])
