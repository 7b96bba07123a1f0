"""Compose configurations with Hydra: a single one, or all of a command line with ``-m``."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from da.config import arguments, catalog, foreign, grid
from da.config.home import quoted
from da.config.seedless import once
from da.config.validate import GROUPS, KEYS, OPTIONAL, Plan, plain_of, validate
from da.errors import ConfigError, Incompatible, UsageError
from da.renamed import hint


def compose(overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Compose ``conf/train.yaml`` with overrides, as the command line does; nothing is validated yet.

    Raises:
        ConfigError: an override names a key, group or option that does not exist, or cannot be parsed.
    """
    with Composer() as composer:
        return composer.compose(list(overrides))


@dataclass(frozen=True)
class Expanded:
    """The runs of a command line.

    Args:
        plans: the runs, in the order of the command line.
        refused: sentences on why the other combinations cannot be run.
        once: sentences on runs that replace several equal ones.
    """

    plans: tuple[Plan, ...]
    refused: tuple[str, ...]
    once: tuple[str, ...] = ()


def expand(words: Sequence[str], *, multirun: bool) -> Expanded:
    """Validate every run of a command line, before the first is started.

    Raises:
        ConfigError: an override is wrong, several values are given without ``-m``, or nothing can be run.
    """
    with Composer() as composer:
        plans, refused = [], []
        for job in grid.jobs(composer, list(words)) if multirun else [grid.single(composer, list(words))]:
            try:
                plans.append(validate(composer.compose(job)))
            except Incompatible as error:
                refused.append(str(error))
    if not plans:
        raise ConfigError(refused[0])
    if not multirun and "sweep" in plans[0].config:
        raise ConfigError(f"A search (sweep=NAME) is many runs, which need -m: {arguments.command(['-m', *words])}")
    distinct = {json.dumps(plan.config, sort_keys=True): plan for plan in plans}
    remaining, notes = once(list(distinct.values()), lambda plan: plan)
    if repeated := len(plans) - len(distinct):
        notes.append(f"{repeated} of {len(plans)} runs were asked for twice")
    return Expanded(tuple(remaining), tuple(dict.fromkeys(refused)), tuple(notes))


