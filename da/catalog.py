"""The catalogue: every YAML of ``conf`` is an entry; nothing else lists methods or data.

Entries are read statically (see :mod:`da.signatures`): no PyTorch is imported until something is built.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from da import setting
from da.errors import ConfigError, nearest
from da.setting import Access
from da.signatures import Signature, evaluate, find, parse

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"

ALLOWED = (
    "da.methods.",
    "da.estimators.",
    "da.data.",
    "da.nn.",
    "da.results.tracking.",
    "da.sweeps.",
    "torch.optim.",
    "sklearn.linear_model.",
    "sklearn.svm.",
    "sklearn.neighbors.",
    "sklearn.naive_bayes.",
    "sklearn.discriminant_analysis.",
    "sklearn.ensemble.",
    "sklearn.tree.",
    "pytorch_lightning.trainer.trainer.Trainer",
)
"""What a ``_target_`` may name, after re-exports are followed: a configuration from a stranger must not be code."""


@dataclass(frozen=True)
class Entry:
    """One YAML of a group.

    Args:
        group: such as ``method``.
        name: the file's stem, which is what users type.
        config: its content.
        signature: of its ``_target_``.
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
        """The folder that the class lives in: ``transductive``, ``subspace``, ..."""
        return self.path.split(".")[2] if self.path.startswith("da.") else ""

    @property
    def is_estimator(self) -> bool:
        """Closed-form, run by :class:`~da.methods.closed_form.ClosedForm`."""
        return self.path.startswith("da.estimators.")

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.signature.doc.split("\n", 1)[0].strip()

    @property
    def reference(self) -> str:
        """What stands behind ``Reference:`` in the docstring."""
        _, found, rest = self.signature.doc.partition("Reference:")
        return " ".join(rest.split("\n\n", 1)[0].split()) if found else ""

    @property
    def access(self) -> Access:
        """A method's ``needs`` or what data offer, read from the source."""
        return access_of(self.signature)

    def locate(self) -> Any:
        """Import the class or function."""
        return locate(self.path)


def access_of(signature: Signature) -> Access:
    """The ``needs`` or ``offers`` of a class, read from its source."""
    node = signature.constants.get("needs") or signature.constants.get("offers")
    if node is None:
        raise ConfigError(f"{signature.path} states neither `needs` nor `offers`; say what it may look at.")
    access = evaluate(node, vars(setting))
    assert isinstance(access, Access)
    return access


@cache
def entries(group: str) -> dict[str, Entry]:
    """All entries of a group by name, in alphabetical order."""
    found = {}
    for file in sorted((CONF / group).glob("*.yaml")):
        config = OmegaConf.to_container(OmegaConf.load(file))
        assert isinstance(config, dict)
        plain = {str(key): value for key, value in config.items()}
        found[file.stem] = Entry(group, file.stem, plain, resolve(str(config["_target_"]), f"conf/{group}/{file.name}"))
    return found


def groups() -> frozenset[str]:
    """Names of the groups: the folders of ``conf``."""
    return _folders(CONF)


@cache
def _folders(root: Path) -> frozenset[str]:
    return frozenset(folder.name for folder in root.iterdir() if folder.is_dir())


def options(group: str) -> list[str]:
    """What a group can be chosen as: its files' names; nothing where there is no such group."""
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


def entry_of(group: str, target: str) -> Entry:
    """The entry of a group whose ``_target_`` is this path."""
    path = resolve(target, group).path
    for entry in entries(group).values():
        if entry.path == path:
            return entry
    raise ConfigError(f"{target} has no YAML in conf/{group}; add one, or name an entry: {', '.join(entries(group))}.")


def resolve(target: str, where: str) -> Signature:
    """The signature of an allowed ``_target_``.

    Raises:
        ConfigError: it is not on the allow-list, or does not exist.
    """
    signature = find(target)
    if not target.startswith((*ALLOWED, "pytorch_lightning.Trainer")):
        raise ConfigError(f"_target_ '{target}' in {where} is not allowed; da/catalog.py lists what it may name.")
    if signature is None:
        module, _, name = target.rpartition(".")
        raise ConfigError(
            f"_target_ '{target}' in {where} does not exist; there is no '{name}' in {module or 'no module'}."
        )
    if not signature.path.startswith(ALLOWED):
        raise ConfigError(f"_target_ '{target}' in {where} leads to {signature.path}, which is not allowed.")
    return signature


def locate(path: str) -> Any:
    """Import what a dotted path names."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def build(node: Mapping[str, Any], *positional: Any, where: str = "config") -> Any:
    """Call a node's ``_target_`` with its keys; inner nodes first."""
    return factory(node, where=where)(*positional)


def factory(node: Mapping[str, Any], where: str = "config") -> Any:
    """A node's ``_target_`` with its keys bound, to be called later with what depends on the data."""
    signature = resolve(str(node["_target_"]), where)
    known = signature.keywords()
    keywords = {}
    for key, value in node.items():
        if key == "_target_":
            continue
        if isinstance(value, str) and key in known and takes_entry(known[key].annotation):
            value = named("method", value).config
        if isinstance(value, Mapping) and "_target_" in value:
            later = key in known and known[key].annotation == "NetworkFactory"  # called when the data are known
            value = (factory if later else build)(value, where=f"{where}.{key}")
        keywords[key] = value
    return partial(locate(signature.path), **keywords)


def takes_entry(annotation: str) -> bool:
    """Whether a parameter takes a closed-form estimator, which a configuration may give by its entry's name."""
    return bool({"Estimator", "Weighting", "Mapping", "Predictor"} & {part.strip() for part in annotation.split("|")})


def kinds(signature: Signature) -> set[str]:
    """Names of the estimators' classes that one of them derives from, near and far."""
    found = set(signature.bases)
    for base in signature.bases:
        parent = find(f"{signature.path.rpartition('.')[0]}.{base}")
        if parent is not None and parent.path.startswith("da.estimators."):
            found |= kinds(parent)
    return found


def stated(signature: Signature) -> set[str]:
    """Names of the constants that an estimator's class states, or one of ours that it derives from, near and far."""
    found = set(signature.constants)
    for base in signature.bases:
        parent = find(f"{signature.path.rpartition('.')[0]}.{base}")
        if parent is not None and parent.path.startswith("da.estimators.") and base != "Estimator":
            found |= stated(parent)
    return found


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
    """An entry by name.

    Raises:
        ConfigError: unknown; the message holds the nearest name.
    """
    known = entries(group)
    if name not in known:
        raise ConfigError(f"There is no {group}={name}; {nearest(name, known)}")
    return known[name]
