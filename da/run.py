"""One run: a configuration in, a record out."""

from __future__ import annotations

import json
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from da import catalog, checkpoint, launch, lock, training
from da.config import Plan, devices, validate
from da.data.module import PairedData
from da.domain import Task, check_task
from da.errors import DataError
from da.evaluation import Evaluator
from da.methods.base import Method, Optimization, Spec
from da.methods.closed_form import ClosedForm
from da.outcome import Pruned, Result, RunFailed, Watch, directory_of, fail, head, title, unloaded, wanted
from da.progress import ProgressBar
from da.results import record, tracking
from da.schedules import LEARNING_RATE

WEIGHTS = "model.pt"
PREDICTIONS = "predictions.npz"
RESUMABLE = ("timeout", "crashed", "oom")  # how a run may end whose checkpoint is worth going on from


def run(config: dict[str, Any], watch: Watch | None = None) -> Result:
    """Validate, load, and train unless a finished record of the same content exists.

    Args:
        config: the composed configuration.
        watch: is told when the run starts and after each evaluated epoch, and may give it up.

    Raises:
        ConfigError: the configuration is wrong; nothing was written.
        RunFailed: data or training failed; the record holds the traceback.
        RunBusy: another process is at this run.
        Pruned: ``watch`` gave it up.
    """
    plan = validate(config)
    started = time.perf_counter()
    try:
        task, fingerprint = load(plan)
    except Exception as error:
        fail(unloaded(plan), plan, error)
        raise RunFailed(f"{title(plan)}: {error}") from error
    (unloaded(plan) / record.FILE).unlink(missing_ok=True)
    identity = record.run_id(plan.config, fingerprint)
    directory = directory_of(plan, identity)
    frozen = {
        "config": plan.config,
        "run_id": identity,
        "fingerprint": fingerprint,
        "load_seconds": time.perf_counter() - started,
    }
    with lock.held(directory, title(plan)):
        return _locked(plan, task, directory, frozen, watch)


def _locked(plan: Plan, task: Task, directory: Path, frozen: dict[str, Any], watch: Watch | None) -> Result:
    found = record.read(directory)
    if found and not wanted(found, plan.config["rerun"]):
        if found["status"] == "failed":
            raise RunFailed(
                f"{title(plan)} failed before: {found['error']} (rerun=failed tries again; see {directory})."
            )
        return Result(found | {"config": plan.config}, directory, fresh=False)
    if found:  # the old record is kept aside: a new attempt may fail
        (directory / record.FILE).replace(directory / record.OLD)
        if found.get("error_kind") not in RESUMABLE:
            (directory / checkpoint.LAST).unlink(missing_ok=True)
    record.write_atomically(directory / "config.json", json.dumps(plan.config, indent=1).encode())
    if watch is not None:
        watch.started(directory, frozen)
    try:
        if devices(plan.config) > 1:
            launch.processes(directory, frozen, devices(plan.config))
        else:
            execute(plan, task, directory, frozen, watch)
    except Pruned:
        raise
    except Exception as error:
        if not isinstance(error, launch.WorkerFailed) or record.read(directory) is None:
            fail(directory, plan, error, frozen)
        raise RunFailed(f"{title(plan)}: {error}") from error
    made = record.read(directory)
    assert made is not None
    return Result(made, directory, fresh=True)


def load(plan: Plan) -> tuple[Task, str]:
    """The checked task of a plan, and its fingerprint; a sweep loads each once."""
    return _load(json.dumps([plan.config["data"], plan.config.get("features")], sort_keys=True))


@lru_cache(maxsize=4)
def _load(nodes: str) -> tuple[Task, str]:
    data, features = json.loads(nodes)
    task = catalog.build(data, where="data").load()
    check_task(task)
    if features is not None:
        task = catalog.build(features, where="features").apply(task)
    return task, task.fingerprint()


def make_method(plan: Plan) -> Method:
    """The method of a plan; an estimator is wrapped so that the trainer can run it."""
    made = catalog.build(plan.config["method"], where="method")
    if isinstance(made, Method):
        made.optimization = Optimization(
            catalog.factory(plan.config["optimizer"], where="optimizer"),
            LEARNING_RATE[plan.config["schedule"]],
            plan.config["clip"],
        )
        return made
    return ClosedForm(made, catalog.build(plan.config["classifier"], where="classifier"))


def prepare(plan: Plan, task: Task) -> tuple[Method, PairedData]:
    """The method, built and seeded, and its data."""
    config = plan.config
    pl.seed_everything(config["seed"], verbose=False)
    method = make_method(plan)
    closed = isinstance(method, ClosedForm)
    data = PairedData(
        task,
        method.needs,
        batch_size=config["batch_size"],
        steps_per_epoch=1 if closed else config["steps_per_epoch"],
        shots=config["shots"],
        seed=config["seed"],
    )
    target_shape = task.target.train.sample_shape
    method.build(
        Spec(
            shape=task.sources[0].train.sample_shape if method.needs.source_x else target_shape,
            target_shape=target_shape,
            n_classes=task.n_classes,
            network=catalog.factory(config["network"], where="network"),
        )
    )
    return method, data


