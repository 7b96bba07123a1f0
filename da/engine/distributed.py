"""Runs on several devices: a process group on a frozen configuration, started by torchrun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from da.engine.parent_death import die_with
from da.errors import TrainingError, UsageError
from da.files import write_atomically
from da.results import record

FROZEN = "frozen.json"
FAILED, REFUSED = "error", "error-refused"
CAUSES = "error-*.txt"
"""Files with the cause that processes write when they fail, or refuse a configuration."""


class WorkerFailed(TrainingError):
    """A process of a multi-device run failed; the message is the first cause."""


def processes(directory: Path, frozen: dict[str, Any], count: int) -> None:
    """Start ``count`` processes on a frozen configuration and wait for them.

    The configuration is composed only once, before: Lightning's own launcher would run the command line again in every
    process, and in a Hydra sweep ranks would have different configurations.

    Raises:
        WorkerFailed: a process failed; the other ones were stopped.
        UsageError: a process refused its configuration or data.
    """
    write_atomically(directory / FROZEN, json.dumps(record.portable(frozen)).encode())
    (directory / record.FILE).unlink(missing_ok=True)
    for old in directory.glob(CAUSES):
        old.unlink()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"), "PYTHONPATH": _path()}
    group = subprocess.Popen(
        [*command, "-m", "da.engine.rank", str(directory)],
        env=environment,
        start_new_session=True,
        preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),  # torchrun then ends its processes
    )
    try:
        code = group.wait()
    except BaseException:
        _stop(group)
        raise
    if code != 0:
        causes = sorted(directory.glob(CAUSES), key=lambda file: file.stat().st_mtime_ns)
        if not causes:
            raise WorkerFailed(f"a process of {count} ended with exit code {code} and left no message")
        kind = UsageError if causes[0].name.startswith(REFUSED) else WorkerFailed
        raise kind(causes[0].read_text(encoding="utf-8"))


def _path() -> str:
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])


def _stop(group: subprocess.Popen[bytes]) -> None:
    """End the whole process group: first by SIGTERM, then by SIGKILL."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(group.pid, number)
            group.wait(timeout=20)
            return
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return
