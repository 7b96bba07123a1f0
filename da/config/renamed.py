"""Renamed keys and options: the old spellings are refused with the new one for one release."""

from __future__ import annotations

from collections.abc import Iterable

from da.errors import nearest

RENAMED: dict[str, str] = {
    f"da.results.tracking.{name}": f"da.engine.tracking.{name}" for name in ("none", "csv", "tensorboard", "wandb")
}
"""The new spelling by the old one, as on the command line: ``key``, ``group.key``, ``group=option`` or ``key=value``,
or the path of a ``_target_``.

An entry is added when a name changes and removed one release later; no other code has old names.
"""


def hint(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Advice on a name that does not exist: its new name, or the nearest existing one.

    Args:
        name: the name in the configuration.
        known: the names that exist.
        prefix: text before the name in a spelling, such as ``method.`` or ``network=``.
    """
    return now(f"{prefix}{name}") or nearest(name, known)


def now(*spellings: str) -> str:
    """A sentence with the new name of the first spelling that was renamed; empty if none was."""
    return next((f"it is now {RENAMED[spelling]}." for spelling in spellings if spelling in RENAMED), "")
