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
        parts.append(("features", catalog.entry_of("features", config["features"]["_target_"])))
    for group, entry in parts:
        changed = {k: v for k, v in config[group].items() if k != "_target_" and v != entry.config.get(k)}
        words += [f"{group}={entry.name}", *(f"{group}.{key}={value}" for key, value in changed.items())]
    return " ".join([*words, f"seed={config['seed']}"])
