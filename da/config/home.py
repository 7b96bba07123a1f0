"""The home folder, written ``~``."""

from __future__ import annotations

import os
import re
from typing import Any

HOME = re.compile(r"([=,\[:]\s*)(~[^,\]}]*)")


def quoted(override: str) -> str:
    """An override whose values that begin with ``~`` are quoted: Hydra's grammar knows the sign as "delete" only."""
    return override if {"'", '"'} & set(override) else HOME.sub(r"\1'\2'", override)


def expanded(value: Any) -> Any:
    """A configuration's value with the user's home folder in place of a leading ``~``, in lists and nodes too."""
    if isinstance(value, dict):
        return {key: expanded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [expanded(inner) for inner in value]
    return os.path.expanduser(value) if isinstance(value, str) and value.startswith("~") else value
