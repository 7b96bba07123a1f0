"""Docstrings of the project (reStructuredText with sections such as ``Args``) as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from textwrap import dedent

SECTION = re.compile(r"^(Args|Raises|Returns|Reference|Deviates):[ \n]", re.MULTILINE)
BLOCK = re.compile(r"^ *\.\. math::((?:.*\n?)(?:(?: +\S.*)?\n?)*?)(?=\n\S|\n *\n|\Z)", re.MULTILINE)
ROLE = re.compile(r":(?:class|func|mod|data|attr|meth):`~?([\w.]+)`")
ARGUMENT = re.compile(r"^(\w+): ", re.MULTILINE)


@dataclass(frozen=True)
class Docstring:
    """The parts of a docstring, in Markdown.

    Args:
        summary: the first line.
        body: what follows it, up to the first section.
        arguments: description by name.
        reference: paper and equations.
        deviates: how the code differs from the paper; empty where it does not.
    """

    summary: str
    body: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""
    deviates: str = ""


def read(text: str, link: Callable[[str], str | None] = lambda path: None) -> Docstring:
    """Split a docstring, and write its parts in Markdown.

    Args:
        text: the docstring, without common indentation.
        link: the address of a page about a dotted path, or None where there is none.
    """
    first, _, rest = text.strip().partition("\n")
    parts = SECTION.split(rest)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    turn = partial(markdown, link=link)
    return Docstring(
        summary=turn(first),
        body=turn(parts[0].strip()),
        arguments={name: " ".join(turn(body).split()) for name, body in _arguments(sections.get("Args", "")).items()},
        reference=" ".join(turn(sections.get("Reference", "")).split()),
        deviates=turn(dedent(sections.get("Deviates", "")).strip()),
    )


def _arguments(text: str) -> dict[str, str]:
    pieces = ARGUMENT.split(dedent(text.strip("\n")))
    return dict(zip(pieces[1::2], map(str.strip, pieces[2::2]), strict=True))


def markdown(text: str, link: Callable[[str], str | None] = lambda path: None) -> str:
    """Inline markup and displayed formulas of reStructuredText as Markdown; formulas are between dollar signs."""
    text = BLOCK.sub(lambda m: f"\n$$\n{' '.join(m[1].split())}\n$$\n", text)
    text = re.sub(r":math:`([^`]+)`", lambda m: f"${' '.join(m[1].split())}$", text)
    text = ROLE.sub(lambda m: _named(m[1], link), text)
    return re.sub(r"\n{3,}", "\n\n", text.replace("``", "`")).strip("\n")


def _named(path: str, link: Callable[[str], str | None]) -> str:
    address, name = link(path), path.rpartition(".")[2]
    return f"[`{name}`]({address})" if address else f"`{path if path.startswith('da.') and path.islower() else name}`"


def cell(text: str) -> str:
    """A text as one cell of a table: a single line, without the sign that ends a cell in its formulas."""
    return re.sub(r"\$[^$]+\$", _without_bars, " ".join(text.split()))


def _without_bars(formula: re.Match[str]) -> str:
    return formula[0].replace(r"\|", r"\Vert ").replace("|", r"\vert ")
