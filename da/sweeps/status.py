"""Progress of a sweep: on the terminal, and in a file for other shells."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from tqdm.auto import tqdm

from da.engine.result import one_line
from da.engine.warned import alike
from da.files import write_atomically
from da.results.record import now
from da.results.scores import clock
from da.sweeps.job import KINDS, Job, Outcome
from da.sweeps.job import said as words

FOLDER = ".sweeps"
BEAT = 2.0  # seconds between writes
SILENT = 30.0  # seconds without an update after which a driver counts as dead


class SweepStatus:
    """Progress of a driver's jobs.

    Args:
        output: the results folder.
        total: number of jobs; None if unknown.
        workers: number of simultaneous jobs.
        what: the command, for messages.
    """

    def __init__(self, output: Path, total: int | None, workers: int, what: str):
        remove_stale_status(output)
        self.file = output / FOLDER / f"{socket.gethostname()}-{os.getpid()}.json"
        self.total, self.workers, self.what = total, workers, what
        self.counts = dict.fromkeys(KINDS, 0)
        self.running: dict[str, float] = {}
        self.seconds: list[float] = []
        self.started = time.time()
        self._written = 0.0
        self._told = False
        self._warned: set[str] = set()
        self.bar = tqdm(total=total, unit="run", disable=None, dynamic_ncols=True, desc="sweep", smoothing=0.05)

    def began(self, title: str) -> None:
        """Called when a job was given to a process."""
        self.running[title] = time.time()
        self.heartbeat()

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Called when a job ended."""
        title = job.title
        begun = self.running.pop(title, time.time())
        if outcome.kind == "busy":
            return
        self.counts[outcome.kind] += 1
        if outcome.kind == "finished":
            self.seconds.append(time.time() - begun)
            assert outcome.record is not None
            self.say(f"{self.place} {self.finished(job, outcome)}")
            self.warn(title, outcome.record.notes)
        elif outcome.kind in ("failed", "refused"):
            self.say(f"{self.place} {outcome.kind.upper():8} {title}: {job.bare(outcome.message)}", sys.stderr)
        self.bar.update()
        self.heartbeat(force=True)

    def finished(self, job: Job, outcome: Outcome) -> str:
        """One line on a finished job."""
        assert outcome.record is not None
        return one_line(outcome.record, Path(outcome.directory), True, named=job.title)

    def warn(self, title: str, notes: Sequence[str]) -> None:
        """Print the warnings of a run's record, except those that another run had; records contain all of them."""
        for note in notes:
            if alike(note) not in self._warned:
                self._warned.add(alike(note))
                self.say(f"warning: {title}: {note}", sys.stderr)

    def waiting(self, count: int) -> None:
        """Print once that only jobs that other drivers run are left."""
        if not self._told:
            self._told = True
            self.say(f"waiting for {count} runs that others are at")

    def say(self, text: str, stream: TextIO | None = None) -> None:
        """Print a line above the bar, on standard output by default."""
        stream = stream or sys.stdout
        tqdm.write(text, file=stream)
        stream.flush()

    @property
    def place(self) -> str:
        """Number of ended jobs, total, and remaining time: ``[7/24, 1:04 left]``."""
        done = sum(self.counts.values())
        of = "" if self.total is None else f"/{self.total}"
        return f"[{done}{of}{f', {clock(self.left)} left' if self.left else ''}]"

    @property
    def left(self) -> float | None:
        """Estimated remaining seconds, from the mean of finished jobs; None if unknown."""
        if self.total is None or not self.seconds:
            return None
        rest = self.total - sum(self.counts.values())
        return rest * sum(self.seconds) / len(self.seconds) / self.workers

    def heartbeat(self, force: bool = False) -> None:
        """Update the bar and the file, at a limited rate."""
        if not force and time.time() - self._written < BEAT:
            return
        self._written = time.time()
        self.bar.set_postfix_str(f"running {len(self.running)}, failed {self.counts['failed']}", refresh=True)
        write_atomically(self.file, json.dumps(self.content()).encode())

    def content(self) -> dict[str, Any]:
        """Content of the status file."""
        return {
            "what": self.what,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": self.started,
            "beat": time.time(),
            "at": now(),
            "total": self.total,
            "counts": self.counts,
            "running": self.running,
            "left": self.left,
        }

    def close(self) -> None:
        """End the progress bar and remove the file."""
        self.bar.close()
        self.file.unlink(missing_ok=True)


def remove_stale_status(output: Path) -> None:
    """Remove status files of dead drivers of this machine."""
    for file in (output / FOLDER).glob(f"{socket.gethostname()}-*.json"):
        if not Path(f"/proc/{file.stem.rpartition('-')[2]}").exists() and Path("/proc/self").exists():
            file.unlink(missing_ok=True)


def drivers(output: Path) -> list[dict[str, Any]]:
    """Status of the drivers on a results folder; ``alive`` is False for those without recent updates."""
    found = []
    for file in sorted((output / FOLDER).glob("*.json")):
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # the driver has just ended
        found.append(said | {"alive": time.time() - said["beat"] < SILENT})
    return found


def text(said: dict[str, Any]) -> str:
    """Format a driver's status."""
    counts = said["counts"]
    done = sum(counts.values())
    of = "" if said["total"] is None else f" of {said['total']}"
    left = "" if said["left"] is None else f", about {clock(said['left'])} left"
    state = "" if said["alive"] else " (silent: it was killed, or its machine sleeps)"
    lines = [
        f"{said['what']}: {done}{of} done ({words(counts) or 'nothing yet'}), {len(said['running'])} running{left}"
        f" [process {said['pid']} on {said['host']}, {clock(said['beat'] - said['started'])}]{state}"
    ]
    lines += [f"  running for {clock(said['beat'] - since)}: {title}" for title, since in said["running"].items()]
    return "\n".join(lines)
