"""Lock of a run's directory for a single process, released by the operating system when that process dies."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from da.engine.result import RunBusy
from da.results.record import now

FILE = "run.lock"


@contextmanager
def held(directory: Path, title: str) -> Iterator[None]:
    """Hold the lock of a run's directory; a file left by a dead process does not count.

    Raises:
        RunBusy: another process holds it; the message names it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunBusy(f"{title} is being run by {owner(directory)}; wait for it, or stop it.") from error
    try:
        holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": now()}
        (directory / FILE).write_text(json.dumps(holder), encoding="utf-8")
        yield
    finally:
        lock.release()


def owner(directory: Path) -> str:
    """Describe the process that last held a run's directory."""
    try:
        holder = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
