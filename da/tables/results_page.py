"""``benchmarks/RESULTS.md``, rendered from the committed summaries."""

from __future__ import annotations

from pathlib import Path

from da.config import catalog
from da.files import write_atomically
from da.tables import markdown as render
from da.tables import spec, summary
from da.tables.spec import TableSpec
from da.tables.summary import Summary

RESULTS = catalog.ROOT / "benchmarks" / "results"
PAGE = catalog.ROOT / "benchmarks" / "RESULTS.md"


def committed() -> tuple[list[tuple[TableSpec, Summary]], list[TableSpec]]:
    """Tables with their committed summaries, and the tables that have none."""
    pairs, absent = [], []
    for name in spec.names():
        file = RESULTS / f"{name}.json"
        if file.is_file():
            pairs.append((spec.load(name), summary.read(file)))
        else:
            absent.append(spec.load(name))
    return pairs, absent


def text() -> str:
    """The page as it ought to be."""
    return render.results_page(*committed())


def overview() -> str:
    """One line for each table, for the README."""
    return render.overview(committed()[0], place="benchmarks/RESULTS.md")


def write() -> Path:
    """Render the page."""
    return write_atomically(PAGE, text().encode())
