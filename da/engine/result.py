"""What a run can come to, and the record that says so; nothing here imports PyTorch."""

from __future__ import annotations

import json
import sysconfig
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from da.config import catalog
from da.config.titles import title_of
from da.config.validate import Plan
from da.engine import accepted, codehash
from da.engine.predictions import TABLE
from da.errors import ConfigError, TrainingError, UsageError
from da.renamed import current, earlier
from da.results import record
from da.results.record import Record, Status
from da.results.schema import Code
from da.results.scores import shown

CONFIG, MODEL = "config.json", "model.json"


class RunFailed(RuntimeError):
    """A run that failed and left a record that says so."""


class RunBusy(RuntimeError):
    """Another process is at the same run."""


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Args:
        record: what it left.
        directory: where it lies.
        fresh: it was run now, not found finished.
    """

    record: Record
    directory: Path
    fresh: bool

    @property
    def value(self) -> float:
        """The main metric on the target test split under the chosen selection rule; NaN without target labels."""
        return self.record.main(self.record.config["selection"])


def one_line(made: Record, directory: Path, fresh: bool, named: str | None = None) -> str:
    """One line on a finished run, by the name that somebody gave it or as on the command line."""
    rule = made.config["selection"]
    metrics = made.selection[rule].target_test if rule in made.selection else {}
    scores = ", ".join(f"{name} {shown(value, 2)}" for name, value in metrics.items())
    count = made.task.evaluated.get("target_test", 0) if made.task else 0
    result = f"target test {scores}" if scores else f"{count} target samples predicted, no labels to score"
    word = "finished" if fresh else "skipped "
    named = named or title_of(made.config, catalog.entries("method")[made.method], catalog.entries("data")[made.data])
    other = "" if fresh or not made_by_other_code(made) else "; made by other code, rerun=stale runs it again"
    table = directory / TABLE
    held = training_samples(directory)
    place = f"{table if table.is_file() else directory}{f' (its model holds {held} training samples)' if held else ''}"
    return f"{word} {named}: {result} ({rule}, {made.work_seconds:.1f} s{other}) -> {place}"


def training_samples(directory: Path) -> int:
    """How many training samples the model of a run holds, because it predicts with them; 0 without a model."""
    file = directory / MODEL
    return int(json.loads(file.read_bytes())["training_samples"]) if file.is_file() else 0


def directory_of(plan: Plan, fingerprint: str) -> Path:
    """The run's directory, named after its content; one that a run of earlier keywords left is gone on with.

    Args:
        plan: of the run.
        fingerprint: of its data.
    """
    folder = Path(plan.config["output"]) / plan.data.name / plan.method.name

    def named_after(config: dict[str, Any]) -> Path:
        return folder / f"seed{plan.config['seed']}-{record.run_id(config, fingerprint)}"

    directory, before = named_after(plan.config), earlier(plan.config)
    if before != plan.config and not directory.exists() and (old := named_after(before)).is_dir():
        return old
    return directory


def load_failure_directory(plan: Plan) -> Path:
    """Where the failure of a run is recorded whose data could not be loaded."""
    return directory_of(plan, "no data")


def other_data(plan: Plan, directory: Path, fingerprint: str) -> str:
    """A sentence on the last run of the same configuration that is recorded with other data; empty where none is.

    Args:
        plan: of the run.
        directory: of the run.
        fingerprint: of its data.
    """
    same = record.essential(plan.config)
    last = (0, "", "")
    for file in directory.parent.glob(f"seed{plan.config['seed']}-*/{CONFIG}"):
        try:
            if record.essential(current(json.loads(file.read_text(encoding="utf-8")))) != same:
                continue
            made = (file.parent / record.FILE).stat().st_mtime_ns
            found = record.read(file.parent)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not there, newer, or no configuration
            continue
        if found is not None and found.fingerprint not in ("", fingerprint):
            last = max(last, (made, str(file.parent), found.fingerprint))
    _, where, earlier = last
    return where and (
        f"The data of an earlier run have changed, or how they are read: the record of {where} is of data "
        f"{earlier[:8]}, and this run is on {fingerprint[:8]}."
    )


def needs_rerun(found: Record, rerun: str) -> bool:
    """Whether a recorded run is to be run again."""
    if rerun == "stale":
        return made_by_other_code(found) or found.versions != record.package_versions()
    return rerun == "all" or (rerun == "failed" and not found.is_finished)


def made_by_other_code(found: Record) -> bool:
    """Whether a recorded run was computed or scored by code that is neither the present one nor accepted as equal.

    See :mod:`da.engine.codehash` and :mod:`da.engine.accepted`. A record without that hash is taken to be of other code
    as soon as anything in the package changed.
    """
    made = found.code
    if not made.method:
        return made.source != record.code_version()["source"]
    try:
        computed = codehash.of_config(found.config)
        return not accepted.same(made.method, computed) or accepted.any_other(made.scoring, codehash.of_scoring())
    except (ConfigError, KeyError, TypeError, AttributeError):  # it names what is no longer there, or is none of ours
        return True


def code_of(config: Mapping[str, Any]) -> Code:
    """Which code a run is computed and scored with."""
    return Code(**record.code_version(), method=codehash.of_config(config), scoring=codehash.of_scoring())


def record_header(plan: Plan, frozen: Mapping[str, Any], status: Status) -> Record:
    """A record with what every one begins with.

    Args:
        plan: of the run.
        frozen: ``run_id`` and ``fingerprint``, where the data could be loaded.
        status: how the run ended.
    """
    return Record(
        status=status,
        run_id=frozen.get("run_id") or "",
        method=plan.method.name,
        family=plan.method.family,
        setting=plan.setting,
        data=plan.data.name,
        seed=plan.config["seed"],
        config=plan.config,
        fingerprint=frozen.get("fingerprint") or "",
        code=code_of(plan.config),
        versions=record.package_versions(),
        ended=record.now(),
    )


def write_error(directory: Path, plan: Plan, error: BaseException, frozen: Mapping[str, Any] | None = None) -> Record:
    """Write the record of a run that raised, with its traceback."""
    kind = "usage" if isinstance(error, UsageError) else "oom" if out_of_memory(error) else type(error).__name__
    return write_failure(
        directory, plan, kind, error_message(error), "".join(traceback.format_exception(error)), frozen
    )


def error_message(error: BaseException, file: Path | None = None) -> str:
    """An error in a sentence; of one that nobody foresaw also its kind, where it happened, and where more is said.

    Args:
        error: what was raised.
        file: the record that holds the traceback.
    """
    if isinstance(error, UsageError | TrainingError):
        return str(error)
    sentence = f"{type(error).__name__}: {error}".removesuffix(": ")
    beside = [*filter(None, [place(error)]), *([f"traceback in {file}"] if file else [])]
    return f"{sentence} ({'; '.join(beside)})" if beside else sentence


def place(error: BaseException) -> str:
    """File and line of the last call that is not an installed package's; empty where there is no traceback."""
    installed = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*installed, "<"))] or list(frames)
    if not own:
        return ""
    file = Path(own[-1].filename)
    return f"{file.relative_to(catalog.ROOT) if file.is_relative_to(catalog.ROOT) else file}:{own[-1].lineno}"


def out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed: NumPy's, PyTorch's on the CPU, or on an accelerator."""
    return isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error)


def write_failure(
    directory: Path, plan: Plan, kind: str, error: str, trace: str, frozen: Mapping[str, Any] | None = None
) -> Record:
    """Write the record of a failed run.

    Args:
        directory: of the run.
        plan: of the run.
        kind: ``timeout``, ``crashed``, ``oom``, ``usage``, or the class of what it raised.
        error: in a sentence.
        trace: the traceback, or the last output of a lost process.
        frozen: see :func:`record_header`.
    """
    header = record_header(plan, frozen or {}, Status.FAILED)
    failed = replace(header, error=error, error_kind=kind, traceback=trace)
    record.write(directory, failed)
    return failed
