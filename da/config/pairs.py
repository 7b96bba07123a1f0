"""``data.pairs``: sweep over pairs of a data set's domains as source and target, and over several targets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any

from da.config import catalog, rows
from da.config.validate import validate
from da.errors import ConfigError, Incompatible, nearest

if TYPE_CHECKING:
    from da.config.compose import Composer

KEY, TARGET, SOURCE = "data.pairs", "data.target", "data.source"
ORDERS = ("both", "forward", "backward")
KEYS = ("of", "order", "exclude")


def asks(key: str) -> bool:
    """Whether a key sets ``data.pairs``."""
    return key == KEY or key.startswith(f"{KEY}.")


def spread(composer: Composer, job: list[str]) -> list[list[str]]:
    """Expand a run to one for each pair of ``data.pairs`` and each of several targets; otherwise return it alone.

    Raises:
        ConfigError: the pairs are misspelt, or the data have no domains to pair.
    """
    wanted = {text: o for text, o in zip(job, composer.parse(job), strict=True) if asks(o.key_or_group)}
    if not wanted:
        return _targets(composer, job)
    rest = [text for text in job if text not in wanted]
    fixed = {key: text for text, o in zip(rest, composer.parse(rest), strict=True) for key in _keys(o)}
    for key in (SOURCE, TARGET):
        if key in fixed:
            raise ConfigError(f"{next(iter(wanted))} sets data.source and data.target; leave out {fixed[key]}.")
    options = _options([(o.key_or_group, o.value()) for o in wanted.values()])
    try:
        plan = validate(composer.compose(rest), domains_follow=True)
    except Incompatible:
        return [rest]  # the error does not depend on the pair, and is reported once
    pairs = _pairs(options, _domains(plan.config["data"], plan.data, options.get("of")))
    return [[*rest, rows.override(SOURCE, source), rows.override(TARGET, target)] for source, target in pairs]


def _targets(composer: Composer, job: list[str]) -> list[list[str]]:
    for k, override in enumerate(composer.parse(job)):
        if override.key_or_group == TARGET and isinstance(override.value(), list):
            if not override.value():
                raise ConfigError("data.target=[] names no target; give one, or several for a run each.")
            return [[*job[:k], rows.override(TARGET, target), *job[k + 1 :]] for target in override.value()]
    return [job]


def _keys(override: Any) -> list[str]:
    from da.config.compose import flat

    return [key for key, _ in flat(override)]


def _options(settings: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The options of pairs from ``data.pairs=all``, ``data.pairs={...}`` and ``data.pairs.KEY=...``."""
    options: dict[str, Any] = {}
    for key, value in settings:
        if key != KEY:
            options[key.removeprefix(f"{KEY}.")] = value
        elif isinstance(value, dict):
            options |= value
        elif value in ORDERS:
            options["order"] = value
        elif value != "all":
            raise ConfigError(f"{KEY}={value} is unknown; {nearest(str(value), ['all', *ORDERS])}")
    for key in options:
        if key not in KEYS:
            raise ConfigError(f"There is no key '{KEY}.{key}'; {nearest(str(key), KEYS)}")
    if options.get("order", "both") not in ORDERS:
        raise ConfigError(f"{KEY}.order={options['order']} is unknown; {nearest(str(options['order']), ORDERS)}")
    return options


def _domains(node: dict[str, Any], entry: catalog.Entry, named: Any) -> list[Any]:
    """The domains to pair: the named ones, or all domains of the data."""
    data = catalog.build(node, where="data")
    known = list(data.domains()) if hasattr(data, "domains") else None
    if named in (None, "all"):
        if known is None:
            raise ConfigError(f"data={entry.name} cannot say which domains there are; name them: {KEY}.of=[A,B,...].")
        return known
    listed = list(named) if isinstance(named, list) else [named]
    for name in listed if known is not None else ():
        if name not in (known or ()):
            raise ConfigError(f"{KEY}.of names '{name}'; {nearest(str(name), map(str, known or ()))}")
    if len(set(listed)) < max(2, len(listed)):
        raise ConfigError(f"{KEY}.of={listed} must name two domains or more, each once.")
    return listed


def _pairs(options: dict[str, Any], domains: Sequence[Any]) -> list[tuple[Any, Any]]:
    """All pairs in the requested order, without excluded ones."""
    order, place = options.get("order", "both"), {name: k for k, name in enumerate(domains)}
    pairs = [
        (a, b) for a, b in permutations(domains, 2) if order == "both" or (place[a] < place[b]) == (order == "forward")
    ]
    excluded = options.get("exclude") or []
    for item in excluded if isinstance(excluded, list) else [excluded]:
        remaining = [pair for pair in pairs if not _names(item, pair)]
        if len(remaining) == len(pairs):
            raise ConfigError(
                f"{KEY}.exclude names '{item}', which is none of the pairs; write SOURCE:TARGET, or a domain, of "
                f"{', '.join(map(str, domains))}."
            )
        pairs = remaining
    if not pairs:
        raise ConfigError(f"{KEY} leaves no pair; exclude fewer.")
    return pairs


def _names(item: Any, pair: tuple[Any, Any]) -> bool:
    """Whether ``a:b`` or ``[a, b]`` is the pair, or a name is one of its two domains."""
    if isinstance(item, list):
        return tuple(map(str, item)) == tuple(map(str, pair))
    return str(item) in (f"{pair[0]}:{pair[1]}", f"{pair[0]}->{pair[1]}", *map(str, pair))
