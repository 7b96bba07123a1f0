"""Checks that a method cannot access what was not granted: labels, test inputs, and domains that it does not need."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from da import selection
from da.checks.harness import assembled, build, same, task_for, train, weights_of
from da.checks.suite import CheckedMethod, applies_if
from da.checks.walk import reachable
from da.data.grant import choose_few, examine
from da.domain import Domain, Split, Task
from da.engine.closed_form import ClosedFormRunner
from da.engine.evaluation import Evaluator
from da.engine.observer import Pruned
from da.engine.tracking.epoch_csv import EpochCSV
from da.setting import FEW, NONE, Access

EPOCHS, SHOTS = 5, 3


@dataclass(frozen=True, eq=False)
class Trace:
    """Results of a run after each evaluated epoch.

    Args:
        weights: of the method, at the end.
        predictions: features and logits by epoch and evaluated domain.
        scores: of the selection rules, by epoch.
    """

    weights: dict[str, torch.Tensor]
    predictions: list[dict[str, Any]]
    scores: list[dict[str, float | None]]


class _Recorder(pl.Callback):
    """Keeps what the evaluation found after each epoch."""

    def __init__(self) -> None:
        self.predictions: list[dict[str, Any]] = []
        self.scores: list[dict[str, float | None]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, method: Any) -> None:
        first: Any = trainer.callbacks[0]  # type: ignore[attr-defined]  # as put together
        self.keep(first.scorer)

    def keep(self, scorer: Evaluator) -> None:
        """What it found last."""
        predictions = {name: tuple(part.copy() for part in pair) for name, pair in scorer.predictions.items()}
        self.predictions.append(predictions)
        self.scores.append(dict(scorer.history[-1]["scores"]))


class _Pruner:
    """Prune a run as soon as a label-free score falls."""

    def __init__(self) -> None:
        self.best = -np.inf

    def started(self, directory: Path, frozen: dict[str, Any]) -> None:
        pass

    def epoch(self, epoch: int, scores: dict[str, float | None]) -> bool:
        value = scores["infomax"]
        fallen = value is not None and value < self.best
        self.best = max(self.best, -np.inf if value is None else value)
        return fallen


def _trace(subject: CheckedMethod, task: Task, *, pruned: bool = False) -> Trace:
    """Trace a run like a user's: every epoch evaluated, checkpoints, a logger, all rules, optionally pruning."""
    method, recorder = build(subject, task), _Recorder()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        loggers, observer = [EpochCSV(directory / "metrics.csv")], _Pruner() if pruned else None
        with suppress(Pruned):
            scorer = train(
                method, task, epochs=EPOCHS, every=1, shots=SHOTS, directory=directory, loggers=loggers,
                observer=observer, callbacks=[recorder],
            )  # fmt: skip
            if subject.is_estimator:
                recorder.keep(scorer)
    return Trace({} if subject.is_estimator else weights_of(method), recorder.predictions, recorder.scores)


def _label_free(needs: Access) -> list[str]:
    """Selection rules whose score must not depend on labels that were not granted."""
    granted = needs.source_y > NONE
    reads = {rule: selection.criterion(rule).READS for rule in selection.names() if not rule.startswith("oracle_")}
    return [rule for rule, fields in reads.items() if granted or "source_y" not in fields]


def _assert_same(subject: CheckedMethod, a: Trace, b: Trace, what: str, rows: Any = slice(None)) -> None:
    name = subject.name
    assert len(a.scores) == len(b.scores), f"{name}: {what} changed the epoch at which a label-free rule gives it up."
    for epoch, (x, y) in enumerate(zip(a.predictions, b.predictions, strict=True), 1):
        for domain in x:
            compared = rows if domain == "target_test" else slice(None)
            for p, q in zip(x[domain], y[domain], strict=True):
                assert np.array_equal(p[compared], q[compared], equal_nan=True), (
                    f"{name}: {what} changed its predictions of {domain} after epoch {epoch}."
                )
    assert same(a.weights, b.weights), f"{name}: {what} changed its weights."
    for rule in _label_free(subject.needs):
        pairs = [(x[rule], y[rule]) for x, y in zip(a.scores, b.scores, strict=True)]
        assert all(x == y for x, y in pairs), f"{name}: {what} changed the score of selection rule '{rule}'."


