"""Warnings: a line each on the terminal, and all that a run gave in its record."""

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
    """From now on what users are warned of is printed as one line, without the line of code that said it."""
    usual = warnings.formatwarning

    def line(message: Any, category: type[Warning], *where: Any, **more: Any) -> str:
        if issubclass(category, UserWarning):
            return f"warning: {message}\n"
        return usual(message, category, *where, **more)

    warnings.formatwarning = line


@contextmanager
def collected() -> Iterator[list[str]]:
    """A list that grows by each sentence that is warned of meanwhile; it is printed as before."""
    found: list[str] = []
    with warnings.catch_warnings():  # which also forgets what an earlier run was warned of
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], filename: str, *more: Any, **named: Any) -> None:
            if FRAMEWORKS.isdisjoint(Path(filename).parts):
                kind = "" if issubclass(category, UserWarning) else f"{category.__name__}: "
                sentence = kind + " ".join(str(message).split())
                if sentence not in found:
                    found.append(sentence)
            usual(message, category, filename, *more, **named)

        warnings.showwarning = show
        yield found


def alike(sentence: str) -> str:
    """A sentence without its numbers: what many runs are warned of with figures of their own."""
    return re.sub(r"\d[\d.,]*(e[+-]?\d+)?", "#", sentence)
