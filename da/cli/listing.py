"""Text output: help, the catalogue as lists and grids, and one line for each finished run."""

from __future__ import annotations

from da.config import catalog
from da.config.catalog import Entry
from da.config.validate import criteria
from da.schedules import LEARNING_RATE
from da.setting import ALL, DIFFERENT, MANY, NONE, setting_of


def _sorted(group: str) -> list[Entry]:
    return sorted(catalog.entries(group).values(), key=lambda e: (e.family, e.name))


def _columns(rows: list[list[str]], indent: str = "  ") -> str:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def help_text() -> str:
    """The text of ``--help``."""
    methods = _columns([[e.name, e.family, e.summary] for e in _sorted("method")])
    data = _columns([[e.name, e.summary] for e in _sorted("data")])

    def names(group: str) -> str:
        return ", ".join(catalog.entries(group))

    return f"""usage: python scripts/train.py [-m] [method=NAME] [data=NAME] [KEY=VALUE ...]

Train one configuration and write its record below output=runs; a finished one is not run again.
With -m, comma-separated values make a sweep; Ctrl-C stops it, and the same command goes on:

  python scripts/train.py -m method=source_only,dann data=digits seed=0,1,2
  python scripts/train.py -m method=dann data=digits seed=0,1,2 sweep=optuna launcher.jobs=2

methods (method=NAME; their keys: method.KEY=VALUE, see conf/method/NAME.yaml)
{methods}

data sets (data=NAME; their keys: data.KEY=VALUE, see conf/data/NAME.yaml)
{data}

other groups
  network=     {names("network")}
  classifier=  {names("classifier")} (of closed-form methods)
  optimizer=   {names("optimizer")}
  trainer=     {names("trainer")} (trainer.max_epochs=20 trainer.devices=2 trainer.precision=bf16-mixed ...)
  logger=      {names("logger")}
  launcher=    {names("launcher")} (of a sweep: launcher.jobs=2 launcher.timeout=3600 ...)
  sweep=       {names("sweep")} (a search of the method's ranges: sweep.trials=50 sweep.objective=infomax ...)
  features=    {names("features")} (of a frozen network in place of the inputs; computed once, then cached)
  experiment=  {", ".join(sorted(f.stem for f in (catalog.CONF / "experiment").glob("*.yaml")))}

keys
  seed=0 batch_size=64 steps_per_epoch=N evaluate_every=N shots=3 clip=NORM output=runs
  embedding=   joint, apart (both domains in one forward pass, or in one each)
  schedule=    {", ".join(LEARNING_RATE)}
  selection=   {", ".join(criteria())}
  rerun=       none, failed, stale (made by other code or packages), all

with -m
  data.pairs=  all, forward, backward: pairs of domains (data.pairs.of=[A,B,...] data.pairs.exclude=[A:B,...])
  runs=        FILE.yaml (a list of runs, or zip, grid and exclude; see README.md)

options
  -m, --multirun   run every combination of comma-separated values
  --dry-run        say what would run, what is there and what it costs, and stop
  --list           who needs what: the capability grid
  --cfg job        print the composed configuration and stop
  --hydra-help     Hydra's own options

exit code: 0 all finished, 1 a run failed (its record says why), 2 it cannot be done as asked, 130 interrupted
"""


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
    methods, data = _sorted("method"), _sorted("data")
    head = ["method", "family", "setting", "source", "target", "spaces", "sources"]
    rows = [[e.name, e.family, setting_of(e.access), *needs_cells(e)] for e in methods]
    grid = [["method", *[d.name for d in data]]]
    grid += [[e.name, *["." if d.access.lacks(e.access) else "yes" for d in data]] for e in methods]
    return f"{_columns([head, *rows])}\n\nWhich method runs on which data:\n{_columns(grid)}\n"


def methods_table() -> str:
    """The README's table of methods in Markdown."""
    lines = [
        "| method | family | what it does | source | target | reference |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for entry in _sorted("method"):
        source, target, spaces, _ = needs_cells(entry)
        target += "; other space" if spaces == "may differ" else ""
        lines.append(f"| `{entry.name}` | {entry.family} | {entry.summary} | {source} | {target} | {entry.reference} |")
    return "\n".join(lines)
