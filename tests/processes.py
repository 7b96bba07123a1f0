"""Processes that tests start: none outlives its test, and none is hurried.

Every process carries a mark in its environment, and so does whatever it starts, in sessions of its own or orphaned as it
may be; when the block ends, however it ends, all that carry the mark are killed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HANGING = 1200.0  # seconds; so long takes nothing but what hangs, on however busy a machine
MARK = "DA_TEST_PROCESSES"
_numbers = count()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background, and children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def marked(mark: str) -> list[int]:
    """The living processes that carry a mark; none where there is no /proc."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it is somebody else's, or ended just now
            if f"{MARK}={mark}".encode() in file.read_bytes().split(b"\0"):
                found.append(int(file.parent.name))
    return found


@contextmanager
def mortal() -> Iterator[dict[str, str]]:
    """What is started with the environment that this hands out ends with the block, and all that it started."""
    mark = f"{os.getpid()}-{next(_numbers)}"
    try:
        yield {MARK: mark}
    finally:
        while left := marked(mark):  # one may fork while it is looked for
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


class Started:
    """A process, and what it said so far."""

    def __init__(self, process: subprocess.Popen[str], out: Any, err: Any):
        self.process, self._out, self._err = process, out, err

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def until(self, happened: Callable[[], Any], what: str) -> None:
        """Wait for an event; fails where the process ends before it."""
        begun = time.monotonic()
        while not happened():
            assert self.process.poll() is None, f"it ended before {what}: {self.said()}"
            assert time.monotonic() - begun < HANGING, f"there never was {what}: {self.said()}"
            time.sleep(0.05)

    def said(self) -> tuple[str, str]:
        """Standard output and error so far."""
        return Path(self._out.name).read_text(errors="replace"), Path(self._err.name).read_text(errors="replace")

    def ended(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end."""
        code = self.process.wait(HANGING)
        return subprocess.CompletedProcess(self.process.args, code, *self.said())


@contextmanager
def started(*command: object, env: Mapping[str, str] | None = None, **options: Any) -> Iterator[Started]:
    """A Python process with these arguments, in a session of its own.

    It imports the project from here and computes with one thread, unless `env`, which adds to the environment, says
    otherwise. Output goes to files: a process whose pipe nobody empties waits forever.
    """
    ours = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (
        tempfile.NamedTemporaryFile("w") as out,
        tempfile.NamedTemporaryFile("w") as err,
        mortal() as mark,
        subprocess.Popen(
            [sys.executable, *map(str, command)],
            env=os.environ | ours | (env or {}) | mark,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            text=True,
            start_new_session=True,
            **options,
        ) as process,
    ):
        try:
            yield Started(process, out, err)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # where there is no /proc; `with` would wait for its own end


def finished(*command: object, **keywords: Any) -> subprocess.CompletedProcess[str]:
    """What a Python process comes to."""
    with started(*command, **keywords) as process:
        return process.ended()
