"""The format of ``record.json``: its version, what older versions are turned into, and the parts of a record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, overload

from da.errors import DataError
from da.renamed import current
from da.results.identity import recorded_id

SCHEMA = 3
"""Of what is written: 2 names the main metric (``metric``), which 1 told by the order of keys; 3 has the keywords of
closed-form methods as scikit-learn calls them, and the ``run_id`` of these."""

Content = dict[str, Any]
"""A record as JSON holds it."""
Metrics = Mapping[str, float]
"""Values by the metric's name."""


class DamagedRecord(DataError):
    """A file that holds no whole record."""


class NewerRecord(DamagedRecord):
    """A record that a later version of this package wrote."""


class Code(NamedTuple):
    """Which code a run was computed and scored with.

    Args:
        source: hash of the package's source.
        commit: of the repository; empty without one.
        method: hash of the code that computed it, see :mod:`da.engine.codehash`; empty in early records.
        scoring: hashes of the code that scored it, by part.
    """

    source: str = ""
    commit: str = ""
    method: str = ""
    scoring: Mapping[str, str] = {}


class Part(NamedTuple):
    """A part of a task's data: the domain's name, its size, and samples by class where labels are known."""

    name: str = ""
    samples: int = 0
    per_class: Sequence[int] | None = None


class TaskRecord(NamedTuple):
    """What a run was on.

    Args:
        name: such as ``amazon->webcam``.
        transductive: whether the target's test inputs are its training inputs.
        classes: their names.
        steps_per_epoch: batches of an epoch.
        evaluated: number of samples that were evaluated, by split.
        domains: parts by ``source/train``, ``target/test`` and so on.
    """

    name: str
    transductive: bool = False
    classes: Sequence[str] = ()
    steps_per_epoch: int = 0
    evaluated: Mapping[str, int] = {}
    domains: Mapping[str, Part] = {}

    @property
    def test_samples(self) -> int | None:
        """Size of what the run was judged on; None where the record does not say."""
        part = self.domains.get("target/test") or self.domains.get("target/train")
        return part.samples if part else None


class Selected(NamedTuple):
    """What a selection rule chose: the epoch, its score, and the metrics on the target test split there."""

    epoch: int = 0
    score: float | None = None
    target_test: Metrics = {}


class EvaluatedEpoch(NamedTuple):
    """One evaluation of a run.

    Args:
        epoch: from 1.
        step: optimiser steps so far.
        source_test: metrics on the source test split.
        target_test: metrics on the target test split; empty without target labels.
        scores: by selection rule; None where a rule gave none.
        diagnostics: what the method said of itself.
        terms: mean of each term of the loss over the epoch.
        seconds: of training so far; None in early records.
    """

    epoch: int
    step: int = 0
    source_test: Metrics = {}
    target_test: Metrics = {}
    scores: Mapping[str, float | None] = {}
    diagnostics: Metrics = {}
    terms: Metrics = {}
    seconds: float | None = None


class Epochs(Sequence[EvaluatedEpoch]):
    """The evaluated epochs of a run, decoded when one is asked for: most of a record, and lists need none.

    Args:
        given: the epochs, or the JSON text of them as an index keeps it.
    """

    def __init__(self, given: Sequence[EvaluatedEpoch] | bytes = ()):
        self._given = given

    @property
    def _decoded(self) -> Sequence[EvaluatedEpoch]:
        if isinstance(self._given, bytes):
            self._given = tuple(map(epoch_from_json, json.loads(self._given)))
        return self._given

    @overload
    def __getitem__(self, index: int) -> EvaluatedEpoch: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EvaluatedEpoch]: ...
    def __getitem__(self, index: int | slice) -> EvaluatedEpoch | Sequence[EvaluatedEpoch]:
        return self._decoded[index]

    def __len__(self) -> int:
        return len(self._decoded)

    def __iter__(self) -> Iterator[EvaluatedEpoch]:
        return iter(self._decoded)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(len(self))

    def __repr__(self) -> str:
        return f"Epochs({list(self)!r})"

    def to_json(self) -> list[Content]:
        """The epochs as a record holds them."""
        return [{key: value for key, value in epoch._asdict().items() if value or key in CORE} for epoch in self]

    @classmethod
    def from_json(cls, given: Sequence[Mapping[str, Any]]) -> Self:
        """The epochs of a record, decoded at once, so that a damaged one is found at once."""
        return cls(tuple(map(epoch_from_json, given)))


