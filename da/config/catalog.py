"""The catalogue: every YAML of ``conf`` is an entry; there is no other list of methods or data.

Entries are read statically (see :mod:`da.signatures`): no PyTorch is imported until something is built.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from da import setting
from da.errors import ConfigError, nearest
from da.renamed import now
from da.setting import Access
from da.signatures import Parameter, Signature, derives, evaluate, find, parse

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"

CONTRACTS: dict[str, tuple[str, ...]] = {
    "method": ("da.methods.base.Method", "da.estimators.base.Estimator"),
    "network": ("da.nn.networks.Network",),
    "features": ("da.data.frozen.Frozen",),
    "classifier": ("sklearn.base.ClassifierMixin",),
    "optimizer": ("torch.optim.optimizer.Optimizer",),
    "trainer": ("pytorch_lightning.trainer.trainer.Trainer",),
}
"""Base classes that a class of a group must have if ``conf`` does not name it; a data set states ``offers``."""
NETWORK = "NetworkFactory"
TARGET = re.compile(r"^_target_: *[\"']?([\w.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One YAML of a group.

    Args:
        group: such as ``method``.
        name: the file's stem, which users write.
        config: content of the file.
        signature: signature of its ``_target_``.
    """

    group: str
    name: str
    config: Mapping[str, Any]
    signature: Signature

    @property
    def path(self) -> str:
        """Dotted path of the class or function."""
        return self.signature.path

    @property
    def family(self) -> str:
        """The folder of the class: ``transductive``, ``subspace``, ..."""
        return self.path.split(".")[2] if self.path.startswith("da.") else ""

    @property
    def is_estimator(self) -> bool:
        """Whether it is a closed-form method, run as a :class:`~da.methods.closed_form.ClosedForm`."""
        return self.path.startswith("da.estimators.")

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.signature.doc.split("\n", 1)[0].strip()

    @property
    def reference(self) -> str:
        """Text after ``Reference:`` in the docstring."""
        _, separator, rest = self.signature.doc.partition("Reference:")
        return " ".join(rest.split("\n\n", 1)[0].split()) if separator else ""

    @property
    def access(self) -> Access:
        """The ``needs`` of a method or ``offers`` of a data set, read from the source."""
        return access_of(self.signature)

    def locate(self) -> Any:
        """Import the class or function."""
        return locate(self.path)


def access_of(signature: Signature) -> Access:
    """The ``needs`` or ``offers`` of a class, read from its source.

    Raises:
        ConfigError: the class states neither.
    """
    node = signature.constants.get("needs") or signature.constants.get("offers")
    if node is None:
        raise ConfigError(f"{signature.path} states neither `needs` nor `offers`; say what it may look at.")
    access = evaluate(node, vars(setting))
    assert isinstance(access, Access)
    return access


@cache
def entries(group: str) -> dict[str, Entry]:
    """All entries of a group by name, in alphabetical order."""
    by_name = {}
    for file in sorted((CONF / group).glob("*.yaml")):
        config = OmegaConf.to_container(OmegaConf.load(file))
        assert isinstance(config, dict)
        plain = {str(key): value for key, value in config.items()}
        signature = resolve(str(config["_target_"]), f"conf/{group}/{file.name}", group)
        by_name[file.stem] = Entry(group, file.stem, plain, signature)
    return by_name


def groups() -> frozenset[str]:
    """Names of the groups: the folders of ``conf``."""
    return _folders(CONF)


@cache
def _folders(root: Path) -> frozenset[str]:
    return frozenset(folder.name for folder in root.iterdir() if folder.is_dir())


def options(group: str) -> list[str]:
    """Names of a group's options, from its files; empty if there is no such group."""
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


def entry_of(group: str, target: str) -> Entry:
    """The entry of a group whose ``_target_`` is this path.

    Raises:
        ConfigError: no YAML of the group has it, or it is not allowed there (see :func:`resolve`).
    """
    path = resolve(target, group).path
    for entry in entries(group).values():
        if entry.path == path:
            return entry
    raise ConfigError(f"{target} has no YAML in conf/{group}; add one, or name an entry: {', '.join(entries(group))}.")


