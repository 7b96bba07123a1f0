"""What came of a table's cells, small enough to commit: figures by rule, seconds, and reasons where there are none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from da import renamed
from da.config import catalog
from da.engine.result import made_by_other_code
from da.errors import DataError
from da.files import write_atomically
from da.results import record
from da.results.identity import recorded_id
from da.results.record import Record, Status
from da.results.schema import Epochs, EvaluatedEpoch, TaskRecord
from da.results.scores import deviation
from da.results.scores import mean as mean_of
from da.setting import setting_of
from da.tables.cells import PlannedRun
from da.tables.spec import MEAN
from da.tables.wording import ORACLE, first_sentence


@dataclass(frozen=True)
class Origin:
    """What a finished cell was computed from and with: enough to compute it again and to say what changed.

    Args:
        code: hash of the code that it computed with, see :mod:`da.engine.codehash`.
        data: content hash of the data.
        config: the whole configuration but for what changes no result, flat, keys as on the command line.
        environment: hash and commit of the whole code, hashes of the code that scores (``scoring``), versions of
            packages, device, CPU kernel, threads.
    """

    code: str
    data: str
    config: Mapping[str, Any]
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class CellResult:
    """What came of one cell.

    Args:
        row: the table's row.
        task: the table's task.
        seed: of the run.
        status: ``finished``, ``failed``, ``refused`` (cannot be run) or ``missing`` (was not run yet).
        scores: the main metric on the target test split in percent, by the rule that selects the epoch.
        seconds: of training and evaluation, by the clock.
        cpu: the same, of the processor; None where the record does not say.
        reason: of a failure or refusal, in a sentence.
        run: identity of the run that it came from.
        origin: what it was computed from and with.
        epochs: by evaluated epoch: ``epoch``, the main metric in percent on ``source`` and ``target`` test samples, and
            ``scores``, a list for each rule.
        stale: it was computed by other code than the present one.
        said: what the method said of itself at the end: the C that was chosen, the effective sample size, ...
    """

    row: str
    task: str
    seed: int
    status: str
    scores: Mapping[str, float]
    seconds: float | None = None
    reason: str = ""
    run: str = ""
    origin: Origin | None = None
    epochs: Mapping[str, Any] | None = None
    stale: bool = False
    said: Mapping[str, float] | None = None
    cpu: float | None = None


@dataclass(frozen=True)
class Summary:
    """A table's outcome.

    Args:
        table: its name.
        entries: one for every cell, in the order of the plan.
        metric: name of the scores' metric.
        made: versions and hash of the code, versions of packages, devices.
        overrides: what was typed beside the table and changes results, such as ``optimizer.lr=0.01``.
    """

    table: str
    entries: tuple[CellResult, ...]
    metric: str
    made: Mapping[str, Any]
    overrides: tuple[str, ...] = ()

    def rows(self) -> list[str]:
        """The rows, in the order of the plan."""
        return list(dict.fromkeys(e.row for e in self.entries))

    def tasks(self) -> list[str]:
        """The tasks, in the order of the plan."""
        return list(dict.fromkeys(e.task for e in self.entries))

    def of(self, row: str, task: str) -> list[CellResult]:
        """The entries of a row on a task, a seed each."""
        return self._cells.get((row, task), [])

    @cached_property
    def _cells(self) -> dict[tuple[str, str], list[CellResult]]:
        cells: dict[tuple[str, str], list[CellResult]] = {}
        for entry in self.entries:
            cells.setdefault((entry.row, entry.task), []).append(entry)
        return cells

    def rules(self) -> list[str]:
        """The selection rules that any run has a figure for, oracles last."""
        found = {rule for e in self.entries for rule in e.scores}
        return sorted(found, key=lambda rule: (rule.startswith(ORACLE), rule))

    def values(self, row: str, task: str, rule: str) -> dict[int, float]:
        """Figures by seed; for ``mean`` those seeds that have a figure on every task."""
        if task != MEAN:
            return {e.seed: e.scores[rule] for e in self.of(row, task) if rule in e.scores}
        by_task = [self.values(row, name, rule) for name in self.tasks()]
        shared = set.intersection(*(set(found) for found in by_task)) if by_task else set()
        return {seed: mean_of([found[seed] for found in by_task]) for seed in sorted(shared)}

    def mean(self, row: str, task: str, rule: str) -> float:
        """Mean over seeds; NaN where there is no figure."""
        return mean_of(list(self.values(row, task, rule).values()))

    def std(self, row: str, task: str, rule: str) -> float | None:
        """Sample standard deviation over seeds; None for fewer than two."""
        return deviation(list(self.values(row, task, rule).values()))

    def seconds(self, row: str) -> float | None:
        """Mean seconds of a run."""
        found = [e.seconds for e in self.entries if e.row == row and e.seconds is not None]
        return mean_of(found) if found else None

    def cpu_seconds(self, row: str) -> float | None:
        """Mean seconds that a run took of the processor; None unless all finished runs of the row say."""
        finished = [e.cpu for e in self.entries if e.row == row and e.status == "finished"]
        found = [cpu for cpu in finished if cpu is not None]
        return mean_of(found) if found and len(found) == len(finished) else None


def typed(overrides: Sequence[str]) -> list[str]:
    """Those overrides that can change a result."""
    return [o for o in overrides if o.lstrip("+").partition("=")[0].partition(".")[0] not in record.VOLATILE]


def made_with(records: Sequence[Record]) -> dict[str, Any]:
    """Hashes of the code, versions of packages, and devices that records were made with."""
    versions: dict[str, set[str]] = {}
    for r in records:
        for name, version in r.versions.items():
            versions.setdefault(name, set()).add(version)
    return {
        "code": sorted({r.code.source for r in records if r.code.source}),
        "versions": {name: sorted(versions[name]) for name in record.PACKAGES if name in versions},
        "devices": sorted({r.device for r in records if r.device}),
    }


def not_run(cell: PlannedRun) -> CellResult:
    """What is said of a cell without a record: it cannot be run, or was not yet."""
    where = (cell.row, cell.task, cell.seed)
    if cell.plan is None:
        return CellResult(*where, "refused", {}, reason=cell.refused)
    return CellResult(*where, "missing", {})


def result_of(row: str, task: str, seed: int, r: Record, rule: str) -> CellResult:
    """What a record says of a cell; a run of one epoch has a figure for the table's rule alone."""
    where = (row, task, seed)
    if not r.is_finished:
        return CellResult(*where, "failed", {}, reason=first_sentence(r), run=r.run_id)
    rules = {name: name for name in sorted(r.selection)}
    if len(r.epochs) == 1:  # nothing to select
        rules = {rule: "last"}
    by_rule = {name: score for name, source in rules.items() if not math.isnan(score := r.main(source))}
    return CellResult(
        *where,
        "finished",
        by_rule,
        round(r.work_seconds, 3),
        run=r.run_id,
        origin=origin_of(r),
        epochs=epochs_of(r),
        stale=made_by_other_code(r),
        said=said_of(r),
        cpu=None if r.cpu_seconds is None else round(r.cpu_seconds, 3),
    )


