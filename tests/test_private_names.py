"""What Lightning keeps to itself is not used: its releases change it without a word."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytorch_lightning
from processes import ROOT


@cache
def private() -> frozenset[str]:
    """Names with one underscore before them that Lightning's classes give to methods and attributes."""
    names: set[str] = set()
    for file in Path(pytorch_lightning.__file__).parent.rglob("*.py"):
        names |= bound(ast.parse(file.read_text(encoding="utf-8")))
    return frozenset(name for name in names if name.startswith("_") and not name.startswith("__"))


def bound(tree: ast.Module) -> set[str]:
    """Names of methods, of what is assigned to an attribute, and of what a class's body assigns."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def taken(text: str) -> Iterator[str]:
    """Lightning's private names that a module uses and has not made itself, and private modules that it imports."""
    tree = ast.parse(text)
    own = bound(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in private() - own:
            yield f"line {node.lineno}: .{node.attr}"
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in private():
            owner = ast.unparse(node.value)
            if owner not in ("self", "cls"):
                yield f"line {node.lineno}: {owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(
            ("pytorch_lightning", "lightning_fabric")
        ):
            parts = [*str(node.module).split("."), *(alias.name for alias in node.names)]
            yield from (f"line {node.lineno}: imports {part}" for part in parts if part.startswith("_"))


def test_no_module_uses_what_lightning_keeps_to_itself() -> None:
    wrong = []
    for file in sorted((ROOT / "da").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "lightning" in text or "da.methods" in text or "trainer" in text:
            wrong += [f"{file.relative_to(ROOT)} {found}" for found in taken(text)]
    assert not wrong, "\n".join(wrong)


def test_the_search_finds_what_it_is_to_find() -> None:
    for text in (
        "trainer._checkpoint_connector.dump_checkpoint()",
        "def f(method):\n    return method._trainer",
        "class A(Method):\n    def f(self):\n        return self._trainer",
        "method._trainer = copy._trainer = None",
        "from pytorch_lightning.utilities.imports import _RICH_AVAILABLE",
    ):
        assert list(taken(text)), text
    assert not list(
        taken("class A:\n    def __init__(self):\n        self._trainer = 1\n    f = lambda self: self._trainer")
    )
