"""Networks with pretrained weights: a run must state which weights, or explicitly choose random ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from da.config import catalog
from da.errors import ConfigError, few
from da.files import LATER, RANDOM
from da.nn.weights import enumeration, find_file, published
from da.signatures import evaluate, find

GROUPS = ("network", "features")


class Given(NamedTuple):
    """The value of a parameter that takes weights.

    Args:
        key: of the parameter, as on the command line.
        value: the value in the configuration, or None.
        names: the enumeration of the names of published weights, if there is one.
    """

    key: str
    value: Any
    names: str


def refuse_silence(config: Mapping[str, Any]) -> None:
    """Refuse a network that would be initialised at random without an explicit choice.

    Raises:
        ConfigError: no weights are given, or random ones together with others.
    """
    for group in GROUPS:
        places = list(_given(config.get(group) or {}, group))
        stated = [place for place in places if place.value is not None]
        if places and not stated:
            last = places[-1]  # the network itself, within the node that uses it
            names = f" or a published name ({few(published(last.names))})" if last.names else ""
            raise ConfigError(
                f"No weights are given for '{group}', which would begin from random ones: give {last.key}=FILE (a "
                f"state dict){names}, or {last.key}={RANDOM} if that is meant."
            )
        if len({place.value == RANDOM for place in stated}) > 1:
            both = " and ".join(f"{place.key}={place.value}" for place in stated)
            raise ConfigError(f"{both} contradict each other; leave one of them out.")


def find_files(config: Mapping[str, Any]) -> None:
    """Locate the files of all weights that a run will read, before its data are loaded.

    Raises:
        ConfigError: one is missing.
    """
    for group in GROUPS:
        for place in _given(config.get(group) or {}, group):
            if place.value not in (None, RANDOM):
                find_file(place.value, place.names, place.key)


def without_files(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node that builds the same modules without reading a file: for weights that are loaded afterwards."""
    signature = find(str(node["_target_"]))
    known = {} if signature is None else signature.keywords()
    kept = dict(node)
    for name, value in node.items():
        annotation = known[name].annotation if name in known else ""
        if isinstance(value, Mapping) and "_target_" in value:
            kept[name] = without_files(value)
        elif value is not None and "Weights" in annotation.split(" | "):
            kept[name] = value if value == RANDOM else LATER
        elif value is not None and "File" in annotation:
            kept[name] = None
    return kept


def _given(node: Mapping[str, Any], where: str) -> Iterator[Given]:
    """Yield the parameters that take weights, of a node and of the nodes within it."""
    if "_target_" not in node:
        return
    signature = catalog.resolve(str(node["_target_"]), where)
    known = signature.keywords()
    template = evaluate(signature.constants["names"], {}) if "names" in signature.constants else ""
    options = {name: node.get(name, parameter.default) for name, parameter in known.items()}
    for name, parameter in known.items():
        if "Weights" in parameter.annotation.split(" | "):
            yield Given(f"{where}.{name}", node.get(name), enumeration(template, **options))
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from _given(value, f"{where}.{name}")