def said_of(r: Record) -> dict[str, float] | None:
    """The diagnostics of a record's last epoch, to seven digits; None where there are none."""
    found = r.epochs[-1].diagnostics if r.epochs else None
    return {name: float(f"{value:.7g}") for name, value in found.items()} if found else None


def origin_of(r: Record) -> Origin:
    """What a record says of what it was computed from and with."""
    environment: dict[str, Any] = {key: value for key, value in r.code._asdict().items() if value and key != "method"}
    environment |= {key: value for key in ("device", "kernel", "threads", "versions") if (value := getattr(r, key))}
    return Origin(r.code.method, r.fingerprint, flat(r.config), environment)


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what changes no result, its keys as on the command line."""
    kept = {key: value for key, value in config.items() if key not in record.VOLATILE}
    kept["trainer"] = {k: v for k, v in config.get("trainer", {}).items() if k not in record.VOLATILE_TRAINER}
    found: dict[str, Any] = {}

    def flatten(key: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for inner, part in value.items():
                flatten(f"{key}.{inner}", part)
        else:
            found[key] = value

    for key, value in kept.items():
        flatten(key, value)
    return found


def nested(config: Mapping[str, Any]) -> dict[str, Any]:
    """A flat configuration as it was."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        *groups, name = key.split(".")
        node = found
        for group in groups:
            node = node.setdefault(group, {})
        node[name] = value
    return found


def epochs_of(r: Record) -> dict[str, Any] | None:
    """Every evaluated epoch of a record in lists; None where it has none."""
    if not r.epochs:
        return None
    rules = sorted({rule for epoch in r.epochs for rule in epoch.scores})
    metric = r.metric or next((name for epoch in r.epochs for name in epoch.source_test), "")
    return {
        "epoch": [epoch.epoch for epoch in r.epochs],
        "source": [epoch.source_test.get(metric) for epoch in r.epochs],
        "target": [epoch.target_test.get(metric) for epoch in r.epochs],
        "scores": {rule: [short(epoch.scores.get(rule)) for epoch in r.epochs] for rule in rules},
    }


def completed(made: Summary, committed: Summary) -> Summary:
    """A summary whose cells that were not run yet are another's."""
    known = {(e.row, e.task, e.seed): e for e in committed.entries}
    entries = (known.get((e.row, e.task, e.seed), e) if e.status == "missing" else e for e in made.entries)
    return replace(made, entries=tuple(entries), made=_both(made.made, committed.made))


