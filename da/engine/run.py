"""One run: a configuration in, a record out."""

from __future__ import annotations

import importlib
import json
import shutil
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from da.config import catalog, evidence, machine, pretrained
from da.config.titles import run_title
from da.config.validate import Plan, cautions, devices, validate
from da.data import contents
from da.data.columns import differing
from da.data.grant import Exam, examine
from da.data.validity import check_task
from da.domain import Task
from da.engine import assembly, distributed, hardware, lock, predictions, tracking, warned
from da.engine.observer import Pruned, RunObserver
from da.engine.result import (
    CONFIG,
    Result,
    RunFailed,
    directory_of,
    error_message,
    load_failure_directory,
    needs_rerun,
    other_data,
    record_header,
    write_error,
)
from da.engine.runner import CHECKPOINT, Runner, Settings
from da.engine.tracking.tracker import RunLogger
from da.errors import DataError, UsageError
from da.files import named_by, weights_of, write_atomically
from da.results import record, store, writable
from da.results.schema import Epochs, Part, Selected, TaskRecord
from da.schedules import LEARNING_RATE
from da.setting import SAME

RESUMABLE = ("timeout", "crashed", "oom")  # how a run may end whose checkpoint is worth going on from


def run(config: dict[str, Any], observer: RunObserver | None = None) -> Result:
    """Validate, load, and train unless a finished record of the same content exists.

    Args:
        config: the composed configuration.
        observer: is told when the run starts and after each evaluated epoch, and may give it up.

    Raises:
        UsageError: the configuration or the data are wrong for it; nothing was written, see :func:`refused`.
        RunFailed: loading or training failed; the record holds the traceback.
        RunBusy: another process is at this run.
        Pruned: ``observer`` gave it up.
    """
    plan = validate(config)
    pretrained.find_files(plan.config)
    machine.check(plan.config["trainer"])
    said = cautions(plan)
    for caution in said:
        warnings.warn(caution, stacklevel=2)
    writable.check(Path(plan.config["output"]))
    started = time.perf_counter()
    try:
        task, fingerprint = load(plan)
        check_columns(plan, task)
    except Exception as error:
        (load_failure_directory(plan) / record.FILE).unlink(missing_ok=True)
        if refused(error):
            raise
        write_error(load_failure_directory(plan), plan, error)
        raise RunFailed(
            f"{run_title(plan)}: {error_message(error, load_failure_directory(plan) / record.FILE)}"
        ) from error
    evidence.check_loaded(plan.config, plan.data, task)
    (load_failure_directory(plan) / record.FILE).unlink(missing_ok=True)
    identity = record.run_id(plan.config, fingerprint)
    directory = directory_of(plan, fingerprint)
    frozen = {
        "config": plan.config,
        "run_id": identity,
        "fingerprint": fingerprint,
        "load_seconds": time.perf_counter() - started,
        "notes": [*said, *task.notes],
    }
    with lock.held(directory, run_title(plan)):
        return _locked(plan, task, directory, frozen, observer)


def _locked(plan: Plan, task: Task, directory: Path, frozen: dict[str, Any], observer: RunObserver | None) -> Result:
    found = record.read(directory)
    if found and not needs_rerun(found, plan.config["rerun"]):
        if not found.is_finished:
            raise RunFailed(
                f"{run_title(plan)} failed before: {found.error} (rerun=failed tries again; see {directory})."
            )
        return Result(replace(found, config=plan.config), directory, fresh=False)
    if found:  # the old record is kept aside: a new attempt may fail
        (directory / record.FILE).replace(directory / record.OLD)
        if found.error_kind not in RESUMABLE:
            (directory / CHECKPOINT).unlink(missing_ok=True)
    if changed := other_data(plan, directory, frozen["fingerprint"]):
        warnings.warn(changed, stacklevel=3)
        frozen = frozen | {"notes": [*frozen["notes"], changed]}
    write_atomically(directory / CONFIG, json.dumps(record.portable(plan.config), indent=1).encode())
    if observer is not None:
        observer.started(directory, frozen)
    try:
        if devices(plan.config) > 1 and not plan.method.is_estimator:
            distributed.processes(directory, frozen, devices(plan.config))
        else:
            execute(plan, task, directory, frozen, observer)
    except Pruned:
        raise
    except Exception as error:
        if refused(error):
            _withdraw(directory)
            raise
        if not isinstance(error, distributed.WorkerFailed) or record.read(directory) is None:
            write_error(directory, plan, error, frozen)
        raise RunFailed(f"{run_title(plan)}: {error_message(error, directory / record.FILE)}") from error
    made = record.read(directory)
    assert made is not None
    return Result(made, directory, fresh=True)


