"""Titles of runs in messages, in the form of a command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from da.config import catalog
from da.config.validate import Plan
from da.errors import ConfigError


def run_title(plan: Plan) -> str:
    """The choices of a run, and its keys that are not at their defaults."""
    return title_of(plan.config, plan.method, plan.data)


def title_of(config: Mapping[str, Any], method: catalog.Entry, data: catalog.Entry) -> str:
    """As :func:`run_title`, for a configuration whose entries are known."""
    words = []
    parts = [("method", method), ("data", data)]
    if config.get("features") is not None:
        parts.append(("features", _entry("features", config["features"])))
    for group, entry in parts:
        changed = _changed(config[group], entry.config)
        words += [f"{group}={entry.name}", *(f"{group}.{key}={value}" for key, value in changed.items())]
    return " ".join([*words, f"seed={config['seed']}"])


def distinct_titles(plans: Sequence[Plan]) -> list[str]:
    """Unique titles of several runs: runs with equal titles also have the keys in which they differ."""
    titles = [run_title(plan) for plan in plans]
    alike: dict[str, list[int]] = {}
    for place, text in enumerate(titles):
        alike.setdefault(text, []).append(place)
    for text, places in alike.items():
        if len(places) > 1:
            begin, _, seed = text.rpartition(" seed=")
            differences = _differences([plans[place].config for place in places])
            for place, words in zip(places, differences, strict=True):
                titles[place] = " ".join([begin, *words, f"seed={seed}"])
    return titles


def _differences(configs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The settings that are not equal in all configurations, in the form of a command line."""
    words: list[list[str]] = [[] for _ in configs]
    for key in dict.fromkeys(key for config in configs for key in config):
        values = [config.get(key) for config in configs]
        if all(value == values[0] for value in values):
            continue
        nodes = [value for value in values if isinstance(value, Mapping)]
        if len(nodes) == len(values) and len({node.get("_target_") for node in nodes}) == 1:
            differing = [[f"{key}.{word}" for word in inner] for inner in _differences(nodes)]
        else:
            differing = [_chosen(key, value) for value in values]
        words = [[*before, *more] for before, more in zip(words, differing, strict=True)]
    return words


def _chosen(key: str, value: Any) -> list[str]:
    """A value, or for a node its entry and the keys that are not at the entry's defaults."""
    if not isinstance(value, Mapping) or "_target_" not in value:
        return [f"{key}={'null' if value is None else value}"]
    try:
        entry = _entry(key, value)
    except ConfigError:  # a class that no YAML names
        return [f"{key}={str(value['_target_']).rpartition('.')[2]}"]
    return [f"{key}={entry.name}", *(f"{key}.{k}={v}" for k, v in _changed(value, entry.config).items())]


def _entry(group: str, node: Mapping[str, Any]) -> catalog.Entry:
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
