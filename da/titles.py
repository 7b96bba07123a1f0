"""How runs are called in messages: as on a command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from da import catalog
from da.config import Plan


def title(plan: Plan) -> str:
    """The choices of a run, with the keys that are not at their defaults."""
    return called(plan.config, plan.method, plan.data)


def called(config: Mapping[str, Any], method: catalog.Entry, data: catalog.Entry) -> str:
    """As :func:`title`, of a configuration whose entries are known."""
    words = []
    parts = [("method", method), ("data", data)]
    if config.get("features") is not None:
        parts.append(("features", _entry("features", config["features"])))
    for group, entry in parts:
        changed = _changed(config[group], entry.config)
        words += [f"{group}={entry.name}", *(f"{group}.{key}={value}" for key, value in changed.items())]
    return " ".join([*words, f"seed={config['seed']}"])


def _entry(group: str, node: Mapping[str, Any]) -> catalog.Entry:
    """Of the entries that make the node's class, the one that the node differs least from."""
    first = catalog.entry_of(group, node["_target_"])
    alike = [entry for entry in catalog.entries(group).values() if entry.path == first.path]
    return min(alike, key=lambda entry: len(_changed(node, entry.config)))


def _changed(node: Mapping[str, Any], default: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Keys whose values are not the default's, those of parts with dots; of a part of another class all."""
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