def refused(error: BaseException) -> bool:
    """Whether what was asked for cannot be done, so that it is said and not recorded as a failure.

    Data are refused until training begins; what a fit then finds about them is what the run came to.
    """
    if not isinstance(error, DataError):
        return isinstance(error, UsageError)
    begun = Runner.fit.__code__
    return all(frame.f_code is not begun for frame, _ in traceback.walk_tb(error.__traceback__))


def _withdraw(directory: Path) -> None:
    """Leave a run's directory as if nobody had tried: with the record that it had, or not at all."""
    if (directory / record.OLD).is_file():
        (directory / record.OLD).replace(directory / record.FILE)
    elif not (directory / CHECKPOINT).is_file():
        shutil.rmtree(directory, ignore_errors=True)


def preload(config: Mapping[str, Any]) -> None:
    """Import what a run of this configuration computes with.

    Workers do it before the clock of a timeout starts. Imports make many objects and no garbage: without looking for it
    PyTorch and Lightning are imported in five sixths of the time.
    """
    path = catalog.resolve(str(config["method"]["_target_"]), "method").path
    with store.collector_off():
        importlib.import_module("da.engine.closed_form" if path.startswith("da.estimators.") else "da.engine.deep")


def load(plan: Plan) -> tuple[Task, str]:
    """The checked task of a plan, and its fingerprint; a sweep loads each once, and again where its files changed."""
    nodes = [plan.config["data"], plan.config.get("features")]
    files = contents.state(path for node in nodes if node is not None for path in named_by(node))
    return _load(json.dumps(nodes, sort_keys=True), files)


@lru_cache(maxsize=4)
def _load(nodes: str, files: str) -> tuple[Task, str]:
    data, features = json.loads(nodes)
    task = catalog.build(data, where="data").load()
    check_task(task)
    for note in task.notes:
        warnings.warn(note, stacklevel=2)
    if features is not None:
        task = catalog.build(features, where="features").apply(task)
    return task, task.fingerprint()


def check_columns(plan: Plan, task: Task) -> None:
    """A method of one feature space takes features of the same names from both domains.

    Raises:
        DataError: the names differ.
    """
    of_source, of_target = task.columns
    if plan.method.access.spaces == SAME and of_source and of_target and of_source != of_target:
        raise DataError(differing(task.sources[0].train.name, of_source, task.target.train.name, of_target))


def make_method(plan: Plan, task: Task) -> Any:
    """The method of a plan, built for a task and seeded."""
    config = plan.config
    parts = _classifier(config) if plan.method.is_estimator else _network(config)
    return assembly.build(catalog.build(config["method"], where="method"), task, seed=config["seed"], **parts)


def _classifier(config: Mapping[str, Any]) -> dict[str, Any]:
    """What follows a closed-form method."""
    return {"classifier": catalog.build(config["classifier"], where="classifier")}


