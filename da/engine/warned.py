"""Warnings: one line each on the terminal, and all of a run's in its record."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FRAMEWORKS = {"lightning", "pytorch_lightning", "torch"}
"""Packages whose warnings are advice on code, not on a result."""


def in_lines() -> None:
    """Print warnings to users as one line, without the line of code that gave them."""
    usual = warnings.formatwarning

    def line(message: Any, category: type[Warning], *where: Any, **more: Any) -> str:
        if issubclass(category, UserWarning):
            return f"warning: {message}\n"
        return usual(message, category, *where, **more)

    warnings.formatwarning = line


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect the warnings given within the context in a list; they are still printed."""
    sentences: list[str] = []
    with warnings.catch_warnings():  # which also resets the registry of warnings already given
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], filename: str, *more: Any, **named: Any) -> None:
            if FRAMEWORKS.isdisjoint(Path(filename).parts):
                kind = "" if issubclass(category, UserWarning) else f"{category.__name__}: "
                sentence = kind + " ".join(str(message).split())
                if sentence not in sentences:
                    sentences.append(sentence)
            usual(message, category, filename, *more, **named)

        warnings.showwarning = show
        yield sentences


def alike(sentence: str) -> str:
    """Replace the numbers in a warning, so that warnings of several runs with different numbers are equal."""
    return re.sub(r"\d[\d.,]*(e[+-]?\d+)?", "#", sentence)
