"""Checks of gradients: which terms, domains and discriminators update which parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from da.checks.harness import NETWORKS, batch_for, build, encoders_of, stirred, task_for
from da.checks.suite import CheckedMethod
from da.domain import Batch, Domain, Task
from da.methods.base import Method, Phase, Terms
from da.nn.heads import Discriminator

HALFWAY = 0.5
SIZES = (9, 6, 3)


def _case(subject: CheckedMethod, network: Any = None) -> tuple[Method, Task]:
    """A built method with perturbed parameters, so that none are equal by their initialisation."""
    task = task_for(subject.needs)
    return stirred(build(subject, task, network=network)), task


def _stepped(method: Method, phase: Phase) -> list[nn.Parameter]:
    """The parameters that a phase updates."""
    groups = {name: list(parameters) for name, parameters in method.groups().items()}
    return [p for name in phase.groups for p in groups[name] if p.requires_grad]


def _gradients(value: Tensor, over: list[Any]) -> list[Tensor]:
    if not (value.requires_grad and over):
        return [torch.zeros_like(p) for p in over]
    gradients = torch.autograd.grad(value, over, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(gradients, over, strict=True)]


def _largest(gradients: list[Tensor]) -> float:
    return max((float(g.abs().max()) for g in gradients if g.numel()), default=0.0)


def check_every_term_moves_the_features(subject: CheckedMethod) -> None:
    """A transfer term whose phase updates the encoder has a gradient there, also for batches of different sizes."""
    method, task = _case(subject)
    encoder = {id(p) for module in encoders_of(method) for p in module.parameters()}
    assert encoder, f"{subject.name} has no encoder; a module whose name ends in 'encoder' gives the features."
    batch = batch_for(subject.needs, task, SIZES)
    for phase in method.phases(HALFWAY):
        updated = _stepped(method, phase)
        moving = [p for p in updated if id(p) in encoder] or updated
        for name, value in phase.terms(batch, HALFWAY).items():
            assert not phase.groups or _largest(_gradients(value, moving)) > 1e-9, (
                f"Term '{name}' of {subject.name} does not reach the features: its gradient is zero."
            )


def check_every_domain_moves_the_features(subject: CheckedMethod) -> None:
    """If a domain affects the gradient of a term, the term also has a gradient through this domain's features.

    A domain whose features are detached, or which only reaches the head, changes the values of a term, but its features
    are not trained. Where a paper intends that, the class has an entry in ``exempt``.
    """
    method, task = _case(subject)
    inside = {id(p) for module in encoders_of(method) for p in module.parameters()}
    names = list(dict.fromkeys(map(_domain_of, batch_for(subject.needs, task).parts())))
    for number, phase in enumerate(method.phases(HALFWAY)):
        if not any(id(p) in inside for p in _stepped(method, phase)):
            continue
        updated = _stepped(method, phase)
        for domain in names:
            batches = batch_for(subject.needs, task, SIZES), _other(subject, task, domain)
            before, after = (_terms_and_gradients(method, batch, number, updated) for batch in batches)
            shares = _shares(method, batches[0], number, domain)
            for term in before:
                decides = any(not torch.equal(a, b) for a, b in zip(before[term], after[term], strict=True))
                assert not decides or shares[term] > 1e-9, (
                    f"Term '{term}' of {subject.name} depends on the {domain}, whose features it does not move: they "
                    "are detached, or embedded without gradients."
                )


def _other(subject: CheckedMethod, task: Task, domain: str) -> Batch:
    """The batch of the other checks, with other samples of one domain."""
    batch = batch_for(subject.needs, task, SIZES)

    def moved(name: str, part: Domain) -> Domain:
        return replace(part, x=part.x.flip(0) * 1.5 + 0.25) if _domain_of(name) == domain else part

    return batch.each(moved)


def _domain_of(name: str) -> str:
    """The domain that a part of a batch belongs to: ``source0`` and ``source1`` are the source."""
    return "source" if name.startswith("source") else name


def _seeded(terms: Callable[[Batch, float], Terms], batch: Batch) -> Terms:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return terms(batch, HALFWAY)


def _terms_and_gradients(
    method: Method, batch: Batch, number: int, over: list[nn.Parameter]
) -> dict[str, list[Tensor]]:
    terms = _seeded(method.phases(HALFWAY)[number].terms, batch)
    return {name: _gradients(value, over) for name, value in terms.items()}


def _shares(method: Method, batch: Batch, number: int, domain: str) -> dict[str, float]:
    """The largest gradient of each term with respect to a domain's inputs, through an encoder."""

    def followed(name: str, part: Domain) -> Domain:
        return replace(part, x=part.x.clone().requires_grad_()) if _domain_of(name) == domain else part

    batch = batch.each(followed)
    inputs = [part.x for name, part in batch.parts().items() if _domain_of(name) == domain]
    with _entries(encoders_of(method)) as entries:
        terms = _seeded(method.phases(HALFWAY)[number].terms, batch)
    largest = {}
    for name, value in terms.items():
        largest[name] = 0.0
        for entry, gradient in zip(entries, _gradients(value, entries), strict=True):
            if _largest([gradient]) > 0.0:
                shares = torch.autograd.grad(entry, inputs, gradient, retain_graph=True, allow_unused=True)
                largest[name] = max(largest[name], _largest([share for share in shares if share is not None]))
    return largest


