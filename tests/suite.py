"""Which methods the common suite runs on: what changed, four of each kind, some drawn by the commit; all in shards."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from changed import changed

from da.config import catalog
from da.config.catalog import Entry
from da.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
REPRESENTATIVES = {
    "deep": ("dann", "mcd", "soft_transfer", "fine_tune"),
    "weighting": ("kmm", "kliep", "bbse", "logistic_ratio"),
    "featuremapping": ("coral", "tca", "ot_sinkhorn", "feature_augmentation"),
    "predictor": ("jcpot", "meda", "dasvm", "tradaboost"),
}
DRAWN, MOST = 6, 20
FOLLOWED = ("da.methods.", "da.estimators.", "da.divergences.", "da.nn.", "da.schedules")
SHARDS = "DA_SHARD"


@cache
def commit() -> str:
    """The commit that is tested, or nothing outside of a repository."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def drawn(names: Iterable[str], count: int, salt: str = "") -> list[str]:
    """As many names, other ones with every commit, the same ones wherever that commit is tested."""
    return sorted(sorted(names, key=lambda name: hashlib.sha256(f"{commit()}{salt}{name}".encode()).digest())[:count])


@cache
def sources(module: str) -> frozenset[str]:
    """Repository-relative paths of a module and of what it is made of, methods' shared parts and below."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = ROOT / (name.replace(".", "/") + ".py")
        path = file.relative_to(ROOT).as_posix()
        if name.startswith(FOLLOWED) and path not in found and file.is_file():
            found.add(path)
            waiting += imported(file)
    return frozenset(found)


@cache
def imported(file: Path) -> frozenset[str]:
    """Modules that a file imports from, and whatever it imports from them, which may be modules too."""
    nodes = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    return frozenset(names | {node.module for node in nodes if node.module})


def touched(entry: Entry, files: frozenset[str]) -> bool:
    """Whether a method's code, its YAML or its own test is among some files."""
    module = entry.path.rpartition(".")[0]
    kind = "estimators" if entry.is_estimator else "methods"
    own = {f"conf/method/{entry.name}.yaml", f"tests/{kind}/test_{entry.name}.py"}
    return bool(files & (own | sources(module)))


@cache
def chosen() -> frozenset[str]:
    """Names of the methods that the common suite runs on by default."""
    entries = catalog.entries("method")
    lately = drawn((name for name, entry in entries.items() if touched(entry, changed())), MOST)
    kinds = {name for names in REPRESENTATIVES.values() for name in names}
    return frozenset(kinds & entries.keys() | set(lately) | set(drawn(entries, DRAWN)))


def shard(names: Iterable[str]) -> frozenset[str]:
    """The names in the shard that ``DA_SHARD`` asks for: ``2/4`` is the second of four, ``/4`` one drawn by the commit.

    Without it all names.
    """
    asked = os.environ.get(SHARDS)
    if not asked:
        return frozenset(names)
    number, slash, count = asked.partition("/")
    if not (
        slash and count.isdigit() and (number.isdigit() or not number) and int(number or 1) in range(1, int(count) + 1)
    ):
        raise ConfigError(f"{SHARDS}={asked!r} is no shard; write 2/4 for the second of four, or /4 for a drawn one.")
    wanted = int(number) - 1 if number else int(hashlib.sha256(commit().encode()).hexdigest(), 16) % int(count)
    return frozenset(name for k, name in enumerate(sorted(names)) if k % int(count) == wanted)
