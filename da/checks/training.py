"""Checks of whole trainings: seeds, schedules, interruptions, precision, several processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from da.checks.harness import NETWORKS, SMALL, build, normed, same, task_for, train, weights_of
from da.checks.processes import trained_by_two
from da.checks.suite import CheckedMethod, applies_if
from da.domain import Batch, Task
from da.methods.base import Method, Optimization, Phase, Terms
from da.methods.inference import predict
from da.setting import SETTINGS


def check_same_seed_same_weights(subject: CheckedMethod) -> None:
    """The same seed, also 0, gives the same weights; another seed gives others."""
    task = task_for(subject.needs)
    for kind, network in NETWORKS.items():
        weights = []
        for seed in (0, 0, 1):
            method = build(subject, task, seed=seed, network=network)
            train(method, task, seed=seed)
            weights.append(weights_of(method))
        assert same(weights[0], weights[1]), f"{subject.name} gives two results for one seed, on a network {kind}."
        assert not same(weights[0], weights[2]), f"{subject.name} does not depend on the seed."


def check_saved_weights_predict_the_same(subject: CheckedMethod) -> None:
    """`state_dict` contains everything that prediction needs."""
    task = task_for(subject.needs)
    for kind, network in NETWORKS.items():
        method = build(subject, task, network=network)
        train(method, task)
        copy = build(subject, task, seed=5, network=network)
        copy.load_state_dict(weights_of(method))
        method._trainer = copy._trainer = None
        pairs = zip(predict(method, task.target.train), predict(copy, task.target.train), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs), (
            f"{subject.name} predicts differently after loading its state_dict, on a network {kind}."
        )


def check_progress_never_falls(subject: CheckedMethod) -> None:
    """The progress passed to terms is the fraction of the whole training, starting at 0, for any number of epochs."""
    seen: list[float] = []
    task = task_for(subject.needs)
    method = build(subject, task)
    phases = method.phases

    def spied(progress: float) -> list[Phase]:
        seen.append(progress)
        return [Phase(_spy(phase.terms, seen), phase.groups, phase.repeat) for phase in phases(progress)]

    method.phases = spied  # of this instance alone
    train(method, task, epochs=3, steps=4)
    assert seen[0] == 0.0 and max(seen) < 1.0, f"{subject.name} sees progress from {seen[0]} to {max(seen)}."
    assert all(a <= b for a, b in pairwise(seen)), f"{subject.name} sees progress fall: {seen}."
    assert len(set(seen)) == 12, f"{subject.name} sees {len(set(seen))} values of progress in 12 steps."


def _spy(terms: Callable[[Batch, float], Terms], seen: list[float]) -> Callable[[Batch, float], Terms]:
    def run(batch: Batch, progress: float) -> Terms:
        seen.append(progress)
        return terms(batch, progress)

    return run


def check_epochs_do_not_matter_to_schedules(subject: CheckedMethod) -> None:
    """With fixed weights, twelve steps have the same terms and gradients in one epoch, three or four.

    A ramp that restarts with every epoch, or counts epochs, fails this check.
    """
    histories = [_standing(subject, epochs) for epochs in (1, 3, 4)]
    for other in histories[1:]:
        for step, (a, b) in enumerate(zip(histories[0], other, strict=True)):
            assert a.keys() == b.keys() and all(np.allclose(a[k], b[k], rtol=1e-5, atol=1e-7) for k in a), (
                f"{subject.name}: what step {step} of 12 does depends on how many epochs the steps are cut into; "
                "make schedules functions of `progress`."
            )


def _standing(subject: CheckedMethod, epochs: int) -> list[dict[str, Any]]:
    """Terms and the norm of the gradient of each step, at a learning rate of 0."""
    task = task_for(subject.needs)
    method = build(subject, task)
    method.optimization = Optimization(partial(torch.optim.SGD, lr=0.0))
    looked = _Looks()
    train(method, task, epochs=epochs, steps=12 // epochs, callbacks=[looked])
    return looked.steps


class _Looks(pl.Callback):
    """Record the terms and gradients of each step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.before: dict[str, float] = {}

    def on_train_batch_start(self, trainer: pl.Trainer, method: Any, batch: Any, batch_idx: int) -> None:
        self.before = {name: float(value) for name, value in method.term_sums.items()}

    def on_train_batch_end(self, trainer: pl.Trainer, method: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        after = {name: float(value) for name, value in method.term_sums.items()}
        terms = {name: value - self.before.get(name, 0.0) for name, value in after.items()}
        norms = {f"gradient of {n}": float(p.grad.norm()) for n, p in method.named_parameters() if p.grad is not None}
        self.steps.append(terms | norms)


def check_resumed_equals_uninterrupted(subject: CheckedMethod) -> None:
    """Training interrupted after or within an epoch and resumed has bit-identical weights to uninterrupted training."""
    task = task_for(subject.needs)
    for kind, network in NETWORKS.items():
        whole = build(subject, task, network=network)
        train(whole, task, epochs=2, steps=5)
        for stop in (5, 8):
            with tempfile.TemporaryDirectory() as folder:
                directory = Path(folder)
                _stopped(build(subject, task, network=network), task, directory, stop)
                resumed = build(subject, task, seed=9, network=network)
                train(resumed, task, epochs=2, steps=5, directory=directory, resume=directory / "last.ckpt")
            assert same(weights_of(whole), weights_of(resumed)), (
                f"{subject.name}, stopped at step {stop} of 2 epochs of 5 steps, does not resume to the same weights, "
                f"on a network {kind}; what it learns outside of parameters and buffers belongs into the checkpoint."
            )


class _Stop(BaseException):
    """An interruption, which is not an error of the run."""


class _Stopper(pl.Callback):
    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer: pl.Trainer, method: Any, batch: Any, batch_idx: int) -> None:
        if method.steps_done >= self.step:
            raise _Stop


