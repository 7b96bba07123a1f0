"""Entry of all scripts: Ctrl-C ends them without a traceback, also during imports, and warnings are one line each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

INTERRUPTED, UNREAD = 130, 141


def start(main: Callable[[], int]) -> int:
    """Call a script's function, which imports lazily; returns its exit code, 130 after Ctrl-C, 141 on a closed pipe."""
    try:
        from da.engine import warned

        warned.in_lines()
        return main()
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader has closed the pipe, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # buffered output is flushed at exit
        return UNREAD
