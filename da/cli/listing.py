"""Text output: help, the catalogue as lists and grids, and one line for each finished run."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby

from da.config import catalog, terms
from da.config.catalog import Entry
from da.config.evidence import criteria
from da.places import command
from da.schedules import LEARNING_RATE
from da.setting import ALL, DIFFERENT, MANY, NONE, setting_of


def main(words: Sequence[str]) -> int:
    """Print :func:`overview`; returns the exit code."""
    argparse.ArgumentParser(
        prog="list", description="Print what each method needs, and on which data it runs."
    ).parse_args(words)
    print(overview())
    return 0


def by_family(group: str) -> list[Entry]:
    """The entries of a group, by family and name."""
    return sorted(catalog.entries(group).values(), key=lambda e: (e.family, e.name))


def _columns(rows: list[list[str]], indent: str = "  ") -> str:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


WIDTH = 100
"""Columns of the help text, which fits on one screen of 50 lines."""


def help_text() -> str:
    """The text of ``--help``: options first, then what can be chosen, methods by family."""
    families = {family: ", ".join(e.name for e in found) for family, found in groupby(by_family("method"), _family)}

    def names(group: str) -> str:
        return ", ".join(catalog.options(group))

    return f"""usage: {command("train")} [-m] [method=NAME] [data=NAME] [KEY=VALUE ...]
Train one configuration, and write its record below output=runs; a finished one is not run again.
options
  -m, --multirun   run every combination of comma-separated values: method=dann,cdan seed=0,1
  --dry-run        say what would run, what is there and what it costs, and stop
  --list           every method with what it does to whom: the capability grid
  --cfg job        print the composed configuration and stop (--hydra-help: Hydra's own options)

methods (method=NAME method.KEY=VALUE)
{_wrapped(families)}

data sets (data=NAME data.KEY=VALUE; data.pairs=all, forward or backward with -m)
{_wrapped({"": names("data")})}

other groups (GROUP=NAME GROUP.KEY=VALUE)
{_wrapped({group: names(group) + note for group, note in NOTES.items() if group in catalog.groups()})}

keys
  seed=0 batch_size=64 steps_per_epoch=N evaluate_every=N shots=3 clip=NORM output=runs runs=FILE
{_wrapped({"selection": ", ".join(criteria()), "schedule": ", ".join(LEARNING_RATE)})}
  embedding   joint, apart       rerun   none, failed, stale, all
exit code: 0 finished, 1 a run failed, 2 it cannot be done as asked, 130 interrupted
read on:   docs/methods/index.md (a page for each method), docs/configuration.md (all keys)
"""


NOTES = {
    "network": "",
    "classifier": " (of closed-form methods)",
    "term": " (terms=[NAME,...] adds them to the loss of a deep method)",
    "optimizer": "",
    "trainer": " (trainer.max_epochs=20 trainer.devices=2)",
    "logger": "",
    "launcher": " (with -m: launcher.jobs=2 launcher.timeout=3600)",
    "sweep": " (with -m, a search: sweep.trials=50 sweep.objective=infomax)",
    "features": " (of a frozen network in place of the inputs)",
    "callbacks": "",
    "experiment": "",
}
"""What is said of a group in the help text, beside its options."""


def _family(entry: Entry) -> str:
    return entry.family


def _wrapped(names: Mapping[str, str]) -> str:
    """Lists of names as lines of bounded width, each list behind its own name."""
    margin = max(map(len, names)) + 4 if any(names) else 2
    return "\n".join(
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=f"  {name}".ljust(margin),
            subsequent_indent=" " * margin,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in names.items()
    )


def needs_cells(entry: Entry) -> list[str]:
    """Describe a method's access in four cells: source, target, spaces, sources."""
    access = entry.access

    def side(x: bool, y: int) -> str:
        if not x and y == NONE:
            return "-"
        return "x" if y == NONE else f"x, {'all' if y == ALL else 'few'} y"

    return [
        side(access.source_x, access.source_y),
        side(access.target_x, access.target_y),
        "may differ" if access.spaces == DIFFERENT else "same",
        "kept apart" if access.sources == MANY else "pooled",
    ]


def overview() -> str:
    """The methods with their needs, and the data that each can run on."""
    methods, data = by_family("method"), by_family("data")
    head = ["method", "family", "setting", "source", "target", "spaces", "sources"]
    rows = [[e.name, e.family, setting_of(e.access), *needs_cells(e)] for e in methods]
    grid = [["method", *[d.name for d in data]]]
    grid += [[e.name, *["." if d.access.lacks(e.access) else "yes" for d in data]] for e in methods]
    text = f"{_columns([head, *rows])}\n\nWhich method runs on which data:\n{_columns(grid)}\n"
    return f"{text}\nTerms that are added to a deep method's loss (terms=[NAME,...]), and to which:\n{_terms()}\n"


def _terms() -> str:
    head = ["term", "source", "target", "methods"]
    rows = [
        [entry.name, *needs_cells(entry)[:2], ", ".join(f"{name}+{entry.name}" for name in terms.hosts(entry.name))]
        for entry in catalog.entries(terms.GROUP).values()
    ]
    return _columns([head, *rows])


def methods_table() -> str:
    """The table of methods in Markdown, each linked to its page in the same folder."""
    lines = [
        "| method | family | what it does | source | target | reference |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for entry in (e for e in by_family("method") if e.is_built_in):
        source, target, spaces, _ = needs_cells(entry)
        target += "; other space" if spaces == "may differ" else ""
        reference = entry.reference[:1].upper() + entry.reference[1:]
        cells = [f"[`{entry.name}`]({entry.name}.md)", entry.family, entry.summary, source, target, reference]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
