"""Mutants: small wrong versions of a module's source, with typical errors in equations."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SCHEDULES = frozenset({"sigmoid_ramp", "linear_ramp", "inverse_decay", "cosine_decay", "constant"})
SYMMETRIC = frozenset(
    {"coral", "mk_mmd", "soft_mmd", "discrepancy", "mse_loss", "min", "max", "squared_distances"}
)  # in their first two arguments
PLAIN = frozenset({"isinstance", "getattr", "hasattr", "setattr", "zip", "range", "super", "cast", "issubclass"})
MOST_TEXT = 90


@dataclass(frozen=True)
class Mutant:
    """One wrong version.

    Args:
        operator: kind of the error.
        line: number of the line in the right source.
        text: that line.
        before: the right code.
        after: the wrong code.
        source: the whole wrong module.
    """

    operator: str
    line: int
    text: str
    before: str
    after: str
    source: str

    @property
    def change(self) -> str:
        """The error in one line, without the line number, which may change."""
        return f"{self.operator}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Slot:
    """A node of a syntax tree and its place in the parent."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    function: ast.FunctionDef | None

    def put(self, new: ast.AST) -> None:
        """Replace the node."""
        if self.index is None:
            setattr(self.parent, self.field, new)
        else:
            getattr(self.parent, self.field)[self.index] = new


Mutation = Callable[[Any], ast.AST]  # makes the wrong node from a copy of the right one


def mutants(source: str) -> list[Mutant]:
    """All wrong versions of a module, in the order of its lines; each operator at every place where it applies.

    Not changed: docstrings, annotations, decorators, constants of classes and of the module, constructors (whose
    defaults the YAML repeats), raised errors, and f-strings.

    ============  ========================================================================================
    ``sign``      plus for minus; a minus dropped, or put before a term, a returned number or a float
    ``factor``    twice a term, a returned number, a product or a quotient
    ``detach``    ``.detach()`` dropped, ``torch.no_grad()`` dropped
    ``ramp``      1 in place of a schedule, or of ``progress`` in a product or an argument
    ``domains``   the target's in place of the source's at one place, and the reverse
    ``repeat``    ``repeat=1``
    ``transpose`` the first two arguments of a call in the other order, or the two sides of ``@``
    ============  ========================================================================================
    """
    tree, lines = ast.parse(source), source.splitlines()
    effective = []
    for number, slot in enumerate(slots(tree)):
        for operator, change in changes(slot):
            copied = ast.parse(source)
            twin = slots(copied)[number]
            before = text(slot.node)
            new = ast.fix_missing_locations(ast.copy_location(change(twin.node), twin.node))
            twin.put(new)
            line = getattr(slot.node, "lineno", 1)
            words = lines[line - 1].strip()
            mutant = Mutant(operator, line, words, before, text(new), ast.unparse(copied))
            if mutant.before != mutant.after:
                effective.append(mutant)
    return sorted(effective, key=lambda m: m.line)


def text(node: ast.AST) -> str:
    """A node as source in one line."""
    flat = " ".join(ast.unparse(node).split())
    return flat if len(flat) <= MOST_TEXT else flat[: MOST_TEXT - 3] + "..."


def slots(tree: ast.Module) -> list[Slot]:
    """The places in function bodies where a node may be replaced."""
    return list(_below(tree, None))


def _below(parent: ast.AST, function: ast.FunctionDef | None) -> Iterator[Slot]:
    for field, value in ast.iter_fields(parent):
        several = isinstance(value, list)
        for index, node in enumerate(value if several else [value]):
            if not isinstance(node, ast.AST) or _left_alone(node, parent, field, function):
                continue
            inner = node if isinstance(node, ast.FunctionDef) else function
            if function is not None:
                yield Slot(node, parent, field, index if several else None, function)
            yield from _below(node, inner)


def _left_alone(node: ast.AST, parent: ast.AST, field: str, function: ast.FunctionDef | None) -> bool:
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.arguments | ast.Assert):
        return True
    if isinstance(node, ast.FunctionDef) and node.name == "__init__":
        return True
    if field in ("annotation", "returns", "decorator_list", "bases", "keywords") and not isinstance(parent, ast.Call):
        return True
    return function is None and not isinstance(node, ast.ClassDef | ast.FunctionDef)


