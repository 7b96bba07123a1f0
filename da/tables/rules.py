"""``benchmarks/SELECTION.md``: how well each selection rule ranks epochs and runs, from committed tables."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from da.config import catalog
from da.errors import ConfigError
from da.results import store
from da.results.record import Record
from da.tables import ranking, spec, summary
from da.tables import results_page as page

PAGE = catalog.ROOT / "benchmarks" / "SELECTION.md"
COMMAND = "python benchmarks/selection.py"


def text(places: Sequence[str]) -> str:
    """The rankings in Markdown, under the command that makes them.

    Args:
        places: names of committed tables, and folders of records.

    Raises:
        ConfigError: a place is neither.
    """
    records: list[Record] = []
    skipped = 0
    for place in places:
        if Path(place).is_dir():
            found = store.scan(Path(place))
            records += found.records
            skipped += len(found.skipped)
        elif (file := page.RESULTS / f"{place}.json").is_file():
            records += summary.as_records(summary.read(file))
        else:
            raise ConfigError(
                f"{place} is neither a folder of records nor a committed table: {', '.join(spec.names())}."
            )
    finished = sum(r.is_finished for r in records)
    command = " ".join([COMMAND, *map(shlex.quote, places)])
    head = f"<!-- {command}; {finished} finished runs, {len(records) - finished} failed, {skipped} unreadable -->"
    return f"{head}\n\n{ranking.report(records)}"


def committed() -> str:
    """The page as it ought to be: of the tables that its first line names."""
    first = PAGE.read_text(encoding="utf-8").partition(";")[0]
    return text(shlex.split(first.partition(COMMAND)[2]))
