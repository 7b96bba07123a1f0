"""A table's file: the protocol of its cells, and the scores that were published for it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from da.config import catalog
from da.errors import ConfigError, nearest
from da.setting import NONE

FOLDER = catalog.ROOT / "benchmarks" / "tables"
MEAN = "mean"
SUFFIX = ".yaml"
EVIDENCE = {
    "read": "read in a public table",
    "recomputed": "recomputed by an independent run of the published procedure",
    "memory": "recalled from memory, not read: a hypothesis",
}
KEYS = {
    "title": str,
    "protocol": str,
    "settings": list,
    "tasks": dict,
    "methods": dict,
    "families": list,
    "seeds": (list, dict),
    "selection": str,
    "baseline": str,
    "published": list,
    "notes": list,
}
OPTIONAL = {"elsewhere": list, "made_by": str, "remarks": dict, "bounds": list}


@dataclass(frozen=True)
class PublishedScore:
    """A published score in percent, with its deviation where one is given."""

    value: float
    std: float | None = None


@dataclass(frozen=True)
class PublishedSource:
    """Scores of one source.

    Args:
        source: paper and table, or the page that has it.
        evidence: ``read``, ``recomputed`` or ``memory``, see :data:`EVIDENCE`.
        scores: by row and task; ``mean`` stands for the mean over tasks.
        protocol: what is not as in the table, for scores that must not share a column with it.
    """

    source: str
    evidence: str
    scores: Mapping[str, Mapping[str, PublishedScore]]
    protocol: str = ""


@dataclass(frozen=True)
class Published:
    """What was published beside what is run.

    Args:
        sources: scores of this very protocol, by source.
        elsewhere: scores of other protocols, shown apart.
    """

    sources: tuple[PublishedSource, ...] = ()
    elsewhere: tuple[PublishedSource, ...] = ()

    def score(self, row: str, task: str) -> tuple[PublishedScore, PublishedSource] | None:
        """The published score of a row on a task (or ``mean``), from the first source that has it."""
        for source in self.sources:
            score = source.scores.get(row, {}).get(task)
            if score is not None:
                return score, source
        return None


@dataclass(frozen=True)
class EvaluationProtocol:
    """What is run, and how it is judged: of a table from its file, of a results folder from its records.

    Args:
        name: the file's stem, or the data's name.
        title: one line.
        description: samples, labels, splits, what is tested on, budget, and how an epoch is selected.
        tasks: overrides by the task's name.
        selection: the rule reported first.
        baseline: the row that others are tested against; empty for none.
        notes: what a reader must know.
        settings: overrides of every cell, as on the command line.
        methods: overrides by row; a row is the method of its name unless its overrides name another.
        families: families of the catalogue of which every method without target labels that has no row gets one.
        seeds: one run for each, with overrides of its own (a draw or split of the data).
        made_by: the command that makes this table where it is not a plain grid of runs; empty otherwise.
        remarks: by row, why it equals another in every cell, or why a weighting loses (:mod:`da.tables.remarks`).
        bounds: rows trained on all target labels, beside those of methods whose ``needs`` say so.
        path: of a table of one's own; empty for those of ``benchmarks/tables``.
    """

    name: str
    title: str
    description: str
    tasks: Mapping[str, tuple[str, ...]]
    selection: str
    baseline: str = ""
    notes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    families: tuple[str, ...] = ()
    seeds: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    made_by: str = ""
    remarks: Mapping[str, str] = field(default_factory=dict)
    bounds: tuple[str, ...] = ()
    path: str = ""

    @property
    def given(self) -> str:
        """What ``table=`` takes: the path, or the name."""
        return self.path or self.name

    def rows(self) -> dict[str, tuple[str, ...]]:
        """Overrides by row, those of the families included."""
        named = {_method(row, overrides) for row, overrides in self.methods.items()}
        rest: dict[str, tuple[str, ...]] = {
            entry.name: ()
            for entry in catalog.entries("method").values()
            if entry.family in self.families and entry.name not in named and entry.access.target_y == NONE
        }
        return {
            row: (f"method={_method(row, given)}", *_rest(given))
            for row, given in (*self.methods.items(), *rest.items())
        }


@dataclass(frozen=True)
class TableSpec:
    """A table: what is run, and what was published of the same protocol; of a results folder nothing was."""

    protocol: EvaluationProtocol
    published: Published = field(default_factory=Published)


def _method(row: str, overrides: Sequence[str]) -> str:
    return next((o.removeprefix("method=") for o in overrides if o.startswith("method=")), row)


def _rest(overrides: Sequence[str]) -> tuple[str, ...]:
    return tuple(o for o in overrides if not o.startswith("method="))


def names() -> list[str]:
    """All tables, found by file."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def load(name: str, folder: Path = FOLDER) -> TableSpec:
    """Read a table's file.

    Args:
        name: of a table, or the path of one's own, which ends in ``.yaml``.
        folder: where tables lie that have names.

    Raises:
        ConfigError: there is no such table, its file is not as it should be, or one's own has the name of another.
    """
    known = [file.stem for file in folder.glob("*.yaml")]
    if not name.endswith(SUFFIX):
        if name not in known:
            raise ConfigError(
                f"There is no table '{name}'; {nearest(name, known)} A table of your own is a path, table=FILE.yaml."
            )
        return read(folder / f"{name}{SUFFIX}", name)
    file = Path(name).expanduser()
    if not file.is_file():
        raise ConfigError(
            f"There is no file {file}; table= takes the path of a table, or one of {', '.join(sorted(known))}."
        )
    if file.resolve().parent == folder.resolve():
        return read(file, file.stem)
    if file.stem in known:
        raise ConfigError(
            f"{file} has the name of another table, {file.stem}, and their runs would mix; rename the file."
        )
    table = read(file, file.stem)
    return replace(table, protocol=replace(table.protocol, path=str(file)))


