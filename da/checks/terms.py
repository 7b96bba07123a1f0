"""Checks of terms: alone, on embedded batches, and within the loss of a plain method."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from da.checks import constructor, deep, gradients, keywords, training, withheld
from da.checks.harness import NETWORKS, batch_for, build, same, task_for, train, weights_of
from da.checks.suite import Check, CheckedMethod, CheckedTerm
from da.domain import Batch, Withheld
from da.methods.base import Embedded, Method, Terms
from da.setting import ALL, FEW, NONE, Access, Labels
from da.terms.base import Term
from da.terms.compose import sees_target, with_terms

FEATURES, SIZES = 8, ((9, 6), (6, 9), (2, 2))
WITHIN = (deep, gradients, training, withheld)
"""Modules whose checks of methods hold for a method with the term, too."""
HALFWAY = 0.5


class Plain(Method):
    """The method that terms are checked in: both domains embedded, and the task loss of the source alone."""

    needs = Access(source_y=ALL, target_x=True)

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, _ = self.embed_pair(batch)
        return {"task": cross_entropy(source.logits, source.y)}


class PlainWithLabels(Plain):
    """The same for terms that need the labels of the target."""

    needs = Access(source_y=ALL, target_x=True, target_y=ALL)


def within(subject: CheckedTerm) -> CheckedMethod:
    """The plain method with the term, as a subject of the checks of methods; its keywords are the term's."""
    host = PlainWithLabels if subject.needs.target_y > NONE else Plain
    searched = type(host.__name__, (host,), {"search_space": getattr(subject.make, "search_space", {})})

    def make(**options: Any) -> Method:
        return with_terms(searched(), {subject.name: subject.new(**options)})

    make.__signature__ = inspect.signature(subject.make)  # type: ignore[attr-defined]  # a function may carry attributes
    return CheckedMethod(f"the term {subject.name}", make, host.needs, subject.options)


def checks(subject: CheckedTerm) -> Iterator[tuple[str, Check]]:
    """Yield names and functions of the checks of a term: those of this module, and those of methods that apply."""
    exempt = getattr(subject.make, "exempt", {})
    own = {name: function for name, function in globals().items() if name.startswith("check_")}
    for module in WITHIN:
        for name, function in vars(module).items():
            if name.startswith("check_") and getattr(function, "applies", lambda _: True)(within(subject)):
                own.setdefault(name, partial(_within, function))
    for name, function in own.items():
        if (title := name.removeprefix("check_")) not in exempt:
            yield title, function


def _within(check: Check, subject: CheckedTerm) -> None:
    check(within(subject))


def _shares(
    subject: CheckedTerm, sizes: tuple[int, int], classes: int = 3, scale: float = 1.0
) -> tuple[Embedded, Embedded]:
    """Source and target as the term is given them, with features and logits that gradients arrive at."""
    generator = torch.Generator().manual_seed(5)
    needs = subject.needs

    def share(n: int, seen: bool, labels: Labels, name: str) -> Any:
        z, logits = (
            (scale * torch.randn(n, width, generator=generator)).requires_grad_() for width in (FEATURES, classes)
        )
        y = torch.arange(n) % classes if labels > NONE else None
        return Embedded(z, logits, y, None) if seen else Withheld(name, "the term does not need it")

    source = share(sizes[0], needs.source_x, needs.source_y, "source")
    return source, share(sizes[1], sees_target(needs), needs.target_y, "target")


def _value(subject: CheckedTerm, shares: tuple[Embedded, Embedded], progress: float = HALFWAY) -> Tensor:
    torch.manual_seed(0)
    term: Term = subject.new()
    given = next(share for share in shares if not isinstance(share, Withheld))
    term.build(given.z.shape[1], given.logits.shape[1])
    try:
        value: Tensor = term(*shares, progress)
    except PermissionError as error:
        raise AssertionError(f"The term {subject.name} looks at what its `needs` do not have: {error}") from error
    return value


def check_needs_are_of_a_batch(subject: CheckedTerm) -> None:
    """A term needs the source's or the target's share of a batch, and of the target all labels or none."""
    needs = subject.needs
    assert needs.source_x or sees_target(needs), f"The term {subject.name} needs neither source nor target."
    assert needs.target_y != FEW, (
        f"The term {subject.name} needs few target labels, which are no part of what terms see; write a method."
    )


def check_search_space_holds_defaults(subject: CheckedTerm) -> None:
    """Every searched hyper-parameter exists, and its default is in the search space."""
    constructor.check_search_space_holds_defaults(
        CheckedMethod(f"the term {subject.name}", subject.make, subject.needs)
    )


