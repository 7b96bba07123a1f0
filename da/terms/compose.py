"""Methods with further terms in their loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from da.config import catalog
from da.config.terms import node_of
from da.domain import Batch, Domain, Withheld
from da.errors import ConfigError
from da.methods.base import Embedded, Method, Phase, Spec, Terms
from da.setting import NONE, Access
from da.terms.base import Term

CUT = "the term does not need it"


def made(config: Mapping[str, Any]) -> dict[str, Term]:
    """The terms of a validated configuration by name; none where it adds none."""
    return {
        name: catalog.factory(node_of(config, name), where=f"term.{name}", group="term")()
        for name in config.get("terms", ())
    }


def with_terms(method: Method, terms: Mapping[str, Term]) -> Method:
    """Add terms to a method's loss; without terms the method stays what it is.

    Args:
        method: fresh from its constructor; it is changed, and its class becomes one derived from it.
        terms: by the name under which their values are recorded.
    """
    if terms:
        own = type(method)
        words = {"__module__": own.__module__, "__doc__": own.__doc__}
        method.__class__ = type("+".join([own.__name__, *terms]), (WithTerms, own), words)
        cast(WithTerms, method).added = nn.ModuleDict(terms)
    return method


class WithTerms(Method):
    """Mixed into a method's class: its loss has further terms.

    They are added to the first phase of a step that updates the encoder (the whole network, where the encoder has no
    parameters), in each of its repetitions. They see the embeddings that this phase computes; a domain that it does not
    embed is embedded once for all terms. Terms of weight 0 are not computed.

    Raises:
        ConfigError: (``build``) the method updates no part of its network, so that terms would have no effect.
    """

    added: nn.ModuleDict
    hosts: frozenset[str]
    seen: dict[int, Embedded] | None = None

    def build(self, spec: Spec) -> None:
        super().build(spec)
        for term in self.active.values():
            with torch.random.fork_rng(devices=[]):  # what the method draws is what it draws without terms
                term.build(self.network.features, spec.n_classes)
        learnt = {id(p) for p in (list(self.network.encoder.parameters()) or self.network.parameters())}
        groups = super().groups()
        self.hosts = frozenset(name for name, ps in groups.items() if learnt & set(map(id, ps)))
        if not self.hosts:
            raise ConfigError(f"{type(self).__name__} updates no network that terms could act on; leave out `terms`.")

    @property
    def active(self) -> dict[str, Term]:
        """The terms with a weight."""
        terms = {name: cast(Term, term) for name, term in self.added.items()}
        return {name: term for name, term in terms.items() if term.weight}

    def groups(self) -> Mapping[str, Iterable[nn.Parameter]]:
        groups, own = super().groups(), list(self.added.parameters())
        if not own:
            return groups
        kept = {name: list(parameters) for name, parameters in groups.items()}
        there = {id(p) for parameters in kept.values() for p in parameters}
        first = next(name for name in kept if name in self.hosts)
        kept[first] += [p for p in own if id(p) not in there]
        return kept

    def phases(self, progress: float) -> list[Phase]:
        phases = super().phases(progress)
        for number, phase in enumerate(phases):
            if self.hosts & set(phase.groups):
                phases[number] = replace(phase, terms=partial(self.all_terms, phase.terms))
                break
        return phases

    def all_terms(self, own: Any, batch: Batch, progress: float) -> Terms:
        """The terms of a phase and the added ones, weighted."""
        active = self.active
        if not active:
            return cast(Terms, own(batch, progress))
        with self.watched() as seen:
            terms: Terms = own(batch, progress)
            self.complete(batch, seen, [term.needs for term in active.values()])
            for name, term in active.items():
                value = term(*self.shares(batch, seen, term.needs), progress)
                terms[f"added_{name}" if name in terms else name] = term.weight * value
        return terms

    @contextmanager
    def watched(self) -> Iterator[dict[int, Embedded]]:
        """Keep what is embedded meanwhile with gradients, by the domain's identity."""
        self.seen = {}
        try:
            yield self.seen
        finally:
            self.seen = None

    def embed(self, domain: Domain, encoder: Any = None) -> Embedded:
        embedded = super().embed(domain, encoder)
        self.note((domain,), (embedded,))
        return embedded

    def embed_pair(self, batch: Batch) -> tuple[Embedded, Embedded]:
        pair = super().embed_pair(batch)
        if len(batch.sources) == 1:
            self.note((batch.source, batch.target), pair)
        return pair

    def note(self, domains: Iterable[Domain], embedded: Iterable[Embedded]) -> None:
        """Keep the first embedding of each domain through which gradients pass."""
        if self.seen is not None:
            for domain, one in zip(domains, embedded, strict=True):
                if one.logits.requires_grad:
                    self.seen.setdefault(id(domain), one)

    def complete(self, batch: Batch, seen: Mapping[int, Embedded], needs: Iterable[Access]) -> None:
        """Embed the domains that terms need and that the method did not embed."""
        needs = list(needs)
        sources = batch.sources if any(need.source_x for need in needs) else ()
        target = any(map(sees_target, needs))
        lacking = [domain for domain in sources if id(domain) not in seen]
        if target and id(batch.target) not in seen:
            if len(sources) == 1 and lacking:
                self.embed_pair(batch)
                return
            lacking.append(batch.target)
        for domain in lacking:
            self.embed(domain)

    def shares(self, batch: Batch, seen: Mapping[int, Embedded], needs: Access) -> tuple[Embedded, Embedded]:
        """Source and target as a term may see them; several sources as one."""
        source: Any = Withheld("source", CUT)
        target: Any = Withheld("target", CUT)
        if needs.source_x:
            source = labelled(pooled([seen[id(domain)] for domain in batch.sources]), needs.source_y > NONE)
        if sees_target(needs):
            target = labelled(seen[id(batch.target)], needs.target_y > NONE)
        return source, target


def sees_target(needs: Access) -> bool:
    """Whether a term is given the target's share of a batch."""
    return needs.target_x or needs.target_y > NONE


def labelled(embedded: Embedded, granted: bool) -> Embedded:
    """A share of a batch with its labels, or without."""
    return embedded if granted else embedded._replace(y=None)


def pooled(parts: list[Embedded]) -> Embedded:
    """Several embedded domains as one; labels and weights are kept only if all have them."""
    if len(parts) == 1:
        return parts[0]

    def rows(values: tuple[Tensor | None, ...]) -> Tensor | None:
        there = [value for value in values if value is not None]
        return torch.cat(there) if len(there) == len(values) else None

    return Embedded(*map(rows, zip(*parts, strict=True)))  # type: ignore[arg-type]  # features and logits are there
