"""Support for ``~``, the home folder, in configurations."""

from __future__ import annotations

import os
import re
from typing import Any

HOME = re.compile(r"([=,\[:]\s*)(~[^,\]}]*)")


def quoted(override: str) -> str:
    """Quote values that begin with ``~`` in an override, as it means "delete" in Hydra's grammar."""
    return override if {"'", '"'} & set(override) else HOME.sub(r"\1'\2'", override)


def expanded(value: Any) -> Any:
    """Replace a leading ``~`` by the user's home folder in a value, also within lists and nodes."""
    if isinstance(value, dict):
        return {key: expanded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [expanded(inner) for inner in value]
    return os.path.expanduser(value) if isinstance(value, str) and value.startswith("~") else value