def spoilt_labels(task: Task, needs: Access, *, shift: bool) -> Task:
    """Corrupt all labels of a task that ``needs`` does not grant; the few granted ones are kept.

    Labels are shuffled, or shifted to the next class: then a better method has a lower accuracy.
    """
    rng = np.random.default_rng(1)

    def spoil(domain: Domain) -> Domain:
        return replace(domain, y=(domain.y + 1) % task.n_classes if shift else rng.permutation(domain.y))

    def source(split: Split) -> Split:
        return Split(spoil(split.train), None if split.test is None else spoil(split.test))

    train = task.target.train
    if needs.target_y == NONE:
        train = spoil(train)
    elif needs.target_y == FEW:
        train = _spoilt_rest(train, task.n_classes, rng)
    test = None if task.target.test is None else spoil(task.target.test)
    return replace(
        task,
        sources=tuple(source(s) if needs.source_y == NONE else s for s in task.sources),
        target=Split(train, test),
    )


def _spoilt_rest(domain: Domain, n_classes: int, rng: np.random.Generator) -> Domain:
    """Change the labels of all but the few samples, as long as the same few are chosen."""
    few = choose_few(domain, n_classes, SHOTS, 0)
    y = np.array(domain.y)
    for k in rng.permutation(np.setdiff1d(np.arange(len(y)), few)):
        other = y.copy()
        other[k] = rng.integers(n_classes)
        if np.array_equal(choose_few(replace(domain, y=other), n_classes, SHOTS, 0), few):
            y = other
    return replace(domain, y=y)


def check_withheld_labels_change_nothing(subject: CheckedMethod) -> None:
    """Wrong values of labels that were not granted leave weights, predictions and label-free scores bit-identical."""
    task = task_for(subject.needs)
    for pruned in (False, True):
        spoilt = spoilt_labels(task, subject.needs, shift=not pruned)
        first, second = (_trace(subject, t, pruned=pruned) for t in (task, spoilt))
        _assert_same(subject, first, second, "garbage in labels that it does not ask for in `needs`")


def check_test_inputs_change_nothing(subject: CheckedMethod) -> None:
    """Wrong values of every second test input leave weights and all other predictions bit-identical."""
    task = task_for(subject.needs)
    test = task.target.test
    assert test is not None
    x = test.x.copy()
    x[::2] = -7.0 * x[::2][::-1]
    spoilt = replace(task, target=Split(task.target.train, replace(test, x=x)))
    first, second = _trace(subject, task), _trace(subject, spoilt)
    _assert_same(subject, first, second, "garbage in other samples of the test split", rows=slice(1, None, 2))


class Marked(np.ndarray):
    """An array subclass that marks an array and everything indexed from it."""


def _withheld(task: Task, needs: Access) -> dict[str, np.ndarray]:
    """The arrays that a method must not be able to access, by name."""
    exam = examine(task, needs, shots=SHOTS)
    arrays = {f"labels of {name}": d.y for name, d in exam.domains.items() if d.y is not None}
    arrays["inputs of target_test"] = exam.domains["target_test"].x
    if needs.target_y < 2:
        arrays["labels of target/train"] = task.target.train.y
    if needs.source_y == NONE:
        arrays |= {f"labels of source {k}": s.train.y for k, s in enumerate(task.sources, 1)}
    return arrays


def _finds(thing: Any, withheld: dict[str, np.ndarray]) -> str | None:
    """The name of the withheld array that an object is, contains, or equals."""
    if isinstance(thing, Marked):
        return "labels that were not granted"
    if isinstance(thing, torch.Tensor):
        if thing.device.type != "cpu" or thing.layout != torch.strided or thing.dtype == torch.bfloat16:
            return None
        thing = thing.detach().numpy()
    if isinstance(thing, list | tuple) and thing and all(isinstance(v, int | float | np.generic) for v in thing):
        thing = np.array(thing)
    if not isinstance(thing, np.ndarray) or thing.dtype == object:
        return None
    for name, array in withheld.items():
        if np.may_share_memory(thing, array) or (thing.shape == array.shape and np.array_equal(thing, array)):
            return name
    return None


