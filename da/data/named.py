"""Helpers of data sets whose domains have fixed names: check the names, and assemble a transductive task."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from da.data.splits import check_fraction, hold_out
from da.domain import Domain, Split, Task
from da.errors import ConfigError, nearest


def check_names(source: str | Sequence[str], target: str, known: Collection[str]) -> list[str]:
    """Check the names of sources and target, and return the sources' as a list.

    Args:
        source: one name or several.
        target: another name.
        known: all valid names.

    Raises:
        ConfigError: a name is unknown or given twice, or a domain is adapted to itself, whose target labels would be
            the source's.
    """
    sources = [source] if isinstance(source, str) else list(source)
    if not sources:
        raise ConfigError(f"data.source is empty; name at least one of {', '.join(sorted(known))}.")
    for key, name in (*(("source", name) for name in sources), ("target", target)):
        if name not in known:
            raise ConfigError(f"data.{key}='{name}' is unknown; {nearest(name, known)}")
    if sources == [target]:
        raise ConfigError(f"data.source and data.target are both '{target}'; name two different domains.")
    if target in sources:
        raise ConfigError(f"data.source holds the target '{target}'; leave it out.")
    if len(set(sources)) < len(sources):
        raise ConfigError(f"data.source={sources} names a domain twice; name each once.")
    return sources


def transductive_task(
    sources: Sequence[Domain],
    target: Domain,
    classes: tuple[str, ...],
    *,
    validation_fraction: float = 0.0,
    split_seed: int = 0,
) -> Task:
    """A task that trains and tests on all of the target; a part of each source may be held out for validation.

    Args:
        sources: labelled domains.
        target: labelled for the test.
        classes: names of the labels.
        validation_fraction: fraction of each source that is held out, stratified; 0 is none.
        split_seed: seed of that split.

    Raises:
        ConfigError: the fraction is outside [0, 1).
    """
    check_fraction("validation_fraction", validation_fraction)
    return Task(
        name=f"{'+'.join(source.name for source in sources)}->{target.name}",
        sources=tuple(hold_out(source, validation_fraction, split_seed) for source in sources),
        target=Split(target, target),
        classes=classes,
        transductive=True,
    )
