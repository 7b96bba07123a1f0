"""Read constructors, docstrings and class constants from source, without importing what they belong to.

`--help`, `--list` and the validation of configurations must work before PyTorch has been imported.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of a constructor or function."""

    name: str
    annotation: str
    default: Any
    required: bool
    keyword_only: bool


@dataclass(frozen=True)
class Signature:
    """Constructor, docstring and constants of a class or function, read from its source.

    Args:
        path: its dotted path, after re-exports were followed.
        doc: its docstring.
        parameters: of the constructor, without ``self``.
        open: it takes ``**kwargs``, so that any name is accepted.
        constants: class-level assignments, as syntax trees.
        bases: names of the base classes as written.
    """

    path: str
    doc: str
    parameters: tuple[Parameter, ...]
    open: bool
    constants: dict[str, ast.expr]
    bases: tuple[str, ...]

    def keywords(self) -> dict[str, Parameter]:
        """Parameters that a configuration may set; in `da` the keyword-only ones (the run passes the others)."""
        ours = self.path.startswith("da.")
        return {p.name: p for p in self.parameters if p.keyword_only or not ours}


def find(dotted: str) -> Signature | None:
    """The signature of ``package.module.Name``, or None where the source cannot be found."""
    module, _, name = dotted.rpartition(".")
    return _find(module, name, 0) if module else None


@cache
def _find(module: str, name: str, depth: int) -> Signature | None:
    file = locate(module)
    if file is None or depth > 8:
        return None
    tree = parse(file)
    for node in statements(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _class(node, module)
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _function(node, f"{module}.{name}", ast.get_docstring(node) or "", method=False)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    origin = absolute(node, module, file)
                    signature = _find(origin, alias.name, depth + 1)
                    if signature:
                        return signature
    return None


@cache
def derives(dotted: str, base: str, depth: int = 0) -> bool:
    """Whether a class is ``base`` or a direct or indirect subclass of it, according to their source."""
    signature = find(dotted)
    if signature is None or depth > 12:
        return False
    if signature.path == base:
        return True
    module = signature.path.rpartition(".")[0]
    return any(derives(_written(module, name), base, depth + 1) for name in signature.bases)


def _written(module: str, name: str) -> str:
    """Resolve a name used in a module to a dotted path: its own, an imported one, or ``svm.SVC`` of an import."""
    first, dot, rest = name.partition(".")
    file = locate(module)
    for node in statements(parse(file)) if dot and file else ():
        if isinstance(node, ast.Import | ast.ImportFrom):
            origin = f"{absolute(node, module, file)}." if isinstance(node, ast.ImportFrom) and file else ""
            for alias in node.names:
                if (alias.asname or alias.name) == first:
                    return f"{origin}{alias.name}.{rest}"
    return f"{module}.{name}"


def accepts(dotted: str, method: str, parameter: str) -> bool | None:
    """Whether a class's method, own or inherited from the first base with it, takes a parameter; None if not known."""
    module, _, name = dotted.rpartition(".")
    return _accepts(module, name, method, parameter, 0) if module else None


def _accepts(module: str, name: str, method: str, parameter: str, depth: int) -> bool | None:
    file = locate(module)
    if file is None or depth > 12:
        return None
    for node in statements(parse(file)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _accepts(absolute(node, module, file), alias.name, method, parameter, depth + 1)
        if isinstance(node, ast.ClassDef) and node.name == name:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == method:
                    arguments = item.args
                    names = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
                    return parameter in names or arguments.kwarg is not None
            for base in node.bases:
                if isinstance(base, ast.Name):
                    inherited = _accepts(module, base.id, method, parameter, depth + 1)
                    if inherited is not None:
                        return inherited
    return None


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Yield top-level statements, and those inside top-level if, try and with blocks."""
    for node in getattr(tree, "body", []):
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from statements(node)


def absolute(node: ast.ImportFrom, module: str, file: Path) -> str:
    """The dotted path that ``from ... import`` names in a module."""
    if not node.level:
        return node.module or ""
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def locate(module: str) -> Path | None:
    """The source file of a module, found by walking its top package's folder."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    for root in (spec.submodule_search_locations or []) if spec else []:
        base = Path(root).joinpath(*rest)
        for file in (base / "__init__.py", base.with_suffix(".py")):
            if file.is_file():
                return file
    return Path(spec.origin) if spec and not rest and spec.has_location and spec.origin else None


@cache
def parse(file: Path) -> ast.Module:
    """The syntax tree of a source file."""
    return ast.parse(file.read_text(encoding="utf-8"))


def _class(node: ast.ClassDef, module: str) -> Signature:
    constants: dict[str, ast.expr] = {}
    init: ast.FunctionDef | None = None
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            constants[item.targets[0].id] = item.value
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value is not None:
            constants[item.target.id] = item.value
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            init = item
    doc = ast.get_docstring(node) or ""
    path = f"{module}.{node.name}"
    bases = tuple(ast.unparse(base) for base in node.bases)
    if init is None:
        return Signature(path, doc, (), False, constants, bases)
    constructor = _function(init, path, doc, method=True)
    return Signature(path, doc, constructor.parameters, constructor.open, constants, bases)


def _function(node: ast.FunctionDef, path: str, doc: str, *, method: bool) -> Signature:
    positional = [*node.args.posonlyargs, *node.args.args][1 if method else 0 :]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    parameters = [_parameter(a, d, False) for a, d in zip(positional, defaults, strict=True)]
    parameters += [_parameter(a, d, True) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
    return Signature(path, doc, tuple(parameters), node.args.kwarg is not None, {}, ())


def _parameter(argument: ast.arg, default: ast.expr | None, keyword_only: bool) -> Parameter:
    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
    return Parameter(argument.arg, annotation, _literal(default), default is None, keyword_only)


def _literal(node: ast.expr | None) -> Any:
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def evaluate(node: ast.expr, names: dict[str, Any]) -> Any:
    """Evaluate a call such as ``Access(source_y=ALL)`` that is built of literals and the given names only."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        keywords = {k.arg: evaluate(k.value, names) for k in node.keywords if k.arg}
        return names[node.func.id](**keywords)
    if isinstance(node, ast.Name):
        return names[node.id]
    return ast.literal_eval(node)
