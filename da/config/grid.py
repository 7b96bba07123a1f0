"""The runs of a command line: combinations of values, rows of a file, pairs of domains."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from da.config import arguments, pairs, rows
from da.errors import ConfigError

if TYPE_CHECKING:
    from da.config.compose import Composer

MOST = 100_000  # runs of one command line: more is a mistake, and would take hours to list
RUNS = "runs"


def single(composer: Composer, words: list[str]) -> list[str]:
    """The single run of a command line without ``-m``.

    Raises:
        ConfigError: it has several runs.
    """
    for text, override in zip(words, composer.parse(words), strict=True):
        key, listed = override.key_or_group, not override.is_sweep_override() and isinstance(override.value(), list)
        _refuse_hydras(override)
        if override.is_sweep_override():
            _values(composer, override)  # raises an error on anything else that is wrong with them
        if override.is_sweep_override() or pairs.asks(key) or key == RUNS or (key == pairs.TARGET and listed):
            raise ConfigError(
                f"{text} asks for several runs; several values need -m: {arguments.command(['-m', *words])}"
            )
    return words


def jobs(composer: Composer, words: list[str]) -> list[list[str]]:
    """Every combination of a command line with ``-m``, each as the overrides of one run.

    Raises:
        ConfigError: a key is swept twice or without values, or there are far too many runs.
    """
    axes: list[list[list[str]]] = []
    files: list[rows.RunRows] = []
    for override in composer.parse(words):
        _refuse_hydras(override)
        if override.key_or_group == RUNS:
            files += [rows.read(name) for name in _names(composer, override)]
        elif override.is_sweep_override():
            axes.append([[text] for text in _values(composer, override)])
        else:
            axes.append([[override.input_line]])
    if files:
        axes.append([row for file in files for row in file.runs])
    _refuse_twice(composer, axes, swept=axes[-1:] if files else [])
    if math.prod(map(len, axes)) > MOST:
        raise ConfigError(f"That asks for {math.prod(map(len, axes))} runs, more than {MOST}; give fewer values.")
    combinations = [[text for part in job for text in part] for job in itertools.product(*axes)]
    combinations = [one for job in combinations for one in pairs.spread(composer, job)]
    for file in files:
        combinations = file.without_excluded(combinations, lambda job: _set(composer, job))
    return combinations


def _refuse_hydras(override: Any) -> None:
    if override.is_hydra_override():
        raise ConfigError(
            f"{override.input_line} would change nothing: runs are planned, started and filed here, not by Hydra. "
            "Results go where output=FOLDER says; Hydra's own settings count with hydra/launcher=NAME."
        )


def _values(composer: Composer, override: Any) -> list[str]:
    key = override.key_or_group
    if pairs.asks(key) and key != pairs.KEY:
        raise ConfigError(f"{override.input_line} lists values that belong together; put them in brackets: {key}=[...]")
    return [f"{override.get_key_element()}={value}" for value in composer.values(override)]


def _names(composer: Composer, override: Any) -> list[str]:
    if not override.is_sweep_override():
        names = override.value()
        return [str(name) for name in (names if isinstance(names, list) else [names])]
    return [str(composer.parse([f"{RUNS}={value}"])[0].value()) for value in composer.values(override)]


def _set(composer: Composer, job: Sequence[str]) -> dict[str, Any]:
    """The values that a run's overrides set, by key."""
    from da.config.compose import flat

    return {key: value for override in composer.parse(list(job)) for key, value in flat(override)}


def _refuse_twice(
    composer: Composer, axes: Sequence[Sequence[Sequence[str]]], swept: Sequence[Sequence[Sequence[str]]]
) -> None:
    """Refuse a key that is swept and also set elsewhere: runs would be repeated, or values silently ignored."""
    seen: dict[str, bool] = {}
    for axis in axes:
        for key in dict.fromkeys(key for part in axis for key in _set(composer, part)):
            many = len(axis) > 1 or axis in swept
            if key in seen and (many or seen[key]):
                raise ConfigError(f"{key} is given twice, and swept; write all its values once, between commas.")
            seen[key] = many
