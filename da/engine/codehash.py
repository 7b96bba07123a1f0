"""Hash of the code that a run computes with, independent of its location and documentation.

It is computed from the syntax trees of the definitions that a class or function uses inside the project, without
docstrings, comments, annotations and import lines: the hash does not change when a module is moved, renamed or
documented, or with a definition that the class never uses. Nothing is imported.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from da.config import catalog
from da.signatures import absolute, locate, parse, statements

PROJECT = "da"
ALWAYS = ("da.engine.run.trained",)
"""Code that every run uses: the order of samples, the data granted to a method, and the assembly of a run."""
APART: tuple[str, ...] = (
    "da.config.catalog",
    "da.config.machine",
    "da.engine.checkpoint",
    "da.engine.evaluation",
    "da.engine.progress",
    "da.signatures",
    "da.config.titles",
    "da.engine.observer",
    "da.engine.tracking.tracker",
    "da.schedules.LEARNING_RATE",
)
"""Modules that are not followed from there: they configure, store, show or score (see :func:`of_scoring`), but are not
part of a method; of the schedules a run uses only one."""
CLOSED_FORM = ("da.engine.closed_form", "da.methods.closed_form", "da.engine.run._classifier")
DEEP = ("da.engine.deep", "da.methods.base", "da.methods.parts", "da.engine.run._network")
"""What is not followed of a run of the other kind."""
IDLE = {"search_space", "exempt", "corrects", "trains_weighted", "held_out"}
"""Constants of a class that do not affect runs."""


class Place(NamedTuple):
    """A name in a module of the project; without a name the module itself."""

    module: str
    name: str


class Module(NamedTuple):
    """Names bound at the top level of a module.

    Args:
        definitions: statements by the name that they bind.
        imports: places, or paths of other packages, by the name that they are imported as.
    """

    definitions: Mapping[str, list[ast.stmt]]
    imports: Mapping[str, Place | str]


def of_config(config: Mapping[str, Any]) -> str:
    """Hash of the code that a run computes with: method, classifier or network, batches, and their assembly.

    Args:
        config: a validated configuration, of which only the names of classes are used.
    """
    target = str(config["method"]["_target_"])
    reached, without = [*_targets(config["method"]), *ALWAYS], APART
    if catalog.resolve(target, "method").path.startswith("da.estimators."):
        reached += _targets(config["classifier"])
        without += DEEP
    else:
        reached += [*_targets(config["network"]), *_targets(config["optimizer"]), f"da.schedules.{config['schedule']}"]
        without += CLOSED_FORM
    return of(*sorted(set(reached)), without=without)


def of_definitions(file: Path, *names: str) -> str:
    """Hash of some definitions of a file that is not a module of the project."""
    nodes = [node for node in statements(parse(file)) if set(_bound(node)) & set(names)]
    texts = sorted(ast.dump(_Bare().visit(copy.deepcopy(node)), annotate_fields=False) for node in nodes)
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12]


def of_scoring() -> dict[str, str]:
    """Hashes of the code of scores: ``evaluation`` with its metrics, and each selection rule, by name."""
    package = locate("da.selection")
    assert package is not None
    rules = sorted(file.stem for file in package.parent.glob("[!_]*.py"))
    hashes = {rule: of(f"da.selection.{rule}.score", f"da.selection.{rule}.READS") for rule in rules}
    return {"evaluation": of("da.engine.evaluation.Evaluator", "da.methods.inference.predict"), **hashes}


def _targets(node: Mapping[str, Any]) -> Iterator[str]:
    """Yield every class that a node names, by its path or by its entry's name."""
    signature = catalog.resolve(str(node["_target_"]), "config")
    yield signature.path
    known = signature.keywords()
    for key, value in node.items():
        if isinstance(value, Mapping) and "_target_" in value:
            yield from _targets(value)
        elif isinstance(value, str) and key in known and catalog.takes_entry(known[key].annotation):
            yield from _targets(catalog.named("method", value).config)


