"""Processes that tests start: waited for by what they do, and ended with the test, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from da.mortality import die_with

PATIENCE = 1200.0  # seconds; reached only where something hangs, on however slow a machine
LOOK = 0.05


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen]:
    """A process of its own session, killed with all that it started when the test is through with it."""
    with subprocess.Popen(
        command,
        start_new_session=True,
        preexec_fn=partial(die_with, os.getpid()),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options,
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess:
    """Run to the end."""
    with running(command, **options) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def until(event: Callable[[], Any], process: subprocess.Popen | None = None) -> None:
    """Wait for something to happen, while the process that is to do it lives."""
    end = time.monotonic() + PATIENCE
    while not event():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"The process ended with {process.returncode} before that: {process.communicate()[1]}")
        assert time.monotonic() < end, "What was waited for did not happen."
        time.sleep(LOOK)
