"""How every script begins: Ctrl-C ends it quietly, also while it still imports, and warnings are a line each."""

from __future__ import annotations

import sys
from collections.abc import Callable

INTERRUPTED = 130


def start(main: Callable[[], int]) -> int:
    """Call a script's function, which imports what it needs; returns its exit code, or 130 after Ctrl-C."""
    try:
        from da import warned

        warned.in_lines()
        return main()
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