@cache
def of(*paths: str, without: tuple[str, ...] = ()) -> str:
    """Hash (12 hex digits) of all code inside the project that classes and functions use.

    Args:
        paths: dotted paths of the classes and functions.
        without: modules, and paths of single definitions, that are not followed.
    """
    collected: set[str] = set()
    seen: set[Place] = set()
    waiting = [Place(*path.rpartition(".")[::2]) for path in paths]
    while waiting:
        place = waiting.pop()
        if place not in seen and place.module not in without and ".".join(place) not in without:
            seen.add(place)
            texts, leads = _reach(place)
            collected |= texts
            waiting += leads
    return hashlib.sha256(json.dumps(sorted(collected)).encode()).hexdigest()[:12]


@cache
def _reach(place: Place) -> tuple[frozenset[str], tuple[Place, ...]]:
    """The text of a place's definitions, and the places that they refer to; names of other packages are text."""
    if not _ours(place.module):
        return frozenset({f"{place.module}.{place.name}"}), ()
    if _is_module(f"{place.module}.{place.name}"):
        return frozenset(), ()  # the parts of it that are used are attributes, see below
    module = _module(place.module)
    if place.name in module.imports:
        origin = module.imports[place.name]
        return (frozenset({origin}), ()) if isinstance(origin, str) else (frozenset(), (origin,))
    texts: set[str] = set()
    leads: list[Place] = []
    for statement in module.definitions.get(place.name, ()):
        bare = _Bare().visit(copy.deepcopy(statement))
        texts.add(ast.dump(bare, annotate_fields=False))
        imports = {**module.imports, **_imports(ast.walk(statement), place.module)}
        for node in ast.walk(bare):
            if isinstance(node, ast.Attribute):
                chain = ast.unparse(node).split(".")
                leads += _attribute(chain, imports) if chain[0] in imports else []
            elif isinstance(node, ast.Name):
                if node.id in imports:
                    origin = imports[node.id]
                    if isinstance(origin, str):
                        texts.add(origin)
                    else:
                        leads.append(origin)
                elif node.id in module.definitions:
                    leads.append(Place(place.module, node.id))
    return frozenset(texts), tuple(leads)


def _attribute(chain: list[str], imports: Mapping[str, Place | str]) -> list[Place]:
    """The places that ``module.name`` refers to, if it begins with a module of the project."""
    origin = imports[chain[0]]
    if isinstance(origin, str):
        return []
    path = ".".join(part for part in origin if part)
    for k, word in enumerate(chain[1:], 1):
        if not _is_module(path):
            return []
        if not _is_module(f"{path}.{word}"):
            return [Place(path, word)] if k else []
        path = f"{path}.{word}"
    return []


def _ours(module: str) -> bool:
    return module.split(".")[0] == PROJECT


@cache
def _is_module(path: str) -> bool:
    return _ours(path) and locate(path) is not None


@cache
def _module(path: str) -> Module:
    file = locate(path)
    assert file is not None, f"there is no module {path}"
    top = list(statements(parse(file)))
    definitions: dict[str, list[ast.stmt]] = {}
    for node in top:
        for name in _bound(node):
            definitions.setdefault(name, []).append(node)
    return Module(definitions, _imports(iter(top), path))


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    names = [inner for target in targets if target is not None for inner in ast.walk(target)]
    return [inner.id for inner in names if isinstance(inner, ast.Name)]


def _imports(nodes: Iterator[Any], module: str) -> dict[str, Place | str]:
    file = locate(module)
    assert file is not None
    bindings: dict[str, Place | str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                path = alias.name if alias.asname else alias.name.split(".")[0]
                bindings[alias.asname or path] = Place(path, "") if _ours(path) else path
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(node, module, file)
            for alias in node.names:
                inside = Place(origin, alias.name) if _ours(origin) else f"{origin}.{alias.name}"
                bindings[alias.asname or alias.name] = inside
    return bindings


class _Bare(ast.NodeTransformer):
    """Remove the parts of a definition that only readers and type checkers use."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # the name is ast's
        node.returns = None
        return self.without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [s for s in node.body if not (isinstance(s, ast.Assign | ast.AnnAssign) and IDLE & set(_bound(s)))]
        return self.without_docstring(node)

    def without_docstring(self, node: Any) -> ast.AST:
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:]
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        bare = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)  # documents the line above
        return None if bare else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:  # a field, of which only the name counts
            return ast.Expr(node.target)
        return ast.Assign([node.target], node.value)

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None