def restore(directory: Path) -> tuple[Method, PairedData]:
    """The trained method of a finished deep run, ready to predict, and its data.

    Raises:
        DataError: the directory holds no finished run with weights.
    """
    found = record.read(directory)
    if found is None or found["status"] != "finished" or not (directory / WEIGHTS).is_file():
        raise DataError(
            f"{directory} holds no finished run with {WEIGHTS}; train it first (closed-form runs keep no weights)."
        )
    plan = validate(found["config"])
    task, fingerprint = load(plan)
    if fingerprint != found["fingerprint"]:
        raise DataError(f"The data of {directory} have changed since it was trained; train again with rerun=all.")
    method, data = prepare(plan, task)
    method.load_state_dict(torch.load(directory / WEIGHTS, map_location="cpu", weights_only=True))
    return method.eval(), data


def execute(plan: Plan, task: Task, directory: Path, frozen: dict[str, Any], watch: Watch | None = None) -> None:
    """Train, evaluate and write the record; with several devices every process comes here."""
    begun = record.now()
    method, data = prepare(plan, task)
    shapes = {task.sources[0].train.sample_shape, task.target.train.sample_shape}
    if len(shapes) > 1 and plan.method.access.spaces == 0 and plan.method.access.source_x:
        raise DataError(
            f"Source inputs have shape {task.sources[0].train.sample_shape} and target inputs "
            f"{task.target.train.sample_shape}; method={plan.method.name} needs one space. Use a heterogeneous method."
        )
    info = {
        "name": title(plan),
        "group": task.name,
        "tags": [plan.method.family, plan.setting],
        "config": plan.config,
    }
    evaluator = Evaluator(data, plan.config["evaluate_every"])
    callbacks: list[pl.Callback] = [evaluator]
    closed = isinstance(method, ClosedForm)
    if not closed:
        callbacks.append(checkpoint.Resumable(directory))
    if watch is not None:
        callbacks.append(Told(watch, evaluator))
    keywords = {k: v for k, v in plan.config["trainer"].items() if k != "_target_"}
    if closed:
        keywords |= {"max_epochs": 1, "precision": "32-true", "enable_progress_bar": False}
    if keywords.get("enable_progress_bar", True):
        callbacks.append(ProgressBar(title(plan)))
    if devices(plan.config) > 1 and keywords.get("strategy", "auto") in ("auto", "ddp"):
        keywords["strategy"] = "ddp_find_unused_parameters_true"  # phases and freezing leave parameters out of a step
    loggers = catalog.factory(plan.config["logger"], where="logger")(directory, info)
    with tracking.until_recorded(loggers, directory):
        trainer = training.trainer(callbacks, loggers=loggers, directory=directory, keywords=keywords)
        training.fit(trainer, method, data, resume=None if closed else checkpoint.usable(directory))
        if not trainer.is_global_zero:
            return
        save_predictions(directory / PREDICTIONS, evaluator, data)
        if not closed:
            checkpoint.save_weights(method, directory / WEIGHTS)
        (directory / checkpoint.LAST).unlink(missing_ok=True)
        last = evaluator.history[-1]
        record.write(
            directory,
            head(plan, frozen, "finished")
            | {
                "task": describe(task, data),
                "parameters": sum(p.numel() for p in method.parameters()),
                "device": f"{trainer.world_size} x {_device_name(method.device)}",
                "target_test": last["target_test"],
                "source_test": last["source_test"],
                "selection": evaluator.chosen(),
                "epochs": evaluator.history,
                "seconds": evaluator.seconds | {"load": frozen["load_seconds"]},
                "started": begun,
            },
        )


class Told(pl.Callback):
    """Tells a watch of every evaluated epoch.

    Raises:
        Pruned: the watch gives the run up.
    """

    def __init__(self, watch: Watch, evaluator: Evaluator):
        self.watch, self.evaluator, self.epochs = watch, evaluator, 0

    def on_train_epoch_end(self, trainer: pl.Trainer, method: Any) -> None:
        for entry in self.evaluator.history[self.epochs :]:
            if self.watch.epoch(entry["epoch"], entry["scores"]):
                raise Pruned(f"given up after epoch {entry['epoch']}")
        self.epochs = len(self.evaluator.history)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def describe(task: Task, data: PairedData) -> dict[str, Any]:
    """Sizes and class counts of a task, as recorded."""
    counts = {}
    for name, domain in task.parts().items():
        y = None if domain.y is None else np.bincount(np.asarray(domain.y), minlength=task.n_classes).tolist()
        counts[name] = {"name": domain.name, "samples": len(domain), "per_class": y}
    return {
        "name": task.name,
        "classes": list(task.classes),
        "transductive": task.transductive,
        "steps_per_epoch": data.steps_per_epoch,
        "evaluated": {name: len(domain) for name, domain in data.evaluated.items()},
        "domains": counts,
    }


def save_predictions(file: Path, evaluator: Evaluator, data: PairedData) -> None:
    """Logits and predicted classes of the target test samples, with their labels where they are known."""
    import io

    logits = evaluator.predictions["target_test"][1]
    y = data.evaluated["target_test"].y
    known: dict[str, Any] = {} if y is None else {"y": np.asarray(y)}
    stream = io.BytesIO()
    np.savez_compressed(stream, logits=logits, predicted=logits.argmax(1), classes=np.array(data.task.classes), **known)
    record.write_atomically(file, stream.getvalue())