class Composer:
    """Hydra's compose with clearer error messages, and a cache."""

    def __enter__(self) -> Composer:
        from hydra import initialize_config_dir

        self._parsed: dict[str, Any] = {}
        self._chosen: dict[tuple[str, ...], Any] = {}
        self._context = initialize_config_dir(str(catalog.CONF), version_base="1.3")
        self._context.__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        self._context.__exit__(None, None, None)

    def parse(self, words: list[str]) -> list[Any]:
        """Parse overrides with Hydra.

        Raises:
            ConfigError: one cannot be parsed; where quotes would help, the message has it with quotes.
        """
        for text in words:
            if text not in self._parsed:
                self._parsed[text] = self._read(text)
        return [self._parsed[text] for text in words]

    @staticmethod
    def _read(text: str) -> Any:
        from hydra.core.global_hydra import GlobalHydra
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from hydra.errors import HydraException

        parser = OverridesParser.create(GlobalHydra.instance().config_loader())
        try:
            return parser.parse_overrides([quoted(text)])[0]
        except HydraException as error:
            if re.match(r"[^=]+==", text):
                raise ConfigError(f"{text} has two signs of equality; write {text.replace('==', '=', 1)}") from error
            sign = arguments.left_open(text)
            for better in arguments.quotings(text) if sign is None or f"={sign}" not in text else ():
                try:
                    parser.parse_overrides([better])
                except HydraException:
                    continue
                raise ConfigError(
                    f"{text} cannot be read, as signs in its value have a meaning of their own; quote it for Hydra "
                    f"and for the shell: {arguments.in_shell(better)}"
                ) from error
            if sign is not None:
                raise ConfigError(f"{text} cannot be read: nothing closes its {sign}") from error
            cause = getattr(error.__cause__, "args", ()) or [str(error)]
            raise ConfigError(f"{text} cannot be read: {str(cause[0]).splitlines()[0]}.") from error

    def values(self, override: Any) -> list[str]:
        """The values of a sweep's override, as they are written.

        Raises:
            ConfigError: they cannot be listed, or there are none, or far too many.
        """
        from hydra.errors import HydraException

        text, key = override.input_line, override.key_or_group
        if override.is_interval_sweep():
            raise ConfigError(
                f"{text} is an interval, whose values no grid can list; sweep=optuna searches the ranges that the "
                f"method states, and {key}=range(START,STOP,STEP) or values between commas make a grid."
            )
        try:
            values = list(islice(override.sweep_string_iterator(), grid.MOST + 1))
        except (HydraException, ValueError, IndexError) as error:
            raise ConfigError(f"{text} stands for no values: {str(error).splitlines()[0]}.") from error
        if not values:
            options = catalog.options(key)
            known = f"; {key} has {', '.join(options)}." if options else "; leave it out, or name some."
            raise ConfigError(f"{text} stands for no value{known}")
        if len(values) > grid.MOST:
            raise ConfigError(f"{text} stands for more than {grid.MOST} values; give fewer.")
        return values

    def compose(self, overrides: list[str]) -> dict[str, Any]:
        """Compose one configuration; configurations with the same choices of groups are composed only once.

        Raises:
            ConfigError: Hydra refuses an override; the message names the nearest valid key or value.
        """
        from hydra import compose
        from hydra.errors import HydraException

        overrides = [quoted(text) for text in self.settled(overrides)]
        try:
            quick = self.quick(overrides)
            return plain_of(compose("train", overrides) if quick is None else quick)
        except (HydraException, OmegaConfBaseException) as error:
            self.explain(overrides)
            raise ConfigError(" ".join(str(error).splitlines()[:2])) from error

    def settled(self, overrides: list[str]) -> list[str]:
        """Check that the overrides are of a single run, and replace ``features=null`` by no choice of the group.

        Raises:
            ConfigError: an override has several values, or its group cannot be empty.
        """
        nulls: dict[str, str] = {}
        for text, override in zip(overrides, self.parse(overrides), strict=True):
            key = override.key_or_group
            if override.is_sweep_override():
                raise ConfigError(f"{text} stands for several values, where one run is composed; sweep with -m.")
            if not _chooses(override):
                continue
            value = override.value()
            nulls.pop(key, None)
            if value is None and key in (*OPTIONAL, "experiment"):
                nulls[key] = text
            elif value is None:
                raise ConfigError(f"Every run has a {key}; leave out {text} for the default, or choose {key}=NAME.")
            elif isinstance(value, list) and (odd := [v for v in value if v not in catalog.options(key)]):
                raise ConfigError(f"There is no {key}={odd[0]}; {hint(str(odd[0]), catalog.options(key))}")
            elif isinstance(value, list):
                several = f"{key}={','.join(map(str, value))}"
                raise ConfigError(f"{text} names several, and a run has one {key}; sweep over them with -m {several}.")
            elif not isinstance(value, str):
                raise ConfigError(f"There is no {key}={value}; {hint(str(value), catalog.options(key))}")
        remaining = [
            text
            for text, o in zip(overrides, self.parse(overrides), strict=True)
            if not (_chooses(o) and (o.key_or_group in nulls or o.value() is None))
        ]
        if any(o.key_or_group == "experiment" for o in self.parse(remaining)):  # an experiment may choose one
            remaining += [f"~{key}" for key in nulls]
        return remaining

    def quick(self, overrides: list[str]) -> Any:
        """Assemble the configuration from cached parts; None if it must be composed by Hydra."""
        from hydra import compose
        from omegaconf import OmegaConf

        parsed = self.parse(overrides)
        if any(o.is_add() or o.is_force_add() or o.is_delete() or o.package for o in parsed):
            return None
        choices = {o.key_or_group: str(o.value()) for o in parsed if _chooses(o)}
        composed = tuple(f"{key}={value}" for key, value in choices.items() if _node(key, value) is None)
        if composed and "experiment" in choices:  # it may set values in the node of any group
            composed = tuple(f"{key}={value}" for key, value in choices.items())
        if composed not in self._chosen:
            self._chosen[composed] = compose("train", list(composed))
        config = copy.deepcopy(self._chosen[composed])
        try:
            for key, value in choices.items():
                if f"{key}={value}" not in composed:
                    config[key] = copy.deepcopy(_node(key, value))
            for override in parsed:
                if not _chooses(override):
                    OmegaConf.update(config, override.key_or_group, override.value(), merge=True)
        except OmegaConfBaseException:
            return None  # Hydra itself then reports the error
        return config

    def explain(self, overrides: list[str]) -> None:
        """Raise an error for a misspelt name in overrides that Hydra refused; return if there is none.

        Raises:
            ConfigError: an override names a key, option or value that does not exist, or a key of a group without a
                choice.
        """
        groups = catalog.groups()
        parsed = self.parse(overrides)
        for override in parsed:
            key, value = override.key_or_group, override.value()
            root = key.partition(".")[0]
            if root not in (*KEYS, *groups, "hydra"):
                raise ConfigError(f"There is no key '{key}'; {hint(root, {*KEYS, *groups})}")
            if _chooses(override) and isinstance(value, str):
                options = catalog.options(key)
                if value not in options:
                    raise ConfigError(f"There is no {key}={value}; {hint(value, options, prefix=f'{key}=')}")
        chosen = [text for text, o in zip(overrides, parsed, strict=True) if _chooses(o)]
        for override in parsed:
            for full, value in flat(override):
                root, _, rest = full.partition(".")
                if rest and root in OPTIONAL and not any(_chooses(o) and o.key_or_group == root for o in parsed):
                    raise ConfigError(f"'{full}' belongs to a choice; choose {root}=NAME first.")
                if not rest or root not in (*GROUPS, *OPTIONAL) or override.is_add():
                    continue
                node = self.compose(chosen)[root] if len(chosen) < len(overrides) else {}
                while "." in rest and isinstance(node.get(rest.partition(".")[0]), dict):  # a node within the node
                    name, _, rest = rest.partition(".")
                    root, node = f"{root}.{name}", node[name]
                if rest.split(".")[0] in node:
                    continue
                signature = catalog.resolve(str(node.get("_target_", "")), root) if node else None
                if signature and (reason := foreign.reserved(signature, rest)):
                    raise ConfigError(f"{root}.{rest} {reason}.")
                if signature and rest in signature.keywords():
                    raise ConfigError(f"'{root}.{rest}' is not in its file; add it with +{root}.{rest}={value}.")
                known = [k for k in node if k != "_target_"]
                path = signature.path if signature else ""
                raise ConfigError(f"There is no key '{root}.{rest}'; {hint(rest, known, prefix=f'{root}.', path=path)}")