@contextmanager
def _entries(encoders: list[nn.Module]) -> Iterator[list[Tensor]]:
    """Record the tensors passed to the encoders within the context; each becomes a node of its own in the graph."""
    entered: list[Tensor] = []

    def enter(module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        first = arguments[0].view_as(arguments[0])
        if torch.is_grad_enabled() and first.requires_grad:
            entered.append(first)
        return (first, *arguments[1:])

    first_blocks = [next(iter(encoder.children()), encoder) for encoder in encoders]
    hooks = [block.register_forward_pre_hook(enter) for block in first_blocks]
    try:
        yield entered
    finally:
        for hook in hooks:
            hook.remove()


def check_adversaries_are_fought(subject: CheckedMethod) -> None:
    """The encoder's step against a discriminator raises the discriminator's loss, whose own step lowers it.

    Applies to every module that is a :class:`~da.nn.heads.Discriminator` or has that name (or critic), if a gradient
    passes through it to an encoder.
    """
    for network in NETWORKS.values():
        method, task = _case(subject, network)
        method.eval()  # the same function before and after: no batch statistics, no dropout
        batch = batch_for(subject.needs, task, (24, 20, 3))
        inside = {id(p): p for module in encoders_of(method) for p in module.parameters()}
        for name, rival in _rivals(method):
            _check_rival(subject, method, batch, inside, name, list(rival.parameters()))


def _rivals(method: Method) -> list[tuple[str, nn.Module]]:
    return [
        (name, module)
        for name, module in method.named_modules()
        if isinstance(module, Discriminator) or name.split(".")[-1].endswith(("discriminator", "critic"))
    ]


def _check_rival(
    subject: CheckedMethod,
    method: Method,
    batch: Batch,
    inside: dict[int, nn.Parameter],
    name: str,
    own: list[nn.Parameter],
) -> None:
    phases = method.phases(HALFWAY)

    def loss() -> float:
        return sum(float(_seeded(phase.terms, batch)[term].detach()) for phase, term in learns)

    learns, fights = [], []
    for phase in phases:
        stepped = {id(p) for p in _stepped(method, phase)}
        for term, value in _seeded(phase.terms, batch).items():
            through = _largest(_gradients(value, own)) > 0.0
            if through and any(id(p) in stepped for p in own):
                learns.append((phase, term))
            moved = [p for k, p in inside.items() if k in stepped]
            if through and _largest(_gradients(value, moved)) > 0.0:
                fights.append((phase, term, moved))
    if not (learns and fights):
        return  # the features are not trained against it
    start = loss()
    for phase, term, moved in fights:
        with _moved(moved, _gradients(_seeded(phase.terms, batch)[term], list(moved))):
            assert loss() > start, (
                f"{subject.name}: the encoder's step on term '{term}' helps '{name}', which it should confuse."
            )
    for phase, term in learns:
        with _moved(own, _gradients(_seeded(phase.terms, batch)[term], list(own))):
            assert loss() < start, f"{subject.name}: the step of '{name}' on its own term '{term}' raises its loss."


@contextmanager
def _moved(parameters: list[nn.Parameter], gradients: list[Tensor], length: float = 1e-3) -> Iterator[None]:
    """Take a short step of gradient descent within the context, and undo it afterwards."""
    norm = float(torch.sqrt(sum(g.double().square().sum() for g in gradients)))  # type: ignore[arg-type]  # a sum of tensors
    with torch.no_grad():
        originals = [p.clone() for p in parameters]
        for p, g in zip(parameters, gradients, strict=True):
            p.sub_(length / max(norm, 1e-12) * g)
    try:
        yield
    finally:
        with torch.no_grad():
            for p, old in zip(parameters, originals, strict=True):
                p.copy_(old)


def check_encoders_embed_in_training_mode(subject: CheckedMethod) -> None:
    """An encoder that receives gradients has its batch norm and dropout in training mode, for every domain."""
    method, task = _case(subject, NETWORKS["with batch norm and dropout"])
    batch = batch_for(subject.needs, task, SIZES)
    wrong: set[str] = set()

    def look(name: str, module: nn.Module, arguments: Any) -> None:
        if torch.is_grad_enabled() and not module.training:
            wrong.add(name)

    hooks = [
        module.register_forward_pre_hook(partial(look, name))
        for encoder in encoders_of(method)
        for name, module in encoder.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.Dropout)
    ]
    method.train()
    for phase in method.phases(HALFWAY):
        phase.terms(batch, HALFWAY)
        assert not wrong, f"{subject.name} embeds in evaluation mode what it learns from (block {min(wrong)})."
    for hook in hooks:
        hook.remove()
    assert np.all([m.training for m in method.modules() if isinstance(m, nn.Dropout)]), (
        f"{subject.name} leaves the network in evaluation mode."
    )