def resolve(target: str, where: str, group: str | None = None) -> Signature:
    """Resolve and check a ``_target_``, as a configuration from an untrusted source must not run arbitrary code.

    Allowed are classes and functions of the project that ``conf/GROUP`` names, and classes of the project, or of a
    package that ``conf/GROUP`` names, that derive from the group's contract. This is read from source without imports.

    Args:
        target: a dotted path.
        where: the key of the node, for messages; its last part that is a group determines what is allowed.
        group: group of the node, if its key does not contain it.

    Raises:
        ConfigError: the target is not allowed here, or does not exist.
    """
    group = group or next((part for part in reversed(where.split(".")) if (CONF / part).is_dir()), None)
    groups = [group] if group else sorted(folder.name for folder in CONF.iterdir() if folder.is_dir())
    named = {path for name in groups for path in _targets(CONF / name)}
    bases = {base for name in groups for base in CONTRACTS.get(name, ())}
    refusal = (
        f"is not allowed: {group or 'a configuration'} takes what conf/{group or 'GROUP'} names"
        + (f" and classes that derive from {' or '.join(CONTRACTS[group])}" if group in CONTRACTS else "")
        + "; see 'What a configuration may name' in CONTRIBUTING.md."
    )
    if target.partition(".")[0] not in {"da", *(path.partition(".")[0] for path in named)}:
        raise ConfigError(f"_target_ {target!r} in {where} {refusal}")
    signature = find(target)
    if signature is None:
        module, _, name = target.rpartition(".")
        why = now(target) or f"there is no '{name}' in {module or 'no module'}."
        raise ConfigError(f"_target_ {target!r} in {where} does not exist; {why}")
    ours = signature.path.startswith("da.") and any(signature.path in (path, _origin(path)) for path in named)
    data = "data" in groups and "offers" in signature.constants  # the contract of data sets is not a base class
    if not (ours or data or any(derives(signature.path, base) for base in bases)):
        to = "" if signature.path == target else f" leads to {signature.path}, which"
        raise ConfigError(f"_target_ {target!r} in {where}{to} {refusal}")
    return signature


@cache
def _targets(folder: Path) -> tuple[str, ...]:
    """The ``_target_`` paths in the files of a group."""
    files = sorted(folder.glob("*.yaml"))
    return tuple(dict.fromkeys(path for file in files for path in TARGET.findall(file.read_text(encoding="utf-8"))))


def _origin(path: str) -> str | None:
    """A dotted path after re-exports were followed."""
    signature = find(path)
    return None if signature is None else signature.path


def group_within(parameter: Parameter | None) -> str | None:
    """The group of a node given for a parameter, if the parameter's annotation determines it."""
    if parameter is None:
        return None
    return "network" if parameter.annotation == NETWORK else "method" if takes_entry(parameter.annotation) else None


def locate(path: str) -> Any:
    """Import the object of a dotted path."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def build(node: Mapping[str, Any], *positional: Any, where: str = "config") -> Any:
    """Call a node's ``_target_`` with its keys, after those of inner nodes."""
    return factory(node, where=where)(*positional)


def factory(node: Mapping[str, Any], where: str = "config", group: str | None = None) -> Any:
    """Bind the keys of a node's ``_target_``, to be called later with arguments that depend on the data."""
    signature = resolve(str(node["_target_"]), where, group)
    known = signature.keywords()
    keywords = {}
    for key, value in node.items():
        if key == "_target_":
            continue
        if isinstance(value, str) and key in known and takes_entry(known[key].annotation):
            value = named("method", value).config
        if isinstance(value, Mapping) and "_target_" in value:
            maker = factory(value, f"{where}.{key}", group_within(known.get(key)))
            later = key in known and known[key].annotation == NETWORK  # called when the data are known
            value = maker if later else maker()
        keywords[key] = value
    return partial(locate(signature.path), **keywords)


def takes_entry(annotation: str) -> bool:
    """Whether a parameter takes a closed-form estimator, which a configuration may give by its entry's name."""
    return bool(
        {"Estimator", "Weighting", "FeatureMapping", "Predictor"} & {part.strip() for part in annotation.split("|")}
    )


def kinds(signature: Signature) -> set[str]:
    """Names of the estimator base classes that a class derives from, directly or indirectly."""
    names = set(signature.bases)
    for base in signature.bases:
        parent = find(f"{signature.path.rpartition('.')[0]}.{base}")
        if parent is not None and parent.path.startswith("da.estimators."):
            names |= kinds(parent)
    return names


def stated(signature: Signature) -> set[str]:
    """Names of the constants in the source of a method's class or of its base classes in the project."""
    names = set(signature.constants)
    for base in signature.bases:
        parent = find(f"{signature.path.rpartition('.')[0]}.{base}")
        ours = parent is not None and parent.path.startswith(("da.estimators.", "da.methods."))
        if parent is not None and ours and base not in ("Estimator", "Method"):
            names |= stated(parent)
    return names


def classes(package: str, constant: str) -> Iterator[str]:
    """Dotted paths of all classes below ``da.<package>`` whose source states ``constant``."""
    for file in sorted((ROOT / "da" / package).rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in parse(file).body:
            if isinstance(node, ast.ClassDef):
                signature = find(f"{module}.{node.name}")
                if signature and constant in signature.constants:
                    yield signature.path


def named(group: str, name: str) -> Entry:
    """Look up an entry by name.

    Raises:
        ConfigError: the name is unknown; the message has the nearest one.
    """
    known = entries(group)
    if name not in known:
        raise ConfigError(f"There is no {group}={name}; {nearest(name, known)}")
    return known[name]
