"""How every script begins: Ctrl-C ends it quietly, also while it still imports, and warnings are a line each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

INTERRUPTED, UNREAD = 130, 141


def start(main: Callable[[], int]) -> int:
    """Call a script's function, which imports what it needs; returns its exit code, 130 after Ctrl-C, or 141 unread."""
    try:
        from da.engine import warned

        warned.in_lines()
        return main()
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # nobody reads on, as behind `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed at the end
        return UNREAD
