"""What inputs that are read on access are read from, kept where no domain leads to it.

Paths of images name their classes, and one array may hold the rows of every split; a domain that a method is handed
carries a :class:`Key` instead, which stands for them in this module.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary


class Key:
    """Stands for what is kept, which lasts as long as it."""

    __slots__ = ("__weakref__",)


_KEPT: WeakKeyDictionary[Key, Any] = WeakKeyDictionary()


def keep(content: Any) -> Key:
    """A key to some content."""
    key = Key()
    _KEPT[key] = content
    return key


def kept(key: Key) -> Any:
    """The content of a key."""
    return _KEPT[key]
