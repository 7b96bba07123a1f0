"""What the tests of deep methods share: a built method and a batch, who gets a gradient, and which updates a step makes."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from da.checks.harness import batch_for, build, task_for, train
from da.checks.suite import CheckedMethod, checks_for
from da.domain import Batch, Task
from da.methods.base import Method, Optimization


def subject(made: Callable[..., Method]) -> CheckedMethod:
    return CheckedMethod(made.__name__, made, made.needs)


def case(
    made: Callable[..., Method],
    *,
    sizes: tuple[int, int, int] = (9, 7, 4),
    classes: int = 3,
    network: Any = None,
    **options: Any,
) -> tuple[Any, Batch]:
    """A built method, its parameters moved off what they start at, and a batch of unequal sizes."""
    task = task_for(made.needs, classes=classes)
    method = build(subject(made), task, network=network, **options)
    stir(method)
    return method, batch_for(made.needs, task, sizes)


def stir(module: nn.Module, scale: float = 0.1) -> None:
    """Move every parameter a little, so that nothing is zero or equal by its start alone."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))


def gradients(value: Tensor, over: nn.Module | Iterable[Tensor]) -> list[Tensor]:
    """The gradient over each parameter; zeros where none arrives."""
    parameters = list(over.parameters() if isinstance(over, nn.Module) else over)
    if not value.requires_grad:
        return [torch.zeros_like(p) for p in parameters]
    found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]


def reaches(value: Tensor, over: nn.Module | Iterable[Tensor]) -> bool:
    """Whether any parameter gets a gradient that is not zero."""
    return any(bool(g.abs().max() > 0) for g in gradients(value, over))


def assert_same_gradients(
    ours: Tensor, expected: Tensor, over: nn.Module | Iterable[Tensor], factor: float = 1.0
) -> None:
    """``ours`` moves every parameter as ``factor`` times ``expected`` does: value alone does not show what is detached."""
    parameters = list(over.parameters() if isinstance(over, nn.Module) else over)
    for a, b in zip(gradients(ours, parameters), gradients(expected, parameters), strict=True):
        torch.testing.assert_close(a, factor * b, rtol=1e-4, atol=1e-7)


def updates(made: Callable[..., Method], *, steps: int = 1, epochs: int = 1, **options: Any) -> dict[str, int]:
    """How often each group of parameters is stepped while training, by its name."""
    counts: dict[int, int] = {}

    class Counting(torch.optim.SGD):
        def step(self, *arguments: Any, **keywords: Any) -> Any:
            counts[id(self.param_groups[0]["params"][0])] += 1
            return super().step(*arguments, **keywords)

    def make(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        optimizer = Counting(parameters, lr=0.01)
        counts[id(optimizer.param_groups[0]["params"][0])] = 0
        return optimizer

    task: Task = task_for(made.needs)
    method = build(subject(made), task, **options)
    method.optimization = Optimization(make)
    train(method, task, steps=steps, epochs=epochs)
    return {name: counts[id(next(iter(list(parameters))))] for name, parameters in method.groups().items()}


def assert_terms_see_all_processes(method: Method, batch: Batch) -> None:
    """Terms are computed on the rows of all processes: a second process that brings the first row again counts."""

    whole = batch.each(lambda _, part: part.take(torch.tensor([*range(len(part)), 0])))
    expected = [phase.terms(whole, 0.5) for phase in method.phases(0.5)]
    method.gather = lambda value: None if value is None else torch.cat([value, value[:1]])
    for phase, terms in zip(method.phases(0.5), expected, strict=True):
        for name, value in phase.terms(batch, 0.5).items():
            torch.testing.assert_close(value, terms[name], msg=lambda text, name=name: f"{name}: {text}")


def holds(made: Callable[..., Method], *titles: str) -> None:
    """The common checks of these titles pass; a method's own test names those that its equation rests on."""
    checks = dict(checks_for(subject(made)))
    for title in titles:
        checks[title](subject(made))


WHOLE_TRAINING = ("epochs_do_not_matter_to_schedules", "progress_never_falls", "encoders_embed_in_training_mode")
"""Schedules of the whole training's progress, and both domains embedded in training mode."""