def changes(slot: Slot) -> Iterator[tuple[str, Mutation]]:
    """Yield the operators that apply at a place."""
    node, parent = slot.node, slot.parent
    is_value = _is_value(slot)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Add | ast.Sub) and _numeric(node):
            yield "sign", _other_sign
        outer = not (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div))
        if isinstance(node.op, ast.Mult | ast.Div) and outer and not is_value and _numeric(node):
            yield "factor", _twice
        if isinstance(node.op, ast.MatMult):
            yield "transpose", _sides
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        yield "sign", _other_sign
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not _is_integer(node.operand):
        yield "sign", lambda n: n.operand
    if is_value:
        if not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)):
            yield "sign", lambda n: ast.UnaryOp(ast.USub(), n)
        yield "factor", _twice
    if isinstance(node, ast.Call):
        yield from _calls(node)
    if isinstance(node, ast.With) and "no_grad" in ast.unparse(node.items[0].context_expr):
        yield "detach", lambda n: ast.If(ast.Constant(True), n.body, [])
    if isinstance(node, ast.Name) and node.id == "progress" and isinstance(node.ctx, ast.Load):
        factor = isinstance(parent, ast.BinOp)
        own = isinstance(parent, ast.Call) and ast.unparse(parent.func).startswith("self.")
        if factor or own:
            yield "ramp", lambda n: ast.Constant(1.0)
    if isinstance(node, ast.keyword) and node.arg == "repeat":
        yield "repeat", lambda n: ast.keyword("repeat", ast.Constant(1))
    yield from _domains(slot)


def _calls(node: ast.Call) -> Iterator[tuple[str, Mutation]]:
    name = ast.unparse(node.func).rpartition(".")[2]
    if isinstance(node.func, ast.Attribute) and name == "detach" and not node.args:
        yield "detach", lambda n: n.func.value
    if name in SCHEDULES:
        yield "ramp", lambda n: ast.Constant(1.0)
    plain = not any(isinstance(a, ast.Starred) for a in node.args[:2])
    if len(node.args) >= 2 and plain and name not in SYMMETRIC | PLAIN:
        yield "transpose", _arguments


def _domains(slot: Slot) -> Iterator[tuple[str, Mutation]]:
    node = slot.node
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store) and len(node.elts) == 2:
        names = [getattr(e, "id", "") for e in node.elts]
        if all(names) and other_domain(names[0]) == names[1]:
            yield "domains", lambda n: ast.Tuple(n.elts[::-1], ast.Store())
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and other_domain(node.id):
        yield "domains", lambda n: ast.Name(other_domain(n.id) or n.id, ast.Load())
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in ("source", "target"):
        yield "domains", lambda n: ast.Attribute(n.value, other_domain(n.attr) or n.attr, ast.Load())


def other_domain(name: str) -> str | None:
    """The corresponding name of the other domain, or None."""
    for own, other in (("source", "target"), ("target", "source")):
        if name == own:
            return other
    for own, other in (("_s", "_t"), ("_t", "_s")):
        if name.endswith(own):
            return name[: -len(own)] + other
    return None


def _is_value(slot: Slot) -> bool:
    """Whether a place holds a term of a loss, or a number or tensor that a function returns."""
    if isinstance(slot.node, ast.Dict | ast.Tuple | ast.List | ast.Constant | ast.DictComp | ast.ListComp):
        return False
    if isinstance(slot.parent, ast.Dict) and slot.field == "values":
        assert slot.function is not None
        return ast.unparse(slot.function.returns) == "Terms" if slot.function.returns else False
    if isinstance(slot.parent, ast.Return) and slot.function is not None and slot.function.returns is not None:
        return ast.unparse(slot.function.returns) in ("Tensor", "float")
    return False


def _numeric(node: ast.BinOp) -> bool:
    """Whether an operation is on numbers as far as the syntax shows: not on strings, lists or tuples."""
    kinds = (ast.List, ast.Tuple, ast.JoinedStr, ast.ListComp, ast.Dict)
    return not any(
        isinstance(side, kinds) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def _is_integer(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _other_sign(node: Any) -> ast.AST:
    node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
    return copy.copy(node)


def _twice(node: ast.expr) -> ast.AST:
    return ast.BinOp(ast.Constant(2.0), ast.Mult(), node)


def _sides(node: ast.BinOp) -> ast.AST:
    return ast.BinOp(node.right, node.op, node.left)


def _arguments(node: ast.Call) -> ast.AST:
    return ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
