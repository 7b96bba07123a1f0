"""Composing configurations with Hydra: one, or all that a command line with ``-m`` asks for."""

from __future__ import annotations

import copy
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from da import catalog
from da.config import GROUPS, KEYS, OPTIONAL, Plan, plain_of, validate
from da.drawing import once
from da.errors import ConfigError, Incompatible
from da.home import quoted
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
    """What a command line asks for.

    Args:
        plans: the runs, in the order of the command line.
        refused: why the other combinations cannot be run.
        once: which runs stand for several seeds.
    """

    plans: tuple[Plan, ...]
    refused: tuple[str, ...]
    once: tuple[str, ...] = ()


def expand(arguments: Sequence[str], *, multirun: bool) -> Expanded:
    """Validate every run that a command line asks for, before the first is started.

    Raises:
        ConfigError: an override is wrong, or nothing that was asked for can be run.
    """
    with Composer() as composer:
        plans, refused = [], []
        for job in composer.jobs(list(arguments), multirun):
            try:
                plans.append(validate(composer.compose(job)))
            except Incompatible as error:
                refused.append(str(error))
    if not plans:
        raise ConfigError(refused[0])
    kept, said = once(plans, lambda plan: plan)
    return Expanded(tuple(kept), tuple(dict.fromkeys(refused)), tuple(said))


class Composer:
    """Hydra's compose, with errors in our words."""

    def __enter__(self) -> Composer:
        from hydra import initialize_config_dir

        self._parsed: dict[str, Any] = {}
        self._chosen: dict[tuple[str, ...], Any] = {}
        self._context = initialize_config_dir(str(catalog.CONF), version_base="1.3")
        self._context.__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        self._context.__exit__(None, None, None)

    def parse(self, arguments: list[str]) -> list[Any]:
        from hydra.core.global_hydra import GlobalHydra
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from hydra.errors import HydraException

        try:
            parser = OverridesParser.create(GlobalHydra.instance().config_loader())
            return parser.parse_overrides([quoted(text) for text in arguments])
        except HydraException as error:
            raise ConfigError(str(error).splitlines()[0]) from error

    def jobs(self, arguments: list[str], multirun: bool) -> list[list[str]]:
        choices = []
        for text, override in zip(arguments, self.parse(arguments), strict=True):
            if override.is_hydra_override():
                continue
            if multirun and override.is_sweep_override():
                key = override.get_key_element()
                choices.append([f"{key}={value}" for value in override.sweep_string_iterator()])
            else:
                choices.append([text])
        return [list(job) for job in itertools.product(*choices)]

    def compose(self, overrides: list[str]) -> dict[str, Any]:
        """Compose one configuration; the choices of groups are composed once for all that share them."""
        from hydra import compose
        from hydra.errors import HydraException

        overrides = [quoted(text) for text in overrides]
        try:
            quick = self.quick(overrides)
            return plain_of(compose("train", overrides) if quick is None else quick)
        except (HydraException, OmegaConfBaseException) as error:
            self.explain(overrides)
            raise ConfigError(" ".join(str(error).splitlines()[:2])) from error

    def quick(self, overrides: list[str]) -> Any:
        """What Hydra would compose, put together from what it composed before; None where it must itself."""
        from hydra import compose
        from omegaconf import OmegaConf

        for text in overrides:
            if text not in self._parsed:
                (self._parsed[text],) = self.parse([text])
        parsed = [self._parsed[text] for text in overrides]
        if any(o.is_add() or o.is_force_add() or o.is_delete() or o.package for o in parsed):
            return None
        groups = {folder.name for folder in catalog.CONF.iterdir() if folder.is_dir()}
        choices = {o.key_or_group: str(o.value()) for o in parsed if o.key_or_group in groups}
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
                if override.key_or_group not in groups:
                    OmegaConf.update(config, override.key_or_group, override.value(), merge=True)
        except OmegaConfBaseException:
            return None  # Hydra's own attempt says what is wrong
        return config

    def explain(self, overrides: list[str]) -> None:
        """Raise the sentence for the override that Hydra refused, if it is a misspelt name."""
        groups = {folder.name for folder in catalog.CONF.iterdir() if folder.is_dir()}
        parsed = self.parse(overrides)
        for override in parsed:
            key, value = override.key_or_group, override.value()
            root, _, rest = key.partition(".")
            if root not in (*KEYS, *groups, "hydra"):
                raise ConfigError(f"There is no key '{key}'; {hint(root, {*KEYS, *groups})}")
            if key in groups and isinstance(value, str):
                options = [file.stem for file in (catalog.CONF / key).glob("*.yaml")]
                if value not in options:
                    raise ConfigError(f"There is no {key}={value}; {hint(value, options, prefix=f'{key}=')}")
        chosen = [text for text, o in zip(overrides, parsed, strict=True) if o.key_or_group in groups]
        for override in parsed:
            root, _, rest = override.key_or_group.partition(".")
            if rest and root in OPTIONAL and not any(o.key_or_group == root for o in parsed):
                raise ConfigError(f"'{override.key_or_group}' belongs to a choice; choose {root}=NAME first.")
            if rest and root in (*GROUPS, *OPTIONAL) and not override.is_add():
                node = self.compose(chosen)[root] if len(chosen) < len(overrides) else {}
                while "." in rest and isinstance(node.get(rest.partition(".")[0]), dict):  # a node within the node
                    name, _, rest = rest.partition(".")
                    root, node = f"{root}.{name}", node[name]
                if rest.split(".")[0] in node:
                    continue
                signature = catalog.resolve(str(node.get("_target_", "")), root) if node else None
                if signature and rest in signature.keywords():
                    raise ConfigError(
                        f"'{root}.{rest}' is not in its file; add it with +{root}.{rest}={override.value()}."
                    )
                known = [k for k in node if k != "_target_"]
                raise ConfigError(f"There is no key '{root}.{rest}'; {hint(rest, known, prefix=f'{root}.')}")


def _node(group: str, name: str) -> Any:
    """What ``conf/GROUP/NAME.yaml`` puts into the configuration's node of the group; None where it does more."""
    file = catalog.CONF / group / f"{name}.yaml"
    return _read(file, file.stat().st_mtime_ns) if group in (*GROUPS, *OPTIONAL) and file.is_file() else None


@lru_cache(maxsize=1024)
def _read(file: Path, changed: int) -> Any:
    from omegaconf import OmegaConf

    node = OmegaConf.load(file)
    return None if "defaults" in node or "@package" in file.read_text(encoding="utf-8") else node


def main(job: Callable[[dict[str, Any]], float], arguments: Sequence[str]) -> int:
    """Hand a command line to Hydra, which calls ``job`` with each composed configuration; returns the exit code."""
    import hydra
    from hydra.errors import CompactHydraException

    failures: list[str] = []

    @hydra.main(config_path=str(catalog.CONF), config_name="train", version_base="1.3")
    def composed(config: Any) -> float:
        try:
            return job(plain_of(config))
        except KeyboardInterrupt:
            raise
        except Exception as error:
            failures.append(str(error))
            raise CompactHydraException(str(error)) from error

    sys.argv = [sys.argv[0], *map(quoted, arguments)]
    composed()
    return 1 if failures else 0
