"""Renamed keys, options and keywords: old spellings are refused with the new one, and what has them is read as if new.

A command line or a file that people write is refused with one word more to type; records and committed tables, which
nobody writes by hand, are read with the new names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from da.errors import nearest

RENAMED: dict[str, str] = {
    f"da.results.tracking.{name}": f"da.engine.tracking.{name}" for name in ("none", "csv", "tensorboard", "wandb")
}
"""The new spelling by the old one, as on the command line: ``key``, ``group.key``, ``group=option`` or ``key=value``,
or the path of a ``_target_``.

An entry is added when a name changes and removed one release later; no other code has old names.
"""

COMMON = {"components": "n_components", "neighbors": "n_neighbors", "seed": "random_state", "tolerance": "tol"}
KEYWORDS: dict[str, dict[str, str]] = {
    **{f"da.estimators.{family}.": COMMON for family in ("labelling", "subspace", "transport", "weighting")},
    "da.estimators.boosting.": COMMON | {"rounds": "n_estimators"},
    "da.estimators.labelling.dasvm.": {"iterations": "max_iter"},
    "da.estimators.weighting.kmm.": {"tolerance": "slack", "accuracy": "tol"},
    "da.estimators.weighting.mmd_target_shift.": {"tolerance": "slack"},
}
"""New keywords of classes by the old ones, by what the class's path begins with; of several the longest counts.

An entry stays as long as records of the old name are read (:data:`da.results.schema.MIGRATIONS`).
"""


def hint(name: str, known: Iterable[str], *, prefix: str = "", path: str = "") -> str:
    """Advice on a name that does not exist: its new name, or the nearest existing one.

    Args:
        name: the name in the configuration.
        known: the names that exist.
        prefix: text before the name in a spelling, such as ``method.`` or ``network=``.
        path: of the class whose keyword it would be.
    """
    new = keywords(path).get(name)
    return now(f"{prefix}{name}") or (f"it is now {prefix}{new}." if new else nearest(name, known))


def now(*spellings: str) -> str:
    """A sentence with the new name of the first spelling that was renamed; empty if none was."""
    return next((f"it is now {RENAMED[spelling]}." for spelling in spellings if spelling in RENAMED), "")


@cache
def keywords(path: str) -> Mapping[str, str]:
    """The new keywords of a class by the old ones."""
    found: dict[str, str] = {}
    for beginning in sorted(KEYWORDS, key=len):
        if path.startswith(beginning):
            found |= KEYWORDS[beginning]
    return found


@cache
def _old_keywords(path: str) -> Mapping[str, str]:
    return {new: old for old, new in keywords(path).items()}


def current(config: Any, path: str = "") -> Any:
    """A configuration with the present keywords, and equal to the given one where none was renamed.

    Args:
        config: nested, as a record holds it.
        path: of the class whose keywords it holds, where it does not say so by ``_target_``.
    """
    return _respelt(config, path, keywords)


def earlier(config: Any, path: str = "") -> Any:
    """The configuration with the keywords that :func:`current` replaces: what a run of old names was called by."""
    return _respelt(config, path, _old_keywords)


def _respelt(config: Any, path: str, names: Callable[[str], Mapping[str, str]]) -> Any:
    if isinstance(config, list):
        return [_respelt(part, path, names) for part in config]
    if not isinstance(config, Mapping):
        return config
    own = names(str(config.get("_target_", path)))
    inner = "" if "_target_" in config else path
    return {own.get(key, key): _respelt(part, inner, names) for key, part in config.items()}


def current_flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """A flat configuration, its keys as on the command line, with the present keywords."""

    def name(key: str) -> str:
        group, dot, last = key.rpartition(".")
        return f"{group}{dot}{keywords(str(config.get(f'{group}._target_', ''))).get(last, last)}"

    return {name(key): value for key, value in config.items()}
