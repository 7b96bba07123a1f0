"""The cells of a table: every row on every task with every seed, or the reason why not."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from da.config.compose import Composer
from da.config.seedless import once
from da.config.validate import Plan, validate
from da.errors import ConfigError, Incompatible, nearest
from da.tables.spec import EvaluationProtocol


@dataclass(frozen=True)
class PlannedRun:
    """One run of a table.

    Args:
        row: what the table calls the method under its settings.
        task: the table's name of the task.
        seed: of the run.
        plan: what to run; None where that cannot be.
        refused: why it cannot.
        others: further seeds that it stands for, as it draws nothing.
    """

    row: str
    task: str
    seed: int
    plan: Plan | None
    refused: str = ""
    others: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        """How it is called in messages."""
        return f"{self.row} on {self.task}, seed {self.seed}"


def planned_runs(
    protocol: EvaluationProtocol,
    *,
    methods: Sequence[str] = (),
    seeds: Sequence[int] = (),
    overrides: Sequence[str] = (),
    fitting: bool = False,
) -> list[PlannedRun]:
    """All cells of a table, each validated, none run.

    Args:
        protocol: of the table.
        methods: rows to keep; all by default.
        seeds: in place of the table's.
        overrides: of every cell, such as ``output=FOLDER``.
        fitting: a cell that an override does not fit is a refused one, not an error.

    Raises:
        ConfigError: a row is unknown, or an override is wrong (an incompatible method and task are a refused cell), or
            sets what the table sets.
    """
    rows = protocol.rows()
    for name in methods:
        if name not in rows:
            raise ConfigError(f"table={protocol.name} has no row '{name}'; {nearest(name, rows)}")
    refuse_set(protocol, overrides)
    planned = []
    with Composer() as composer:
        for row, own in rows.items():
            if methods and row not in methods:
                continue
            for task, pair in protocol.tasks.items():
                for seed in seeds or protocol.seeds:
                    drawn = protocol.seeds.get(seed, ())
                    given = [*overrides, *_set(protocol, pair, drawn, own, seed)]
                    try:
                        planned.append(PlannedRun(row, task, seed, validate(composer.compose(_last(given)))))
                    except ConfigError as error:
                        if not fitting and not isinstance(error, Incompatible):
                            raise
                        planned.append(PlannedRun(row, task, seed, None, str(error)))
    return _once(planned)


def _once(planned: Sequence[PlannedRun]) -> list[PlannedRun]:
    """The cells without those that repeat another under a further seed; that one names the seeds."""
    rows: dict[str, list[PlannedRun]] = {}
    for cell in planned:
        rows.setdefault(cell.row, []).append(cell)
    kept = [cell for own in rows.values() for cell in once(own, lambda cell: cell.plan)[0]]
    seeds: dict[tuple[str, str], list[int]] = {}
    for cell in planned:
        seeds.setdefault((cell.row, cell.task), []).append(cell.seed)
    for cell in kept:
        seeds[cell.row, cell.task].remove(cell.seed)
    return [replace(cell, others=tuple(seeds.pop((cell.row, cell.task), ()))) for cell in kept]


def _set(
    protocol: EvaluationProtocol, pair: Sequence[str], drawn: Sequence[str], own: Sequence[str], seed: int
) -> list[str]:
    """What a table sets in one of its cells."""
    return [*protocol.settings, *pair, *drawn, *own, f"selection={protocol.selection}", f"seed={seed}"]


INSTEAD = {"method": "methods=ROW,...", "seed": "seeds=N,..."}


def refuse_set(protocol: EvaluationProtocol, overrides: Sequence[str]) -> None:
    """A table runs what its rows say: nothing that it sets can be set beside it.

    Raises:
        ConfigError: an override names a key that a row, task, seed or setting sets, or a part or the whole of it.
    """
    fixed: dict[str, str] = {}
    for where, given in (
        *((f"row '{row}'", own) for row, own in protocol.rows().items()),
        *((f"task '{task}'", own) for task, own in protocol.tasks.items()),
        *((f"seed {seed}", own) for seed, own in protocol.seeds.items()),
        ("settings", protocol.settings),
        ("table", (f"selection={protocol.selection}", "seed=")),
    ):
        for text in given:
            fixed.setdefault(_key(text), where)
    for text in overrides:
        key = _key(text)
        if key == "experiment":
            raise ConfigError(f"An experiment sets what table={protocol.name} sets itself, so {text} is refused.")
        for other, where in fixed.items():
            if key == other or other.startswith(f"{key}.") or key == f"{other}._target_":
                hint = f"; did you mean {INSTEAD[key]}?" if key in INSTEAD else "."
                raise ConfigError(
                    f"table={protocol.name} sets {other} itself (in its {where}), so {text} is refused{hint}"
                )


def _key(override: str) -> str:
    """What an override sets, as ``group.key``: Hydra takes ``group/option`` and ``group@package`` too."""
    return override.lstrip("+~").partition("=")[0].partition("@")[0].replace("/", ".").strip()


def _last(overrides: Sequence[str]) -> list[str]:
    """Of several overrides of one key the last, since Hydra takes a group once."""
    return list({override.partition("=")[0]: override for override in overrides}.values())


def command(protocol: EvaluationProtocol, cell: PlannedRun, overrides: Sequence[str] = ()) -> str:
    """The command line that runs a cell by itself.

    Args:
        protocol: of the table.
        cell: one of its cells.
        overrides: what was typed beside the table.
    """
    given = (
        *protocol.settings,
        *protocol.tasks[cell.task],
        *protocol.seeds.get(cell.seed, ()),
        *protocol.rows()[cell.row],
    )
    words = ["python scripts/train.py", *_last([*given, f"seed={cell.seed}", *overrides])]
    return " ".join([words[0], *map(shlex.quote, words[1:])])