def check_the_yaml_repeats_the_constructor(subject: CheckedTerm) -> None:
    """The YAML has every keyword of the constructor with its default, among them ``weight``."""
    assert "weight" in inspect.signature(subject.make).parameters, (
        f"The term {subject.name} takes no `weight`; give its constructor one, and hand it on: "
        "super().__init__(weight=weight)."
    )
    if subject.config is not None:
        wrong = keywords.difference(subject.make, subject.config, f"conf/term/{subject.name}.yaml")
        assert wrong is None, wrong


def check_every_keyword_has_an_effect(subject: CheckedTerm) -> None:
    """Another value of any keyword changes the training of the plain method with the term."""
    constructor.check_every_keyword_has_an_effect(within(subject))


def check_constructor_only_stores(subject: CheckedTerm) -> None:
    """Modules that depend on data are created in `build`; the weight is stored."""
    term = subject.new(weight=0.125)
    assert not list(term.parameters()), f"{subject.name} makes parameters in its constructor; move them to `build`."
    assert term.weight == 0.125, f"The term {subject.name} does not keep its weight: super().__init__(weight=weight)."


def check_it_reaches_the_features_of_each_domain(subject: CheckedTerm) -> None:
    """The value is a finite scalar that moves each domain the term needs, for batches of any sizes and classes."""
    for classes in (2, 3, 11):
        for sizes in SIZES:
            shares = _shares(subject, sizes, classes)
            value = _value(subject, shares)
            assert value.ndim == 0, f"The term {subject.name} has shape {tuple(value.shape)}; reduce it to a scalar."
            assert torch.isfinite(value), f"The term {subject.name} is {value} for batches of {sizes}."
            for name, share in zip(("source", "target"), shares, strict=True):
                assert isinstance(share, Withheld) or _largest(value, share) > 0.0, (
                    f"The term {subject.name} does not reach the features of the {name}, which it needs: its gradient "
                    f"is zero, for batches of {sizes} and {classes} classes."
                )


def _largest(value: Tensor, share: Embedded) -> float:
    """The largest gradient over a share's features and logits."""
    if not value.requires_grad:
        return 0.0
    found = torch.autograd.grad(value, [share.z, share.logits], retain_graph=True, allow_unused=True)
    return max((float(g.abs().max()) for g in found if g is not None), default=0.0)


def check_gradients_are_finite(subject: CheckedTerm) -> None:
    """Also of features and predictions that are all equal, all zero, or very large."""
    for scale in (0.0, 1.0, 1e3):
        drawn = _shares(subject, (9, 6), scale=scale)
        equal: Any = tuple(share if isinstance(share, Withheld) else _alike(share) for share in drawn)
        for shares in (drawn, equal):
            value = _value(subject, shares)
            for share in shares:
                finite = isinstance(share, Withheld) or torch.isfinite(torch.tensor(_largest(value, share)))
                assert torch.isfinite(value) and finite, (
                    f"The term {subject.name} or its gradient is not finite for features "
                    f"{'that are all equal' if shares is equal else f'of size {scale:g}'}."
                )


def _alike(share: Embedded) -> Embedded:
    """The share with its first row in place of all others."""
    rows = (part.detach()[:1].expand_as(part).clone().requires_grad_() for part in (share.z, share.logits))
    return share._replace(**dict(zip(("z", "logits"), rows, strict=True)))


def check_weight_zero_is_the_method_alone(subject: CheckedTerm) -> None:
    """With weight 0 the plain method has the weights that it has without the term, bit for bit."""
    joined = within(subject)
    off = replace(joined, options=joined.options | {"weight": 0.0})
    alone = CheckedMethod("alone", PlainWithLabels if subject.needs.target_y > NONE else Plain, joined.needs)
    task = task_for(joined.needs)
    for network in NETWORKS.values():
        left = []
        for made in (alone, off):
            method = build(made, task, network=network)
            train(method, task)
            left.append(weights_of(method))
        assert same(*left), f"The term {subject.name} with weight 0 changes the method that it is added to."


def check_labels_it_does_not_need_are_withheld(subject: CheckedTerm) -> None:
    """The value on a batch does not depend on labels that `needs` does not have."""
    joined = within(subject)
    task = task_for(joined.needs)
    method = build(joined, task)
    method.eval()
    batch = batch_for(joined.needs, task, (9, 6, 3))
    granted = {"source": subject.needs.source_y > NONE, "target": subject.needs.target_y > NONE}

    def spoilt(name: str, part: Any) -> Any:
        known = granted["source" if name.startswith("source") else name]
        return part if known or part.y is None else replace(part, y=(part.y + 1) % task.n_classes)

    values = [method.phases(HALFWAY)[0].terms(b, HALFWAY)[subject.name] for b in (batch, batch.each(spoilt))]
    assert torch.equal(*values), f"The term {subject.name} depends on labels that its `needs` do not have."
