"""The command line that repeats a run, from its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from da.config import arguments
from da.config.compose import compose
from da.config.rows import written
from da.config.titles import entry_for
from da.config.validate import GROUPS
from da.errors import ConfigError

MACHINERY = ("launcher", "sweep", "rerun", "logger")
"""What changes neither a run's result nor where it lies."""

ALWAYS = ("method", "data")
"""Choices that a command names even where they are the defaults."""


def command(config: Mapping[str, Any], seeds: Sequence[int] = ()) -> str:
    """The command line, for a shell, that runs a configuration again: all numbers in full, defaults left out.

    Args:
        config: of a run, as its record holds it.
        seeds: to run it with each of them; with its own by default.

    Raises:
        ConfigError: no file in ``conf`` names the method or the data any more.
    """
    asked = list(seeds) or [config["seed"]]
    words = [word for word in overrides(config) if not word.startswith("seed=")]
    words.append(f"seed={','.join(map(str, asked))}")
    return arguments.command(["-m", *words] if len(asked) > 1 else words)


def overrides(config: Mapping[str, Any]) -> list[str]:
    """The overrides that :func:`da.config.compose.compose` turns into a configuration.

    Raises:
        ConfigError: no file in ``conf`` names the method or the data any more.
    """
    wanted = {key: value for key, value in config.items() if key not in MACHINERY}
    default = _composed(())
    choices = [
        f"{group}={name}"
        for group in (*GROUPS, "features")
        if (name := _entry(group, wanted.get(group))) and (group in ALWAYS or name != _entry(group, default.get(group)))
    ]
    usual = _composed(tuple(choices))
    asked = {key: usual[key] for key in usual if key in wanted}  # what a method has no use for stands in no record
    return [*choices, *_differences(asked, wanted)]


def _entry(group: str, node: Any) -> str:
    """The entry that a node comes from; empty for no node, or a class that a group's file does not name."""
    if not isinstance(node, Mapping):
        return ""
    try:
        return entry_for(group, node).name
    except ConfigError:
        if group in ALWAYS:
            raise
        return ""


@lru_cache(maxsize=64)
def _composed(choices: tuple[str, ...]) -> dict[str, Any]:
    return compose(choices)


def _differences(usual: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Overrides that lead from one mapping to another."""
    for key, value in wanted.items():
        full = f"{prefix}{key}"
        if key not in usual:
            yield f"+{full}={written(value)}"
        elif isinstance(value, Mapping) and isinstance(usual[key], Mapping):
            yield from _differences(usual[key], value, f"{full}.")
        elif value != usual[key]:
            yield f"{full}={written(value)}"
    yield from (f"~{prefix}{key}" for key in usual if key not in wanted)
