"""For a method's own tests: a built method and a batch, who gets a gradient, and which updates a step makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from da.checks.harness import batch_for, build, task_for, train
from da.checks.suite import CheckedMethod
from da.domain import Batch, Task
from da.methods.base import Method, Optimization


def subject(made: type[Method]) -> CheckedMethod:
    """A class under check."""
    return CheckedMethod(made.__name__, made, made.needs)


def case(
    made: type[Method],
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
    """Assert that ``ours`` moves every parameter as ``factor`` times ``expected`` does.

    Values alone do not show what is detached.
    """
    parameters = list(over.parameters() if isinstance(over, nn.Module) else over)
    for a, b in zip(gradients(ours, parameters), gradients(expected, parameters), strict=True):
        torch.testing.assert_close(a, factor * b, rtol=1e-4, atol=1e-7)


def updates(made: type[Method], *, steps: int = 1, epochs: int = 1, **options: Any) -> dict[str, int]:
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