CORE = ("epoch", "step", "source_test", "target_test", "scores", "diagnostics", "terms")
"""Keys that every epoch of a record has."""


def plain_from_json(given: Mapping[str, Any], names: Sequence[str], kind: type) -> dict[str, Any]:
    """Those of the named values that are there, which must be of one type.

    Raises:
        TypeError: one is of another type; the message names it.
    """
    values = {name: given[name] for name in names if given.get(name) is not None}
    if wrong := [name for name, value in values.items() if not isinstance(value, kind)]:
        raise TypeError(f"'{wrong[0]}' is no {kind.__name__}")
    return values


def metrics_from_json(given: Mapping[str, Any]) -> dict[str, float]:
    """Values as numbers; JSON has no infinity, so that records say ``"inf"``."""
    return {name: float(value) for name, value in given.items()}


def epoch_from_json(given: Mapping[str, Any]) -> EvaluatedEpoch:
    """One element of a record's ``epochs``."""
    return EvaluatedEpoch(
        epoch=int(given["epoch"]),
        step=int(given.get("step", 0)),
        source_test=metrics_from_json(given.get("source_test", {})),
        target_test=metrics_from_json(given["target_test"]),
        scores={rule: None if score is None else float(score) for rule, score in given["scores"].items()},
        diagnostics=metrics_from_json(given.get("diagnostics", {})),
        terms=metrics_from_json(given.get("terms", {})),
        seconds=None if given.get("seconds") is None else float(given["seconds"]),
    )


def selected_from_json(given: Mapping[str, Any]) -> Selected:
    """What one rule chose."""
    score = given.get("score")
    return Selected(
        int(given.get("epoch", 0)), None if score is None else float(score), metrics_from_json(given["target_test"])
    )


def code_from_json(given: Mapping[str, Any]) -> Code:
    """A record's ``code``."""
    texts = {name: str(given[name]) for name in ("source", "commit", "method") if given.get(name)}
    return Code(**texts, scoring=dict(given.get("scoring") or {}))


def part_from_json(given: Mapping[str, Any]) -> Part:
    """One of the ``domains`` of a task."""
    return Part(str(given.get("name", "")), int(given["samples"]), given.get("per_class"))


def task_from_json(given: Mapping[str, Any]) -> TaskRecord:
    """A record's ``task``."""
    parts = {place: part_from_json(part) for place, part in given.get("domains", {}).items()}
    return TaskRecord(
        name=str(given["name"]),
        transductive=bool(given["transductive"]),
        classes=tuple(given.get("classes", ())),
        steps_per_epoch=int(given.get("steps_per_epoch", 0)),
        evaluated=dict(given.get("evaluated", {})),
        domains=parts,
    )


def task_to_json(task: TaskRecord) -> Content:
    """A task as a record holds it."""
    return task._asdict() | {"domains": {place: part._asdict() for place, part in task.domains.items()}}


def _name_the_metric(old: Content) -> Content:
    """From 1 to 2: the main metric was the first key wherever metrics stand."""
    places = [old.get("target_test"), *(chosen.get("target_test") for chosen in (old.get("selection") or {}).values())]
    places += [epoch.get("target_test") for epoch in old.get("epochs", ())]
    return old | {"metric": next((name for metrics in places for name in metrics or ()), "")}


def _rename_keywords(old: Content) -> Content:
    """From 2 to 3: keywords have their present names, by which the run is found again."""
    config = current(old.get("config"))
    if config == old.get("config"):
        return old
    identity = recorded_id(config, old["fingerprint"]) if old.get("run_id") else None
    return old | {"config": config, "run_id": identity}


MIGRATIONS: Mapping[int, Callable[[Content], Content]] = {1: _name_the_metric, 2: _rename_keywords}
"""By the version that each starts from, what makes the next one of it."""


def migrated(content: Any) -> Content:
    """A record's content in the present format.

    Raises:
        NewerRecord: a later version of this package wrote it.
        DamagedRecord: it is no record.
    """
    if not isinstance(content, dict) or not isinstance(version := content.get("schema"), int):
        raise DamagedRecord("it is no record: there is no number under 'schema'")
    if version > SCHEMA:
        raise NewerRecord(f"it has schema {version}, and this version of da reads up to {SCHEMA}; update da to read it")
    while version < SCHEMA:
        if version not in MIGRATIONS:
            raise DamagedRecord(f"it has schema {version}, which never was")
        content = MIGRATIONS[version](content)
        version += 1
    return content | {"schema": SCHEMA}
