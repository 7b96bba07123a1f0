"""Storage for what lazily read inputs are read from, which no domain holds a reference to.

Paths of images contain their classes, and one array may hold the rows of every split; a domain that a method is given
holds a :class:`Key` instead, by which this module finds them.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary


class Key:
    """Key to stored content, which is deleted with the key."""

    __slots__ = ("__weakref__",)


_KEPT: WeakKeyDictionary[Key, Any] = WeakKeyDictionary()


def keep(content: Any) -> Key:
    """Store some content and return its key."""
    key = Key()
    _KEPT[key] = content
    return key


def kept(key: Key) -> Any:
    """The content stored under a key."""
    return _KEPT[key]