def _both(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Versions and devices of either, merged."""
    found: dict[str, Any] = {}
    for key in dict.fromkeys((*a, *b)):
        one, other = a.get(key, []), b.get(key, [])
        found[key] = _both(one or {}, other or {}) if isinstance(one or other, Mapping) else sorted({*one, *other})
    return found


def as_records(summary: Summary) -> list[Record]:
    """Finished cells in the form of records, as far as a summary keeps it: what selection rules are judged by."""
    return [_as_record(e, e.origin, e.epochs) for e in summary.entries if e.origin is not None and e.epochs is not None]


def _as_record(entry: CellResult, origin: Origin, epochs: Mapping[str, Any]) -> Record:
    config = nested(origin.config)
    method = catalog.entry_of("method", config["method"]["_target_"])

    def figure(value: float | None) -> dict[str, float]:
        return {} if value is None else {"main": value}

    history = [
        EvaluatedEpoch(
            epoch=epoch,
            source_test=figure(epochs["source"][k]),
            target_test=figure(epochs["target"][k]),
            scores={rule: scores[k] for rule, scores in epochs["scores"].items()},
        )
        for k, epoch in enumerate(epochs["epoch"])
    ]
    return Record(
        status=Status.FINISHED,
        method=method.name,
        setting=setting_of(method.access),
        data=config["data"]["_target_"].rpartition(".")[2],
        seed=entry.seed,
        config=config,
        fingerprint=origin.data,
        task=TaskRecord(entry.task),
        metric="main",
        epochs=Epochs(history),
    )


def short(score: float | None) -> float | None:
    """A score to seven digits, enough to rank epochs by."""
    return None if score is None else float(f"{score:.7g}")


KEYS = {"scores": "figures"}
"""How committed files call a field."""


def write(summary: Summary, file: Path) -> Path:
    """Write a summary as JSON, a line for each cell; what all cells share stands once, above them."""
    finished = [e.origin for e in summary.entries if e.origin is not None]
    shared = dict(finished[0].config) if finished else {}
    for origin in finished:
        shared = {k: v for k, v in shared.items() if k in origin.config and origin.config[k] == v}
    environments: list[Mapping[str, Any]] = []
    for origin in finished:
        if origin.environment not in environments:
            environments.append(origin.environment)
    head: dict[str, Any] = {"table": summary.table, "metric": summary.metric, "made": summary.made}
    head |= {"overrides": list(summary.overrides)} if summary.overrides else {}
    head |= {"config": shared, "environments": environments} if finished else {}
    lines = ",\n".join(_line(entry, shared, environments) for entry in summary.entries)
    text = json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "entries": [\n{lines}\n]\n}}\n'
    return write_atomically(file, text.encode())


def _line(entry: CellResult, shared: Mapping[str, Any], environments: Sequence[Mapping[str, Any]]) -> str:
    given = {KEYS.get(f.name, f.name): getattr(entry, f.name) for f in fields(entry) if f.name != "origin"}
    line = {key: value for key, value in given.items() if value is not None and value is not False and value != ""}
    if entry.origin is not None:
        own = {k: v for k, v in entry.origin.config.items() if k not in shared}
        line |= {"code": entry.origin.code, "data": entry.origin.data, "config": own}
        line["environment"] = environments.index(entry.origin.environment)
    return json.dumps(line, ensure_ascii=False)


def read(file: Path) -> Summary:
    """Read a summary.

    Raises:
        DataError: the file is not one.
    """
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
        shared, environments = loaded.pop("config", {}), loaded.pop("environments", [])
        entries = tuple(_entry_of(line, shared, environments) for line in loaded.pop("entries"))
        return Summary(**loaded | {"overrides": tuple(loaded.get("overrides", ()))}, entries=entries)
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise DataError(f"{file} is no table's summary ({error}); make it anew with scripts/benchmark.py.") from error


def _entry_of(line: dict[str, Any], shared: Mapping[str, Any], environments: Sequence[Mapping[str, Any]]) -> CellResult:
    line |= {name: line.pop(key) for name, key in KEYS.items()}
    if "code" not in line:
        return CellResult(**line)
    own = {key: line.pop(key) for key in ("code", "data", "config", "environment")}
    given = {**shared, **own["config"]}
    is_run = "method._target_" in given
    config = renamed.current_flat(given) if is_run else renamed.current(given, class_of(line["row"]))
    if config != given and line.get("run"):
        line |= {"run": recorded_id(nested(config), own["data"])}
    return CellResult(**line, origin=Origin(own["code"], own["data"], config, environments[own["environment"]]))


def class_of(row: str) -> str:
    """The path of the method that a row is called after; empty where it is called otherwise."""
    entry = catalog.entries("method").get(row.partition(" (")[0])
    return entry.path if entry else ""