def _network(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a deep method is built with."""
    from da.methods.base import Optimization  # imports PyTorch

    optimizer = catalog.factory(config["optimizer"], where="optimizer")
    return {
        "network": catalog.factory(config["network"], where="network"),
        "optimization": Optimization(optimizer, LEARNING_RATE[config["schedule"]], config["clip"]),
        "embedding": config.get("embedding", "joint"),
    }


def settings_of(plan: Plan) -> Settings:
    """What a plan tells a run beside its parts."""
    return Settings(**{f.name: plan.config[f.name] for f in fields(Settings)})


class Restored(NamedTuple):
    """A finished run, ready to predict.

    Args:
        method: trained, in evaluation mode.
        task: the whole task, labelled as the data are.
        exam: what the run was judged on.
    """

    method: Any
    task: Task
    exam: Exam


def restore(directory: Path) -> Restored:
    """The trained method of a finished deep run, its task and its exam.

    Raises:
        DataError: the directory holds no finished run with weights.
    """
    from da.nn import weights  # imports PyTorch where it reads

    found = record.read(directory)
    file = weights_of(directory)
    if found is None or not found.is_finished or file is None:
        raise DataError(f"{directory} holds no finished deep run with its weights; train it first.")
    plan = validate(found.config | {"selection": "last", "logger": {"_target_": "da.engine.tracking.none"}})
    task, fingerprint = load(plan)
    if fingerprint != found.fingerprint:
        raise DataError(f"The data of {directory} have changed since it was trained; train again with rerun=all.")
    method = make_method(plan, task)
    method.load_state_dict(weights.read(file))
    exam = examine(task, method.needs, shots=plan.config["shots"], seed=plan.config["seed"])
    return Restored(method.eval(), task, exam)


def trained(
    plan: Plan, task: Task, directory: Path, loggers: Sequence[RunLogger], observer: RunObserver | None
) -> Runner:
    """A plan's method, trained and judged on a task: all of a run that its figures depend on."""
    made = assembly.assemble(
        make_method(plan, task),
        task,
        settings_of(plan),
        directory=directory,
        trainer={k: v for k, v in plan.config["trainer"].items() if k != "_target_"},
        loggers=loggers,
        observer=observer,
        title=run_title(plan),
    )
    made.fit(resume=made.checkpoint())
    return made


def execute(
    plan: Plan, task: Task, directory: Path, frozen: dict[str, Any], observer: RunObserver | None = None
) -> None:
    """Train, evaluate and write the record; with several devices every process comes here."""
    begun = record.now()
    preload(plan.config)
    info = {
        "name": run_title(plan),
        "group": task.name,
        "tags": [plan.method.family, plan.setting],
        "config": plan.config,
    }
    loggers = catalog.factory(plan.config["logger"], where="logger")(directory, info)
    with tracking.until_recorded(loggers, directory):
        whole = devices(plan.config) == 1 and not (directory / CHECKPOINT).is_file()  # nothing is computed elsewhere
        began = time.process_time()
        with warned.collected() as said:
            made = trained(plan, task, directory, loggers, observer)
            made.warn_if_degenerate()
        cpu = {record.CPU: time.process_time() - began} if whole else {}
        if not made.is_first:
            return
        from da.engine import saved  # imports scikit-learn, which a deep run begins without

        scorer = made.scorer
        test = scorer.exam.domains["target_test"]
        logits = scorer.predictions["target_test"][1]
        predictions.save(directory, logits, test, task, made.method)
        saved.clear(directory)
        kept = saved.save(directory, plan, task, made) if plan.config["save_model"] else ""
        (directory / CHECKPOINT).unlink(missing_ok=True)
        last = scorer.history[-1]
        of_torch = not plan.method.is_estimator or made.device != "1 x cpu"
        record.write(
            directory,
            replace(
                record_header(plan, frozen, record.Status.FINISHED),
                task=describe(task, made),
                notes=[*frozen["notes"], *said, *filter(None, [kept])],
                parameters=made.parameters,
                device=made.device,
                kernel=hardware.kernel(of_torch=of_torch),
                threads=hardware.threads(of_torch=of_torch),
                metric=next(iter(last["target_test"]), ""),
                target_test=last["target_test"],
                source_test=last["source_test"],
                selection={rule: Selected(**chosen) for rule, chosen in scorer.chosen().items()},
                epochs=Epochs.from_json(scorer.history),
                seconds=scorer.seconds | {"load": frozen["load_seconds"]} | cpu,
                started=begun,
            ),
        )


def describe(task: Task, made: Runner) -> TaskRecord:
    """Sizes and class counts of a task, as recorded."""
    counts = {}
    for name, domain in task.parts().items():
        y = None if domain.y is None else np.bincount(np.asarray(domain.y), minlength=task.n_classes).tolist()
        counts[name] = Part(domain.name, len(domain), y)
    return TaskRecord(
        name=task.name,
        classes=tuple(task.classes),
        transductive=task.transductive,
        steps_per_epoch=made.steps_per_epoch,
        evaluated={name: len(domain) for name, domain in made.scorer.exam.domains.items()},
        domains=counts,
    )
