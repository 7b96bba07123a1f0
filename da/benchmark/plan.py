"""The cells of a table: every row on every task with every seed, or the reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from da.benchmark.spec import Spec
from da.compose import Composer
from da.config import Plan, validate
from da.errors import ConfigError, Incompatible, nearest


@dataclass(frozen=True)
class Cell:
    """One run of a table.

    Args:
        row: what the table calls the method under its settings.
        task: the table's name of the task.
        seed: of the run.
        plan: what to run; None where that cannot be.
        refused: why it cannot.
    """

    row: str
    task: str
    seed: int
    plan: Plan | None
    refused: str = ""


def cells(
    spec: Spec, *, methods: Sequence[str] = (), seeds: Sequence[int] = (), overrides: Sequence[str] = ()
) -> list[Cell]:
    """All cells of a table, each validated, none run.

    Args:
        spec: the table.
        methods: rows to keep; all by default.
        seeds: in place of the table's.
        overrides: of every cell, such as ``output=FOLDER``.

    Raises:
        ConfigError: a row is unknown, or an override is wrong (an incompatible method and task are a refused cell).
    """
    rows = spec.rows()
    for name in methods:
        if name not in rows:
            raise ConfigError(f"table={spec.name} has no row '{name}'; {nearest(name, rows)}")
    planned = []
    with Composer() as composer:
        for row, own in rows.items():
            if methods and row not in methods:
                continue
            for task, pair in spec.tasks.items():
                for seed in seeds or spec.seeds:
                    drawn = spec.seeds.get(seed, ())
                    last = [f"selection={spec.selection}", f"seed={seed}"]
                    given = [*spec.settings, *pair, *drawn, *own, *overrides, *last]
                    try:
                        planned.append(Cell(row, task, seed, validate(composer.compose(_last(given)))))
                    except Incompatible as error:
                        planned.append(Cell(row, task, seed, None, str(error)))
    return planned


def _last(overrides: Sequence[str]) -> list[str]:
    """Of several overrides of one key the last, since Hydra takes a group once."""
    return list({override.partition("=")[0]: override for override in overrides}.values())


def command(spec: Spec, cell: Cell) -> str:
    """The command line that runs a cell by itself."""
    given = (*spec.settings, *spec.tasks[cell.task], *spec.seeds.get(cell.seed, ()), *spec.rows()[cell.row])
    return " ".join(["python scripts/train.py", *_last([*given, f"seed={cell.seed}"])])
