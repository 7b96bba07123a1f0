"""Old spellings of keys and options, refused with the new one for one release."""

from __future__ import annotations

from collections.abc import Iterable

from da.errors import nearest

RENAMED: dict[str, str] = {}
"""The new spelling by the old one, as on the command line: ``key``, ``group.key``, ``group=option`` or ``key=value``.

An entry is added when a name changes and removed one release later; nothing else knows of old names.
"""


def hint(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """What to write instead of a name that does not exist: what it is called now, or the nearest that exists.

    Args:
        name: as it was typed.
        known: the names that exist.
        prefix: what stands before the name in a spelling, such as ``method.`` or ``network=``.
    """
    return now(f"{prefix}{name}") or nearest(name, known)


def now(*spellings: str) -> str:
    """What the first of some spellings that was renamed is called now, in a sentence; empty where none was."""
    return next((f"it is now {RENAMED[spelling]}." for spelling in spellings if spelling in RENAMED), "")
