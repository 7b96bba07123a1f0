"""The environment in which the templates of the page are rendered: all that they are handed is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from da.report.attempts import Trouble

FOLDER = Path(__file__).resolve().parent / "templates"
SUFFIX = ".j2"
BESIDE_MARKUP = re.compile(r"(?:\A|(?<=>))\s*\n\s*|\s*\n\s*(?=<|\Z)")
WITHIN_TEXT = re.compile(r"\s*\n\s*")


class JoinedLines(Extension):
    """Lines of a template are joined as in JSX, so that templates are indented and pages are not.

    A line break and the blanks around it vanish beside a tag, ``{{ }}`` or ``{% %}``, and are a space within text or
    between attributes. Files without the suffix of templates (style, script) and rendered values keep their lines.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        joined = str(stream.name).endswith(SUFFIX)
        for token in stream:
            yield Token(token.lineno, token.type, join_lines(token.value)) if joined and token.type == "data" else token


def join_lines(text: str) -> str:
    """The text between two expressions or statements of a template, as one line."""
    return WITHIN_TEXT.sub(" ", BESIDE_MARKUP.sub("", text))


def render(template: str, **values: object) -> str:
    """Render a template of this package.

    Args:
        template: its file name.
        values: what it names; a name without a value is an error.
    """
    return environment().get_template(template).render(values)


@cache
def environment() -> Environment:
    """The one environment, with the two ways in which templates write numbers, and the test for what was not made."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        extensions=[JoinedLines],
    )
    made.tests["trouble"] = lambda value: isinstance(value, Trouble)
    made.filters |= {"fixed": fixed, "shortest": shortest}
    return made


def fixed(value: float, places: int) -> str:
    """A number with so many decimals."""
    return f"{value:.{places}f}"


def shortest(value: float) -> str:
    """A number with no more decimals than it needs."""
    return f"{value:g}"