def _stopped(method: Method, task: Task, directory: Path, step: int) -> None:
    """Train two epochs, interrupted before a step; the checkpoint is kept."""
    try:
        train(method, task, epochs=2, steps=5, directory=directory, callbacks=[_Stopper(step)])
    except _Stop:
        return
    raise AssertionError("The run was not stopped.")


def _is_single_phase_transductive(subject: CheckedMethod) -> bool:
    method = subject.new()
    one_phase = type(method).phases is Method.phases
    return subject.needs == SETTINGS["transductive"] and hasattr(method, "weight") and one_phase


@applies_if(_is_single_phase_transductive)
def check_weight_zero_is_source_only(subject: CheckedMethod) -> None:
    """With weight 0 of its transfer term a method equals the baseline; embedded separately, also with batch norm."""
    from da.methods.transductive.source_only import SourceOnly

    task = task_for(subject.needs)
    for embedding, network in (("joint", SMALL), ("apart", partial(normed, dropout=0.0))):
        off = build(subject, task, network=network, embedding=embedding, weight=0.0)
        train(off, task)
        baseline = build(CheckedMethod("source_only", SourceOnly, SourceOnly.needs), task, network=network)
        train(baseline, task)
        for a, b in zip(off.network.parameters(), baseline.network.parameters(), strict=True):
            assert torch.allclose(a, b, rtol=0.0, atol=1e-6), (
                f"{subject.name} with weight=0 and embedding={embedding} differs from source-only by "
                f"{float((a - b).detach().abs().max()):.2g}."
            )


def check_finite_in_bf16(subject: CheckedMethod) -> None:
    """Mixed precision gives finite weights."""
    task = task_for(subject.needs)
    for network in NETWORKS.values():
        method = build(subject, task, network=network)
        train(method, task, precision="bf16-mixed")
        for name, value in weights_of(method).items():
            assert torch.isfinite(value.float()).all(), f"{subject.name}: '{name}' is not finite in bf16-mixed."


@applies_if(lambda subject: torch.distributed.is_available())
def check_two_processes_equal_one(subject: CheckedMethod) -> None:
    """Two processes on different halves of each batch have the weights, terms and metrics of one, up to rounding."""
    one, two = trained_by_two(subject)
    assert one.keys() == two.keys()
    for name in one:
        assert torch.allclose(one[name], two[name], rtol=1e-5, atol=1e-5), (
            f"{subject.name}: two processes leave another '{name}' than one; what is computed over a batch must see "
            "the rows of all processes (`self.gather`, or `self.embed`, which gathers)."
        )
