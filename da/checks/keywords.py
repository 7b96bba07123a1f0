"""The keywords of a class against those of its YAML."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

WORDS = {"true", "false", "null", "yes", "no", "on", "off"}


def difference(make: Callable[..., Any], config: Mapping[str, Any], file: str) -> str | None:
    """What a YAML says otherwise than the constructor, with the lines to write, in a sentence; None where they agree.

    Args:
        make: the class, with a default for each keyword.
        config: content of its YAML.
        file: what the YAML is called.
    """
    own = {name: parameter.default for name, parameter in inspect.signature(make).parameters.items()}
    given = {key: value for key, value in config.items() if key != "_target_"}
    bare = [name for name, default in own.items() if default is inspect.Parameter.empty]
    if bare:
        return f"'{bare[0]}' of {make.__name__} has no default; give it one, and repeat it in {file}."
    missing = [line(name, default) for name, default in own.items() if name not in given]
    if missing:
        return f"{file} lacks what the constructor takes; add {' and '.join(missing)} to {file}."
    strange = sorted(given.keys() - own.keys())
    if strange:
        return f"{file} has '{strange[0]}', which the constructor does not take; remove that line."
    unequal = [name for name, default in own.items() if given[name] != default]
    if unequal:
        name = unequal[0]
        return (
            f"{file} says {line(name, given[name])}, and the constructor {line(name, own[name])}; make them equal, by "
            f"{line(name, own[name])} in {file} or the other default in the constructor."
        )
    return None


def line(name: str, value: Any) -> str:
    """A line of YAML, in backquotes."""
    plain = isinstance(value, str) and value.isidentifier() and value.lower() not in WORDS
    return f"`{name}: {value if plain else json.dumps(value, default=repr)}`"
