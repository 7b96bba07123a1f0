"""What raises says so: public functions document the errors that their own bodies raise."""

import ast
from collections.abc import Iterator

from processes import ROOT

PASSED_ON = {"NotImplementedError"}
"""Errors without a line: an abstract method's docstring says what a subclass must write, not what happens if not."""
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def functions(
    body: list[ast.stmt], owners: tuple[ast.ClassDef, ...] = ()
) -> Iterator[tuple[ast.FunctionDef, tuple[ast.ClassDef, ...]]]:
    """The public functions, public methods of public classes, and constructors of these, with their classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef) and (node.name == "__init__" or not node.name.startswith("_")):
            yield node, owners
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from functions(node.body, (*owners, node))


def raised(node: ast.AST, *, handled: str | None = None) -> Iterator[str]:
    """Names of the errors that a function's own body raises, those of functions inside it left out.

    A bare ``raise``, or one of the error that an ``except`` has just named, passes on what came from elsewhere.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, SCOPES):
            continue
        if isinstance(child, ast.Raise) and child.exc is not None:
            error = child.exc.func if isinstance(child.exc, ast.Call) else child.exc
            name = ast.unparse(error).rpartition(".")[2]
            if name not in PASSED_ON | {handled}:
                yield name
        yield from raised(child, handled=child.name if isinstance(child, ast.ExceptHandler) else handled)


def documented(function: ast.FunctionDef, owners: tuple[ast.ClassDef, ...]) -> str:
    """The ``Raises:`` section of a function; of its class for constructors and overrides without a docstring."""
    own = ast.get_docstring(function)
    text = (ast.get_docstring(owners[-1]) if own is None and owners else own) or ""
    section = text.partition("Raises:\n")[2]
    return "\n".join(line for line in section.split("\n\n")[0].splitlines() if line.startswith(" "))


def lacking(tree: ast.Module) -> list[str]:
    """The public functions of a module that raise an error which they do not document.

    Of what a function or a variable gives (``raise _refusal(path)``), any line will do: its name is no error's.
    """
    return [
        f"{'.'.join([*(owner.name for owner in owners), function.name])} raises {name} and has no line on it under Raises:"
        for function, owners in functions(tree.body)
        for name in sorted(set(raised(function)))
        if (f"{name}: " if name.lstrip("_")[0].isupper() else ": ") not in documented(function, owners)
    ]


def test_public_functions_document_what_they_raise() -> None:
    wrong = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts): lacking(ast.parse(file.read_text(encoding="utf-8")))
        for file in sorted((ROOT / "da").rglob("*.py"))
    }
    left = [f"{module}: {line}" for module, lines in wrong.items() for line in lines]
    assert not left, "\n".join(left)


def test_an_error_without_its_line_is_noticed() -> None:
    """The rule on a module that has one of each."""
    code = '''
class Known:
    """A class.

    Raises:
        ValueError: the number is not above 0.
    """

    def __init__(self, number):
        if number <= 0:
            raise ValueError("not above 0")

    def run(self):
        """Run it."""
        raise KeyError("nothing")

    def abstract(self):
        """What a subclass writes."""
        raise NotImplementedError


def passed_on():
    """Passes errors on."""
    try:
        Known(1)
    except ValueError as error:
        raise error
    except OSError:
        raise
    except KeyError as error:
        raise errors.Refused("no") from error


def other():
    """Documents another error.

    Raises:
        TypeError: it is no number.

    ValueError: is no part of the section any more.
    """
    raise ValueError("no number")


def _private():
    raise ValueError
'''
    assert lacking(ast.parse(code)) == [
        "Known.run raises KeyError and has no line on it under Raises:",
        "passed_on raises Refused and has no line on it under Raises:",
        "other raises ValueError and has no line on it under Raises:",
    ]
