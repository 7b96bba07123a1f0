"""The mutation gate: for every small wrong version (mutant) of a module, some test must fail."""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.abc
import importlib.util
import os
import resource
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from da.checks.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parent.parent.parent
EXCUSES = ROOT / "tests" / "mutants_excused.toml"
LEAST, MOST_EXCUSED = 0.95, 0.05
SECONDS = 120  # of computing, after which a test counts as hanging
PASSED, FAILED, INTERRUPTED, HUNG = 0, 1, 2, 128  # exit codes of pytest, and of a child that was killed


@dataclass(frozen=True)
class Target:
    """A module that the gate covers.

    Args:
        name: name of the method or of the module.
        module: dotted path.
        tests: its test files.
    """

    name: str
    module: str
    tests: tuple[Path, ...]

    @property
    def file(self) -> Path:
        """The module's source file."""
        return ROOT / (self.module.replace(".", "/") + ".py")

    def mutants(self) -> list[Mutant]:
        """All wrong versions of the module."""
        return mutants(self.file.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Verdict:
    """Result of the tests on a target's mutants.

    Args:
        target: the module.
        killed: mutants for which a test failed.
        survivors: mutants for which no test failed, and that are not excused.
        excused: mutants that no test can distinguish from the right version, listed in :data:`EXCUSES`.
    """

    target: Target
    killed: tuple[Mutant, ...]
    survivors: tuple[Mutant, ...]
    excused: tuple[Mutant, ...]

    @property
    def total(self) -> int:
        """Number of wrong versions."""
        return len(self.killed) + len(self.survivors) + len(self.excused)

    @property
    def share(self) -> float:
        """Share of killed mutants among all that are not excused."""
        judged = self.total - len(self.excused)
        return len(self.killed) / judged if judged else 1.0


class NoTests(Exception):
    """The tests of a target are missing, or fail without any change."""


def judge(target: Target, chosen: Sequence[Mutant] | None = None) -> Verdict:
    """Run the target's tests on each mutant, or on chosen ones, in a separate process each.

    Raises:
        NoTests: there are no tests, or they fail on the right version.
    """
    missing = [file for file in target.tests if not file.is_file()]
    if missing:
        raise NoTests(f"{target.name} has no {missing[0].relative_to(ROOT)}; write the equations out there.")
    prepare()
    code, output = run(target, target.file.read_text(encoding="utf-8"))
    if code != PASSED:
        raise NoTests(f"The tests of {target.name} fail without any change (pytest ended with {code}).\n{output}")
    excuses = [excuse for excuse in read_excuses() if excuse["name"] == target.name]
    killed: list[Mutant] = []
    survivors: list[Mutant] = []
    excused: list[Mutant] = []
    for mutant in target.mutants() if chosen is None else chosen:
        if run(target, mutant.source)[0] != PASSED:
            killed.append(mutant)
        else:
            (excused if any(excuses_one(excuse, mutant) for excuse in excuses) else survivors).append(mutant)
    return Verdict(target, tuple(killed), tuple(survivors), tuple(excused))


def excuses_one(excuse: dict[str, str], mutant: Mutant) -> bool:
    """Whether an excuse matches this mutant."""
    return (excuse["change"], excuse["line"]) == (mutant.change, mutant.text)


def read_excuses() -> list[dict[str, str]]:
    """The excused mutants: ``name`` of a target, ``change`` as printed, the ``line`` of source, and the ``reason``."""
    if not EXCUSES.is_file():
        return []
    excuses: list[dict[str, str]] = tomllib.loads(EXCUSES.read_text(encoding="utf-8")).get("excused", [])
    return excuses


def prepare() -> None:
    """Import the packages that tests need, once for all child processes."""
    import torch

    torch.set_num_threads(1)  # threads do not survive a fork
    for name in ("pytest", "sklearn", "scipy.stats", "da.checks.harness", "da.checks.behaviour"):
        importlib.import_module(name)


def made_with(module: str) -> set[str]:
    """The imported modules that depend on a module, including itself and all tests."""
    ours = {name: imported(m) for name, m in sys.modules.items() if name.partition(".")[0] == "da"}
    dependents = {module}
    while users := {name for name, used in ours.items() if name not in dependents and dependents & used}:
        dependents |= users
    tests = str(ROOT / "tests")
    return dependents | {name for name, m in sys.modules.items() if str(getattr(m, "__file__", "")).startswith(tests)}


def forget(modules: Iterable[str]) -> None:
    """Remove modules, so that they are imported again; called in a child process, without effect on the parent."""
    for name in modules:
        parent, _, child = name.rpartition(".")
        sys.modules.pop(name, None)
        if parent in sys.modules and hasattr(sys.modules[parent], child):
            delattr(sys.modules[parent], child)


@cache
def imported(module: ModuleType) -> frozenset[str]:
    """Names of the modules that a module imports, from its source."""
    file = getattr(module, "__file__", None)
    if not file:
        return frozenset()
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


class Wrong(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Import hook that loads one module from given source instead of its file."""

    def __init__(self, module: str, file: Path, source: str):
        self.module, self.file, self.source = module, file, source

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self.file, loader=self)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.file), "exec"), module.__dict__)


def run(target: Target, source: str, arguments: Iterable[str] = ()) -> tuple[int, str]:
    """Run the target's tests on some source of it up to the first failure; returns the exit code and the output.

    Raises:
        NoTests: pytest collected no tests, or could not be called.
    """
    stale = made_with(target.module)
    with tempfile.TemporaryFile() as output:
        gc.freeze()  # the child need not collect the parent's objects
        child = os.fork()
        if child == 0:
            code = HUNG
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
                for stream in (1, 2):
                    os.dup2(output.fileno(), stream)
                forget(stale)
                sys.meta_path.insert(0, Wrong(target.module, target.file, source))
                code = _pytest(target, arguments)
            finally:
                sys.stdout.flush()
                os._exit(code)
        gc.unfreeze()
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        output.seek(0)
        words = output.read().decode(errors="replace")[-3000:]
    if code in (3, 4, 5):
        raise NoTests(f"pytest could not run the tests of {target.name} (exit code {code}).\n{words}")
    return code, words


def _pytest(target: Target, arguments: Iterable[str]) -> int:
    import pytest

    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # plug-ins would be loaded again in every child
    left_out = ("cacheprovider", "faulthandler", "unraisableexception", "threadexception")
    plain = ["-x", "-q", "--no-header", *(word for name in left_out for word in ("-p", f"no:{name}"))]
    marks = ["-m", "not slow and not gpu and not mutants and not data"]
    return int(pytest.main([*plain, *marks, *arguments, *map(str, target.tests)]))


def verdicts(targets: Iterable[Target]) -> Iterator[Verdict]:
    """Judge targets one after the other."""
    yield from map(judge, targets)


def complaints(outcomes: Sequence[Verdict], known: Sequence[Target]) -> list[str]:
    """Sentences on everything that fails the gate; empty if it passes.

    Args:
        outcomes: the verdicts.
        known: all targets, to detect excuses for unknown ones.
    """
    wrong = [
        f"{v.target.name}: {len(v.killed)} of {v.total - len(v.excused)} wrong versions are noticed, fewer than "
        f"{LEAST:.0%}; add tests for those that are listed."
        for v in outcomes
        if v.share < LEAST
    ]
    names = {target.name for target in known}
    judged = {v.target.name: v.excused for v in outcomes}
    for excuse in read_excuses():
        name, change = excuse["name"], excuse["change"]
        needless = name in judged and not any(excuses_one(excuse, mutant) for mutant in judged[name])
        if name not in names or needless:
            wrong.append(f"{EXCUSES.name} excuses '{change}' of {name}, which needs no excuse; remove that.")
        if len(excuse.get("reason", "")) < 20:
            wrong.append(f"{EXCUSES.name} does not say why '{change}' of {name} is excused.")
    total, excused = sum(v.total for v in outcomes), sum(len(v.excused) for v in outcomes)
    if excused > max(1, MOST_EXCUSED * total):
        wrong.append(f"{excused} of {total} wrong versions are excused, more than {MOST_EXCUSED:.0%}; test them.")
    return wrong