def flat(override: Any) -> Iterator[tuple[str, Any]]:
    """Yield the dotted keys and values that a parsed override sets; a group's dictionary sets each of its keys."""
    value = None if override.is_sweep_override() else override.value()
    if isinstance(value, Mapping) and override.key_or_group in catalog.groups():
        yield from ((f"{override.key_or_group}.{key}", part) for key, part in value.items())
    else:
        yield override.key_or_group, value


def _chooses(override: Any) -> bool:
    """Whether a parsed override chooses a group's file; a dictionary is merged into the chosen one."""
    return (
        override.key_or_group in catalog.groups()
        and not override.is_delete()
        and (override.is_sweep_override() or not isinstance(override.value(), Mapping))
    )


def _node(group: str, name: str) -> Any:
    """The content of ``conf/GROUP/NAME.yaml`` for the group's node; None if the file sets anything else."""
    file = catalog.CONF / group / f"{name}.yaml"
    return _read(file, file.stat().st_mtime_ns) if group in (*GROUPS, *OPTIONAL) and file.is_file() else None


@lru_cache(maxsize=1024)
def _read(file: Path, changed: int) -> Any:
    from omegaconf import OmegaConf

    node = OmegaConf.load(file)
    return None if "defaults" in node or "@package" in file.read_text(encoding="utf-8") else node


def main(job: Callable[[dict[str, Any]], float], arguments: Sequence[str]) -> int:
    """Run Hydra on a command line, calling ``job`` with each composed configuration; returns the exit code."""
    import hydra
    from hydra.errors import CompactHydraException

    failures: list[Exception] = []

    @hydra.main(config_path=str(catalog.CONF), config_name="train", version_base="1.3")
    def composed(config: Any) -> float:
        try:
            return job(plain_of(config))
        except KeyboardInterrupt:
            raise
        except Exception as error:
            failures.append(error)
            raise CompactHydraException(str(error)) from error

    sys.argv = [sys.argv[0], *map(quoted, arguments)]
    try:
        composed()
    except SystemExit:  # raised by Hydra after it has printed the error
        if not failures:
            raise
    return 0 if not failures else 2 if all(isinstance(error, UsageError) for error in failures) else 1
