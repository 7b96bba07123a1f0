"""The command line of ``da new``: start a method or a data set of one's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from da.cli import scaffold
from da.errors import nearest

SUFFIX = "_main"


def kinds() -> Mapping[str, Callable[[Sequence[str]], int]]:
    """What can be started, and the function that does: those of :mod:`da.cli.scaffold` named ``KIND_main``."""
    found: dict[str, Any] = vars(scaffold)
    return {name.removesuffix(SUFFIX): made for name, made in found.items() if name.endswith(SUFFIX)}


def main(words: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    known = kinds()
    usage = "\n".join(f"da new {kind} NAME" for kind in known)
    if not words or words[0] in ("-h", "--help"):
        print(f"{usage}\n\nda new KIND --help says more.")
        return 0 if words else 2
    kind, *rest = words
    if kind not in known:
        print(f"new: There is no '{kind}' to start; {nearest(kind, known)}", file=sys.stderr)
        return 2
    return known[kind](rest)
