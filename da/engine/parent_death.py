"""End child processes with their parent, however the parent ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # of Linux's prctl; on other systems a process must notice it itself


def die_with(parent: int, number: int = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when its parent dies.

    Args:
        parent: process id of the parent.
        number: the signal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, number)
        if os.getppid() != parent:  # the parent died before the call
            os._exit(1)