def read(file: Path, name: str) -> TableSpec:
    """Read a table from any file, under a name.

    Raises:
        ConfigError: the file is no YAML, or not as it should be.
    """
    try:
        given = OmegaConf.to_container(OmegaConf.load(file))
    except Exception as error:  # PyYAML raises many kinds
        raise ConfigError(f"{file} cannot be read as YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(given, dict):
        raise ConfigError(f"{file.name} is not a table: it must hold the keys {', '.join(KEYS)}.")
    known: dict[Any, Any] = KEYS | OPTIONAL
    if lacking := [key for key in KEYS if key not in given]:
        raise ConfigError(f"{file.name} lacks the key '{lacking[0]}'.")
    for key, value in {str(k): v for k, v in given.items()}.items():
        if key not in known:
            raise ConfigError(f"{file.name}: there is no key '{key}'; {nearest(key, known)}")
        if not isinstance(value, known[key]):
            raise ConfigError(f"{file.name}: '{key}' cannot be {value!r}; see the other tables.")
    lists = {key: part for key in ("tasks", "methods", "seeds") if isinstance(part := given[key], dict)}
    for key, (name_of, own) in ((key, item) for key, part in lists.items() for item in part.items()):
        if not isinstance(own or [], list):
            raise ConfigError(f"{file.name}: '{name_of}' of {key} must be a list of overrides, got {own!r}.")
    tasks: dict[str, tuple[str, ...]] = {str(task): tuple(own or ()) for task, own in given["tasks"].items()}
    protocol = EvaluationProtocol(
        name=name,
        title=given["title"],
        description=" ".join(given["protocol"].split()),
        tasks=tasks,
        selection=given["selection"],
        baseline=given["baseline"],
        notes=tuple(given["notes"]),
        settings=tuple(given["settings"]),
        methods={str(row): tuple(overrides or ()) for row, overrides in given["methods"].items()},
        families=tuple(given["families"]),
        seeds=_seeds(given["seeds"]),
        made_by=given.get("made_by", ""),
        remarks={str(row): " ".join(str(why).split()) for row, why in given.get("remarks", {}).items()},
        bounds=tuple(map(str, given.get("bounds", ()))),
    )
    sources, elsewhere = (
        tuple(_published(node, list(tasks), file.name) for node in given.get(key, ()))
        for key in ("published", "elsewhere")
    )
    return TableSpec(protocol, Published(sources, elsewhere))


def _seeds(given: Any) -> dict[int, tuple[str, ...]]:
    if isinstance(given, dict):
        return {int(seed): tuple(own or ()) for seed, own in given.items()}
    return {int(seed): () for seed in given}


def _published(node: Any, tasks: list[str], file: str) -> PublishedSource:
    source, evidence = node.get("source"), node.get("evidence")
    if not source or evidence not in EVIDENCE:
        raise ConfigError(f"{file}: published figures need a source, and evidence of {', '.join(EVIDENCE)}.")
    scores: dict[str, dict[str, PublishedScore]] = {}
    for row, values in node["figures"].items():
        if isinstance(values, list):
            if len(values) != len(tasks):
                raise ConfigError(f"{file}: {row} has {len(values)} figures for {len(tasks)} tasks ({source}).")
            values = dict(zip(tasks, values, strict=True))
        for task in map(str, values):
            if task not in (*tasks, MEAN):
                raise ConfigError(f"{file}: {row} has a figure for '{task}'; {nearest(task, (*tasks, MEAN))}")
        scores[str(row)] = {task: score(value) for task, value in values.items() if value is not None}
        whole = scores[str(row)]
        if MEAN not in whole and set(tasks) <= set(whole):
            whole[MEAN] = PublishedScore(math.fsum(s.value for s in whole.values()) / len(tasks))
    return PublishedSource(str(source), str(evidence), scores, str(node.get("protocol", "")))


def score(value: Any) -> PublishedScore:
    """A score as written: ``94.2`` or ``94.2 ± 1.1``.

    Raises:
        ConfigError: it is neither.
    """
    parts = [part.strip() for part in re.split("±", str(value))]
    try:
        return PublishedScore(*map(float, parts))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"'{value}' is no figure; write 94.2 or 94.2 ± 1.1.") from error
