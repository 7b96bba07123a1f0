"""Check values of a configuration against annotations in source, and describe what these allow."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from da import bounds
from da.bounds import Bound
from da.signatures import evaluate

NUMBERS = {"int": Bound(), "float": Bound()}
OPEN = ("", "Any", "object")


class Kind(NamedTuple):
    """One alternative of an annotation.

    Args:
        name: ``None``, ``int``, ``float``, ``bool``, ``str``, ``File``, ``Weights``, ``list``, ``tuple``, ``dict``,
            ``Literal`` or ``Any``; otherwise a class, whose objects a configuration gives as nodes with a
            ``_target_``.
        bound: range of a number.
        inner: annotations of the items of a list, tuple or dict.
        values: values of a ``Literal``.
    """

    name: str
    bound: Bound | None = None
    inner: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether a plain value is of this kind."""
        if self.bound is not None:
            if isinstance(value, str):
                return self.bound.infinite and value == "inf"
            whole = isinstance(value, int) and not isinstance(value, bool)
            return (whole or (self.name == "float" and isinstance(value, float))) and self.bound.admits(value)
        match self.name:
            case "Any":
                return _finite(value)
            case "None":
                return value is None
            case "bool":
                return isinstance(value, bool)
            case "str" | "File":
                return isinstance(value, str) and "\0" not in value
            case "Weights":
                return isinstance(value, str) and value != "" and "\0" not in value
            case "Literal":
                return any(value == v and type(value) is type(v) for v in self.values)
            case "list":
                return isinstance(value, list) and all(fits(item, self.inner[0]) for item in value)
            case "tuple":
                return isinstance(value, list) and len(value) == len(self.inner) and all(map(fits, value, self.inner))
            case "dict":
                return isinstance(value, dict) and all(fits(item, self.inner[-1]) for item in value.values())
        return False

    def words(self) -> list[str]:
        """Phrases that describe the allowed values, one for each alternative."""
        if self.bound is not None:
            return [self.bound.words(whole=self.name == "int")]
        match self.name:
            case "Literal":
                return [str(value) for value in self.values]
            case "list":
                return [f"a list of which each is {words(self.inner[0])}"]
            case "tuple":
                return [f"a list of {len(self.inner)}, {' and '.join(map(words, self.inner))}"]
        plain = {"Any": "finite", "None": "null", "bool": "true or false", "str": "a text", "dict": "a mapping"}
        plain |= {"File": "a path", "Weights": "a file or a name"}
        return [plain.get(self.name, f"a node with the _target_ of a {self.name}")]


def fits(value: Any, annotation: str) -> bool:
    """Whether a plain value fits an annotation; a missing annotation allows anything without ``nan`` and ``inf``."""
    return any(kind.holds(value) for kind in kinds(annotation))


def words(annotation: str) -> str:
    """Describe the values that an annotation allows, for messages: ``a number above 0 or null``."""
    *most, last = dict.fromkeys(phrase for kind in kinds(annotation) for phrase in kind.words())
    return f"{', '.join(most)} or {last}" if most else last


def takes_node(annotation: str) -> bool:
    """Whether an annotation allows a node, because it names a class or allows anything."""
    known = ("None", "bool", "str", "File", "Weights", "Literal", "list", "tuple", "dict")
    return any(kind.bound is None and kind.name not in known for kind in kinds(annotation))


def numeric(annotation: str) -> bool:
    """Whether an annotation allows numbers, alone or in a list."""
    return any(kind.bound is not None or any(map(numeric, kind.inner)) for kind in kinds(annotation))


def read(value: Any, annotation: str) -> Any:
    """Convert a fitting value to what the constructor takes: ``inf`` is text in JSON, which has no such number."""
    infinite = any(kind.bound is not None and kind.bound.infinite for kind in kinds(annotation))
    return math.inf if infinite and value == "inf" else value


@cache
def kinds(annotation: str) -> tuple[Kind, ...]:
    """The alternatives of an annotation."""
    return tuple(_alternatives(ast.parse(annotation, mode="eval").body)) if annotation not in OPEN else (Kind("Any"),)


def _alternatives(node: ast.expr) -> Iterator[Kind]:
    if isinstance(node, ast.BinOp):
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    elif isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        yield from _subscript(ast.unparse(node.value), inner)
    else:
        name = ast.unparse(node)
        of, metadata = _alias(name)
        yield Kind("Any") if name in OPEN else Kind(of, metadata or NUMBERS.get(of))


def _subscript(name: str, inner: list[ast.expr]) -> Iterator[Kind]:
    match name:
        case "Annotated":
            yield Kind(ast.unparse(inner[0]), evaluate(inner[1], vars(bounds)))
        case "Literal":
            yield Kind(name, values=tuple(ast.literal_eval(node) for node in inner))
        case "Union" | "Optional":
            for node in inner:
                yield from _alternatives(node)
            if name == "Optional":
                yield Kind("None")
        case _:
            yield Kind(name, inner=tuple(map(ast.unparse, inner)))


def _alias(name: str) -> tuple[str, Bound | None]:
    """Type and range that a name of :mod:`da.bounds` stands for; any other name stands for itself."""
    alias: Any = vars(bounds).get(name)
    return (alias.__origin__.__name__, alias.__metadata__[0]) if hasattr(alias, "__metadata__") else (name, None)


def _finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)
