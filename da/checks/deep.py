"""Checks of Lightning methods."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from da.checks.subject import Subject, applies_if
from da.checks.trial import batch_for, build, same, task_for, train, weights_of
from da.domain import Domain, Split, Task
from da.inference import predict
from da.methods.base import Method, Terms
from da.setting import NONE, SETTINGS

HALFWAY = 0.5


def _encoder_parameters(method: Method) -> list[torch.nn.Parameter]:
    return [p for name, module in method.named_modules() if name.endswith("encoder") for p in module.parameters()]


def _all_terms(
    method: Method, subject: Subject, task: Task, sizes: tuple[int, int, int]
) -> list[tuple[tuple[str, ...], Terms]]:
    batch = batch_for(subject.needs, task, sizes)
    return [(phase.groups, phase.terms(batch, HALFWAY)) for phase in method.phases(HALFWAY)]


def _trained(subject: Subject, *tasks: Task) -> Iterator[dict[str, torch.Tensor]]:
    """Weights after the same training on each task."""
    for task in tasks:
        method = build(subject, task)
        train(method, task)
        yield weights_of(method)


def check_constructor_only_stores(subject: Subject) -> None:
    """Modules that depend on data appear in `build`, so that a fresh method has no parameters."""
    method = subject.new()
    assert not list(method.parameters()), f"{subject.name} makes parameters in its constructor; move them to `build`."


def check_search_space_holds_defaults(subject: Subject) -> None:
    """Every searched hyper-parameter exists, and its default lies in the range."""
    method = subject.new()
    for name, searched in method.space.items():
        assert hasattr(method, name), f"{subject.name}.space names '{name}', which the constructor does not store."
        assert getattr(method, name) in searched, (
            f"{subject.name}.{name}={getattr(method, name)} lies outside its own space."
        )


def check_terms_are_finite_scalars_of_stable_names(subject: Subject) -> None:
    """The same names at every step, each a finite scalar."""
    task = task_for(subject.needs)
    method = build(subject, task)
    first = _all_terms(method, subject, task, (16, 16, 3))
    second = _all_terms(method, subject, task, (8, 8, 3))
    assert [list(t) for _, t in first] == [list(t) for _, t in second], (
        f"{subject.name} changes the names of its terms."
    )
    for _, terms in first:
        for name, value in terms.items():
            assert value.ndim == 0, (
                f"Term '{name}' of {subject.name} has shape {tuple(value.shape)}; reduce it to a scalar."
            )
            assert torch.isfinite(value), f"Term '{name}' of {subject.name} is {value.item()}."


def check_every_term_moves_the_features(subject: Subject) -> None:
    """A transfer term whose phase updates the encoder has a gradient there, also for unequal batches."""
    task = task_for(subject.needs)
    method = build(subject, task)
    groups = {name: list(parameters) for name, parameters in method.groups().items()}
    encoder = {id(p) for p in _encoder_parameters(method)}
    assert encoder, f"{subject.name} has no encoder."
    for stepped, terms in _all_terms(method, subject, task, (9, 6, 3)):
        updated = [p for name in stepped for p in groups[name]]
        moving = [p for p in updated if id(p) in encoder] or updated
        for name, value in terms.items():
            gradients = torch.autograd.grad(value, moving, retain_graph=True, allow_unused=True)
            largest = max((float(g.abs().max()) for g in gradients if g is not None), default=0.0)
            assert largest > 1e-9, f"Term '{name}' of {subject.name} does not reach the features: its gradient is zero."


def check_any_batch_and_any_number_of_classes(subject: Subject) -> None:
    """Unequal batches, batches of two, two classes and eleven."""
    for classes in (2, 11):
        task = task_for(subject.needs, classes=classes, samples=80)
        method = build(subject, task)
        for sizes in ((5, 9, 3), (9, 5, 2), (2, 2, 2)):
            for _, terms in _all_terms(method, subject, task, sizes):
                for name, value in terms.items():
                    assert torch.isfinite(value), f"Term '{name}' of {subject.name} is {value} for batches of {sizes}."


def check_withheld_labels_change_nothing(subject: Subject) -> None:
    """Garbage in labels that were not granted leaves the weights bit-identical."""
    task = task_for(subject.needs)
    rng = np.random.default_rng(1)

    def garbage(split: Split, train_too: bool) -> Split:
        def spoil(domain: Domain) -> Domain:
            return replace(domain, y=rng.permutation(domain.y))

        test = None if split.test is None else spoil(split.test)
        return Split(spoil(split.train) if train_too else split.train, test)

    spoilt = replace(
        task,
        sources=tuple(garbage(s, subject.needs.source_y == NONE) for s in task.sources),
        target=garbage(task.target, subject.needs.target_y == NONE),
    )
    assert same(*_trained(subject, task, spoilt)), (
        f"{subject.name} was changed by labels that it does not ask for in `needs`."
    )


def check_same_seed_same_weights(subject: Subject) -> None:
    """Seed 0 is a seed; another seed gives other weights."""
    task = task_for(subject.needs)
    found = []
    for seed in (0, 0, 1):
        method = build(subject, task, seed=seed)
        train(method, task, seed=seed)
        found.append(weights_of(method))
    assert same(found[0], found[1]), f"{subject.name} gives two results for one seed."
    assert not same(found[0], found[2]), f"{subject.name} does not depend on the seed."


def check_saved_weights_predict_the_same(subject: Subject) -> None:
    """`state_dict` holds all that prediction needs."""
    task = task_for(subject.needs)
    method = build(subject, task)
    train(method, task)
    copy = build(subject, task, seed=5)
    copy.load_state_dict(weights_of(method))
    method._trainer = copy._trainer = None
    pairs = zip(predict(method, task.target.train), predict(copy, task.target.train), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs), (
        f"{subject.name} predicts differently after loading its state_dict."
    )


def check_resumed_equals_uninterrupted(subject: Subject) -> None:
    """Stopped after one of two epochs and resumed, the weights are bit-identical to those of one go."""
    task = task_for(subject.needs)
    whole = build(subject, task)
    train(whole, task, epochs=2)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        interrupted = build(subject, task)
        _stop_after_one_epoch(interrupted, task, directory)
        resumed = build(subject, task, seed=9)
        train(resumed, task, epochs=2, directory=directory, resume=directory / "last.ckpt")
    assert same(weights_of(whole), weights_of(resumed)), f"{subject.name} does not resume to the same weights."


def _stop_after_one_epoch(method: Method, task: Task, directory: Path) -> None:
    """Train with a budget of two epochs, of which the second is cut short."""

    class Cut(Exception):
        pass

    def cut() -> None:
        if method.steps_done >= 3:
            raise Cut

    hook = method.on_train_epoch_start

    def start() -> None:
        hook()
        cut()

    method.on_train_epoch_start = start  # type: ignore[method-assign]  # a hook of this instance alone
    try:
        train(method, task, epochs=2, directory=directory)
    except Cut:
        return
    raise AssertionError("The run was not cut.")


def _is_single_phase_transductive(subject: Subject) -> bool:
    made = subject.new()
    one_phase = type(made).phases is Method.phases
    return subject.needs == SETTINGS["transductive"] and hasattr(made, "weight") and one_phase


@applies_if(_is_single_phase_transductive)
def check_weight_zero_is_source_only(subject: Subject) -> None:
    """With its transfer term switched off a method is the baseline."""
    from da.methods.transductive.source_only import SourceOnly

    task = task_for(subject.needs)
    off = build(subject, task, weight=0.0)
    train(off, task)
    baseline = build(Subject("source_only", SourceOnly, SourceOnly.needs), task)
    train(baseline, task)
    for a, b in zip(off.network.parameters(), baseline.network.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-4), f"{subject.name} with weight=0 differs from source-only."


def check_finite_in_bf16(subject: Subject) -> None:
    """Mixed precision gives finite weights."""
    task = task_for(subject.needs)
    method = build(subject, task)
    train(method, task, precision="bf16-mixed")
    for name, value in weights_of(method).items():
        assert torch.isfinite(value.float()).all(), f"{subject.name}: '{name}' is not finite in bf16-mixed."


@applies_if(lambda subject: not subject.needs.source_x)
def check_source_is_not_touched(subject: Subject) -> None:
    """A method that does not ask for the source trains with a source object that raises on any touch."""
    task = task_for(subject.needs)
    train(build(subject, task), task)  # PairedData hands out a Withheld source


@applies_if(lambda subject: not subject.needs.target_x and subject.needs.target_y == NONE)
def check_target_is_not_touched(subject: Subject) -> None:
    """Garbage target inputs leave a method bit-identical that does not ask for them."""
    task = task_for(subject.needs)
    spoilt = replace(task, target=replace(task.target, train=replace(task.target.train, x=task.target.train.x * -7.0)))
    assert same(*_trained(subject, task, spoilt)), (
        f"{subject.name} was changed by target inputs that it does not ask for."
    )