class _Walker(pl.Callback):
    """Follow references from the method, its data and a batch: within a step, after it, and after an evaluation."""

    def __init__(self, withheld: dict[str, np.ndarray]):
        self.withheld, self.leaks, self.batch = withheld, set[str](), None

    def look(self, trainer: pl.Trainer, method: Any) -> None:
        roots = {"method": method, "data": method.data, "batch": self.batch}
        scorers: Any = trainer.callbacks  # type: ignore[attr-defined]  # a list, as Lightning makes it
        self.follow(roots, but=(scorers, self))

    def follow(self, roots: dict[str, Any], but: tuple[Any, ...] = ()) -> None:
        """Keep the chains of references from these roots that end in what is withheld."""
        for path, thing in reachable(roots, but=but):
            name = _finds(thing, self.withheld)
            if name is not None:
                self.leaks.add(f"{path} leads to the {name}")

    def on_train_batch_start(self, trainer: pl.Trainer, method: Any, batch: Any, batch_idx: int) -> None:
        self.batch = batch

    def on_train_batch_end(self, trainer: pl.Trainer, method: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx == 0:
            self.look(trainer, method)

    def on_train_epoch_end(self, trainer: pl.Trainer, method: Any) -> None:
        self.look(trainer, method)


def check_no_reference_leads_to_what_is_withheld(subject: CheckedMethod) -> None:
    """No chain of references from a method, a batch or what was granted ends in withheld labels or test inputs.

    Raises:
        AssertionError: there is such a chain; the message has the first.
    """
    for path in references_to_withheld(subject):
        raise AssertionError(f"{subject.name}: {path}; only the evaluation may.")


def references_to_withheld(subject: CheckedMethod) -> list[str]:
    """The chains of references that end in labels or test inputs that were not granted.

    Labels that were not granted are shuffled, so that correct predictions do not equal them.
    """
    needs, rng = subject.needs, np.random.default_rng(2)
    task = spoilt_labels(task_for(needs), needs, shift=False)

    def marked(domain: Domain, granted: bool) -> Domain:
        return domain if granted else replace(domain, y=np.asarray(domain.y).view(Marked))

    def source(split: Split) -> Split:
        held = None if split.test is None else replace(split.test, y=rng.permutation(split.test.y))
        return Split(marked(split.train, needs.source_y > NONE), held)

    sources = tuple(map(source, task.sources))
    assert task.target.test is not None
    test = marked(task.target.test, False)
    task = replace(task, sources=sources, target=Split(marked(task.target.train, needs.target_y > NONE), test))
    walker = _Walker(_withheld(task, needs))
    runner = assembled(build(subject, task), task, every=1, shots=SHOTS, callbacks=[walker])
    runner.fit()
    if isinstance(runner, ClosedFormRunner):  # which has no trainer that calls back
        walker.follow({"method": runner.method, "granted": runner.granted})
    return sorted(walker.leaks)


def _weights(subject: CheckedMethod, *tasks: Task) -> Iterator[dict[str, torch.Tensor]]:
    for task in tasks:
        method = build(subject, task)
        train(method, task)
        yield weights_of(method)


@applies_if(lambda subject: not subject.is_estimator and not subject.needs.target_x and subject.needs.target_y == NONE)
def check_target_is_not_touched(subject: CheckedMethod) -> None:
    """Wrong values of target inputs leave a method that does not need them bit-identical."""
    task = task_for(subject.needs)
    spoilt = replace(task, target=replace(task.target, train=replace(task.target.train, x=task.target.train.x * -7.0)))
    assert same(*_weights(subject, task, spoilt)), (
        f"{subject.name} was changed by target inputs that it does not ask for."
    )


@applies_if(lambda subject: not subject.needs.source_x)
def check_source_is_not_touched(subject: CheckedMethod) -> None:
    """A method that does not need the source trains with a source object that raises on any access."""
    task = task_for(subject.needs)
    train(build(subject, task), task)  # the source raises when it is asked for
