"""Titles of runs in messages, in the form of a command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from da.config import catalog
from da.config.validate import Plan
from da.errors import ConfigError
from da.results.scores import brief, digits_apart

Setting = tuple[str, Any]
"""A key as on the command line, and its value."""


def run_title(plan: Plan) -> str:
    """The choices of a run, and its keys that are not at their defaults, in full."""
    return title_of(plan.config, plan.method, plan.data)


def title_of(config: Mapping[str, Any], method: catalog.Entry, data: catalog.Entry) -> str:
    """As :func:`run_title`, for a configuration whose entries are known."""
    return _text([*_chosen_settings(config, method, data), ("seed", config["seed"])])


def brief_title(plan: Plan) -> str:
    """As :func:`run_title`, with numbers to three significant digits: other runs may have the same one."""
    settings = [*_chosen_settings(plan.config, plan.method, plan.data), ("seed", plan.config["seed"])]
    return " ".join(f"{key}={brief(value)}" for key, value in settings)


def distinct_titles(plans: Sequence[Plan]) -> list[str]:
    """Unique titles of several runs, their numbers with three significant digits or as many as tell runs apart.

    Runs with equal titles also have the keys in which they differ.
    """
    settings = [_chosen_settings(plan.config, plan.method, plan.data) for plan in plans]
    alike: dict[str, list[int]] = {}
    for place, (plan, words) in enumerate(zip(plans, settings, strict=True)):
        alike.setdefault(_text([*words, ("seed", plan.config["seed"])]), []).append(place)
    for places in alike.values():
        if len(places) > 1:
            differences = _differences([plans[place].config for place in places])
            for place, words in zip(places, differences, strict=True):
                settings[place] = [*settings[place], *words]
    values: dict[str, list[Any]] = {}
    for key, value in (pair for words in settings for pair in words):
        values.setdefault(key, []).append(value)
    digits = {key: digits_apart(found) for key, found in values.items()}
    return [
        " ".join([*(f"{key}={brief(value, digits[key])}" for key, value in words), f"seed={plan.config['seed']}"])
        for plan, words in zip(plans, settings, strict=True)
    ]


def _text(settings: Sequence[Setting]) -> str:
    return " ".join(f"{key}={value}" for key, value in settings)


def _chosen_settings(config: Mapping[str, Any], method: catalog.Entry, data: catalog.Entry) -> list[Setting]:
    """Method, data and features of a configuration, each with its keys that are not at their defaults."""
    words: list[Setting] = []
    parts = [("method", method), ("data", data)]
    if config.get("features") is not None:
        parts.append(("features", entry_for("features", config["features"])))
    for group, entry in parts:
        changed = _changed(config[group], entry.config)
        words += [(group, entry.name), *((f"{group}.{key}", value) for key, value in changed.items())]
    return words


def _differences(configs: Sequence[Mapping[str, Any]]) -> list[list[Setting]]:
    """The settings that are not equal in all configurations."""
    words: list[list[Setting]] = [[] for _ in configs]
    for key in dict.fromkeys(key for config in configs for key in config):
        values = [config.get(key) for config in configs]
        if all(value == values[0] for value in values):
            continue
        nodes = [value for value in values if isinstance(value, Mapping)]
        if len(nodes) == len(values) and len({node.get("_target_") for node in nodes}) == 1:
            differing = [[(f"{key}.{word}", value) for word, value in inner] for inner in _differences(nodes)]
        else:
            differing = [_chosen(key, value) for value in values]
        words = [[*before, *more] for before, more in zip(words, differing, strict=True)]
    return words


def _chosen(key: str, value: Any) -> list[Setting]:
    """A value, or for a node its entry and the keys that are not at the entry's defaults."""
    if not isinstance(value, Mapping) or "_target_" not in value:
        return [(key, "null" if value is None else value)]
    try:
        entry = entry_for(key, value)
    except ConfigError:  # a class that no YAML names
        return [(key, str(value["_target_"]).rpartition(".")[2])]
    return [(key, entry.name), *((f"{key}.{k}", v) for k, v in _changed(value, entry.config).items())]


def entry_for(group: str, node: Mapping[str, Any]) -> catalog.Entry:
    """Of the entries with the node's class, the one that the node differs least from."""
    first = catalog.entry_of(group, node["_target_"])
    alike = [entry for entry in catalog.entries(group).values() if entry.path == first.path]
    return min(alike, key=lambda entry: len(_changed(node, entry.config)))


def _changed(node: Mapping[str, Any], default: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys whose values are not the defaults, or all keys of an inner node of another class."""
    changed: dict[str, Any] = {}
    for key, value in node.items():
        usual = default.get(key)
        if isinstance(value, Mapping) and isinstance(usual, Mapping) and value.get("_target_") == usual.get("_target_"):
            changed |= _changed(value, usual, f"{prefix}{key}.")
        elif isinstance(value, Mapping) and "_target_" in value:
            changed[f"{prefix}{key}"] = str(value["_target_"]).rpartition(".")[2]
            changed |= _changed(value, {}, f"{prefix}{key}.")
        elif key != "_target_" and value != usual:
            changed[f"{prefix}{key}"] = value
    return changed
