"""A file of runs: rows, zipped lists, grids, and exclusions."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from da.config import catalog
from da.errors import ConfigError, nearest

PARTS = ("runs", "zip", "grid", "exclude")
WORD = re.compile(r"/?[A-Za-z_][\w./-]*")
RESERVED = ("null", "true", "false", "inf", "nan")  # text that Hydra parses as values of other types


@dataclass(frozen=True)
class RunRows:
    """The runs of a file.

    Args:
        name: name of the file.
        runs: overrides of each run.
        exclude: keys and values that together exclude a run; a list matches any of its values.
    """

    name: str
    runs: list[list[str]]
    exclude: list[dict[str, Any]]

    def without_excluded(
        self, jobs: Sequence[list[str]], set_by: Callable[[Sequence[str]], Mapping[str, Any]]
    ) -> list[list[str]]:
        """The runs that no exclusion matches.

        Raises:
            ConfigError: an exclusion matches no run (it is misspelt), or no run is left.
        """
        known, remaining = [set_by(job) for job in jobs], list(range(len(jobs)))
        for item in self.exclude:
            out = {
                k for k, settings in enumerate(known) if all(_is(settings.get(key, item), v) for key, v in item.items())
            }
            if not out:
                raise ConfigError(f"{self.name}: exclude {json.dumps(item)} matches no run; name keys as in its rows.")
            remaining = [k for k in remaining if k not in out]
        if not remaining:
            raise ConfigError(f"{self.name}: exclude leaves no run; exclude less.")
        return [jobs[k] for k in remaining]


def read(name: str) -> RunRows:
    """Read a file: a list of runs, or a mapping of ``runs`` or ``zip``, ``grid`` and ``exclude``.

    Raises:
        ConfigError: it is missing, not YAML, or has another form.
    """
    parts = _load(name)
    if "runs" in parts and "zip" in parts:
        raise ConfigError(f"{name} has both runs and zip, which list runs in two ways; write all under runs.")
    rows, exclude = (_mappings(parts[key], name, key) if key in parts else [] for key in ("runs", "exclude"))
    lists, grid = (_lists(parts[key], name, key) if key in parts else {} for key in ("zip", "grid"))
    rows = rows or _zipped(lists, name)
    if twice := next((key for row in rows for key in row if key in grid), None):
        raise ConfigError(f"{name} sets {twice} in grid and in its other runs; keep one of the two.")
    for row in (*rows, grid):
        for key, value in row.items():
            if key in catalog.groups() and any(isinstance(v, bool) for v in (value if row is grid else [value])):
                raise ConfigError(f"{name}: YAML takes a bare yes or no for a truth value; quote that of {key}.")
    combined = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    runs = [[override(key, value) for key, value in (row | more).items()] for row in rows for more in combined]
    return RunRows(name, runs, exclude)


def _is(value: Any, wanted: Any) -> bool:
    return bool(value == wanted or (isinstance(wanted, list) and value in wanted))


def _load(name: str) -> dict[str, Any]:
    """Load the parts of a file."""
    try:
        loaded: Any = OmegaConf.to_container(OmegaConf.load(Path(name).expanduser()))
    except OSError as error:
        why = error.strerror or "it holds no runs"  # OmegaConf's error on a lone number has no text
        raise ConfigError(f"runs={name} cannot be read ({why}); give a YAML file of runs.") from error
    except RecursionError as error:
        raise ConfigError(f"runs={name} has an alias within what it stands for; write it out.") from error
    except Exception as error:  # PyYAML raises many kinds
        raise ConfigError(f"runs={name} is no YAML: {' '.join(str(error).split())}.") from error
    parts = {"runs": loaded} if isinstance(loaded, list) else loaded
    if not isinstance(parts, dict) or not parts:
        raise ConfigError(f"runs={name} holds no runs; write a list of them, or {', '.join(PARTS)}.")
    for key in parts:
        if key not in PARTS:
            raise ConfigError(f"{name} has a part '{key}'; {nearest(str(key), PARTS)}")
    return parts


def override(key: str, value: Any) -> str:
    """Format ``KEY=VALUE`` for Hydra, quoted if necessary."""
    return f"{key}={written(value)}"


def written(value: Any) -> str:
    """Format a plain value in Hydra's grammar."""
    if isinstance(value, str):
        if WORD.fullmatch(value) and value.lower() not in RESERVED:
            return value
        return "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value) + "'"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{written(part)}" for key, part in value.items()) + "}"
    return "null" if value is None else str(value)


def _zipped(lists: Mapping[str, list[Any]], name: str) -> list[dict[str, Any]]:
    sizes = {key: len(values) for key, values in lists.items()}
    if len(set(sizes.values())) > 1:
        lengths = ", ".join(f"{key} has {size}" for key, size in sizes.items())
        raise ConfigError(f"{name}: the lists of zip go together, so they must be of one length; {lengths}.")
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)] if lists else [{}]


def _mappings(node: Any, name: str, where: str) -> list[dict[str, Any]]:
    if not isinstance(node, list) or not node or not all(isinstance(item, Mapping) for item in node):
        raise ConfigError(f"{name}: {where} must be a list of mappings such as {{method: dann, seed: 0}}.")
    return [{str(key): value for key, value in item.items()} for item in node]


def _lists(node: Any, name: str, where: str) -> dict[str, list[Any]]:
    if not isinstance(node, Mapping) or not all(isinstance(values, list) and values for values in node.values()):
        raise ConfigError(f"{name}: {where} must hold a list of values for each key, such as seed: [0, 1, 2].")
    return {str(key): values for key, values in node.items()}
