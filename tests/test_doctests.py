"""The examples in docstrings do what they show."""

import ast
import doctest
import importlib
from collections.abc import Iterator

import pytest
from processes import ROOT

SHOWN = {"da.divergences", "da.estimators.adapter", "da.schedules", "da.search_space", "da.setting"}
"""Where a reader looks first for how a function is called."""


def examples() -> Iterator[tuple[str, str, str, int]]:
    """Module, name in it, docstring and line of every docstring with an example, found without an import.

    doctest's own search leaves out functions whose decorator comes from another module, as all divergences have one.
    """
    for file in sorted((ROOT / "da").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if ">>>" in text:
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield from ((module, *rest) for rest in documented(ast.parse(text), ""))


def documented(node: ast.AST, name: str) -> Iterator[tuple[str, str, int]]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
        doc = ast.get_docstring(node, clean=False) or ""
        if ">>>" in doc:
            yield name or "(module)", doc, node.body[0].lineno - 1
        for child in node.body:
            yield from documented(child, f"{name}.{getattr(child, 'name', '')}".lstrip("."))


ALL = list(examples())


@pytest.mark.parametrize(("module", "name", "doc", "line"), [pytest.param(*e, id=f"{e[0]}.{e[1]}") for e in ALL])
def test_example(module: str, name: str, doc: str, line: int) -> None:
    loaded = importlib.import_module(module)
    test = doctest.DocTestParser().get_doctest(doc, dict(vars(loaded)), name, loaded.__file__, line)
    assert test.examples
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert not report, "".join(report)


def test_an_example_that_no_longer_holds_fails() -> None:
    report: list[str] = []
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert "Expected:\n    3\nGot:\n    2\n" in "".join(report)


def test_there_are_examples_where_readers_look() -> None:
    modules = [module for module, *_ in ALL]
    assert len(modules) >= 10
    lacking = [place for place in SHOWN if not any(f"{module}.".startswith(f"{place}.") for module in modules)]
    assert not lacking
