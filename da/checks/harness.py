"""Small, fast training runs for checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from da.checks.suite import CheckedMethod
from da.data.toy import Toy, ToyDimensions
from da.domain import Batch, Domain, Task
from da.engine import assembly
from da.engine.deep import DeepRunner
from da.engine.evaluation import Evaluator
from da.engine.observer import RunObserver
from da.engine.tracking.tracker import RunLogger
from da.methods.base import Method, Optimization
from da.nn.networks import MLP, Network, NetworkFactory
from da.setting import ALL, DIFFERENT, FEW, MANY, NONE, Access

SMALL = partial(MLP, hidden=[16], features=8)
"""The plain network of the checks."""


def normed(shape: tuple[int, ...], n_classes: int, *, dropout: float = 0.2) -> Network:
    """The network of the checks with batch normalisation and dropout."""
    first = nn.Sequential(nn.Linear(math.prod(shape), 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout))
    return Network([nn.Flatten(), first, nn.Sequential(nn.Linear(16, 8), nn.ReLU())], 8, n_classes)


NETWORKS: dict[str, NetworkFactory] = {"plain": SMALL, "with batch norm and dropout": normed}


def task_for(needs: Access, *, samples: int = 60, classes: int = 3, seed: int = 0) -> Task:
    """A small toy task that offers what ``needs`` requires; it has three sources where they are kept apart."""
    if needs.spaces == DIFFERENT:
        return ToyDimensions(samples=samples, classes=classes, split_seed=seed).load()
    task = Toy(shift="rotation", samples=samples, classes=classes, split_seed=seed).load()
    if needs.sources == MANY:
        more = (Toy(samples=samples, classes=classes, split_seed=seed + k, shift="rotation").load() for k in (10, 20))
        task = replace(task, sources=(*task.sources, *(other.sources[0] for other in more)))
    return task


def build(
    subject: CheckedMethod, task: Task, *, seed: int = 0, network: Any = None, embedding: str = "joint", **options: Any
) -> Any:
    """A method ready to be trained, from equal seeds equal weights; estimators get a logistic regression."""
    return assembly.build(
        subject.new(**options),
        task,
        network=network or SMALL,
        classifier=LogisticRegression(max_iter=1000),
        optimization=Optimization(partial(torch.optim.Adam, lr=0.01)),
        embedding=embedding,
        seed=seed,
    )


def train(method: Any, task: Task, *, resume: Path | None = None, **options: Any) -> Evaluator:
    """Train on the CPU, put together as users' runs are; returns the evaluation.

    Args:
        method: a built method.
        task: the training task.
        resume: a checkpoint to go on from.
        options: of :func:`assembled`.
    """
    return assembled(method, task, **options).fit(resume)


def assembled(
    method: Any,
    task: Task,
    *,
    seed: int = 0,
    epochs: int = 2,
    steps: int = 3,
    batch_size: int = 16,
    shots: int = 3,
    every: int | None = None,
    directory: Path | None = None,
    loggers: Sequence[RunLogger] = (),
    observer: RunObserver | None = None,
    callbacks: Sequence[pl.Callback] = (),
    **keywords: Any,
) -> assembly.Runner:
    """A run on the CPU, put together as users' runs are.

    Args:
        method: a built method.
        task: the training task.
        seed: of the order of samples.
        epochs: of ``steps`` steps each.
        steps: number of steps of an epoch.
        batch_size: samples per domain and step.
        shots: labelled target samples per class, where few are needed.
        every: epochs between evaluations; None evaluates after the last alone.
        directory: where checkpoints go; None keeps none.
        loggers: are given the metrics of every evaluated epoch.
        observer: is told of every evaluated epoch.
        callbacks: Lightning's, called right after the evaluation; closed-form methods have no trainer that calls them.
        keywords: of Lightning's ``Trainer``.
    """
    settings = assembly.Settings(batch_size, steps, shots, every or epochs, seed)
    fixed = {"accelerator": "cpu", "max_epochs": epochs, "enable_progress_bar": False}
    runner = assembly.assemble(
        method, task, settings, directory=directory, trainer=fixed | keywords, loggers=loggers, observer=observer
    )
    if isinstance(runner, DeepRunner):
        runner.trainer.callbacks[1:1] = callbacks  # type: ignore[attr-defined]  # a list, as Lightning makes it
    return runner


def batch_for(needs: Access, task: Task, sizes: tuple[int, int, int] = (5, 7, 3)) -> Batch:
    """A batch of the given numbers of source, target and labelled samples, as granted by ``needs``."""
    target = task.target.train
    few = np.concatenate([np.flatnonzero(target.y == c)[:1] for c in range(task.n_classes)])

    def part(domain: Domain, index: Any, labels: bool) -> Domain:
        chosen = domain.take(index)
        return (chosen if labels else chosen.without_labels()).tensors()

    domains: dict[str, Any] = {}
    if needs.source_x:
        domains["sources"] = tuple(part(s.train, np.arange(sizes[0]), needs.source_y > NONE) for s in task.sources)
    if needs.target_x or needs.target_y == ALL:
        domains["target"] = part(target, np.arange(sizes[1]), needs.target_y == ALL)
    if needs.target_y == FEW:
        domains["labelled"] = part(target, np.resize(few, sizes[2]), True)
    return Batch(**domains)


def stirred(method: Method, scale: float = 0.05) -> Method:
    """Perturb a method's trainable parameters, so that a teacher and its student are not equal by initialisation."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(scale * noise.to(parameter.device))
    return method


def encoders_of(method: Method) -> list[nn.Module]:
    """Every trainable encoder: modules whose name ends in ``encoder``."""
    named = [module for name, module in method.named_modules() if name.endswith("encoder")]
    return [module for module in named if any(p.requires_grad for p in module.parameters())]


def weights_of(method: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of all parameters and buffers."""
    return {name: value.detach().clone() for name, value in method.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of weights are bit-identical."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
