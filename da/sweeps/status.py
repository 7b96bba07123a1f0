"""How far a sweep is: on the terminal, and in a file that another shell can read."""

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
from da.results.record import now, write_atomically
from da.results.scores import clock
from da.sweeps.job import KINDS, Job, Outcome
from da.sweeps.job import said as words

FOLDER = ".sweeps"
BEAT = 2.0  # seconds between writes
SILENT = 30.0  # seconds after which a driver that says nothing is taken for dead


class SweepStatus:
    """Counts what a driver has done.

    Args:
        output: the results folder.
        total: number of jobs; None where it is not known.
        workers: how many run at once.
        what: the command, in words.
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
        """A job was given to a process."""
        self.running[title] = time.time()
        self.heartbeat()

    def ended(self, job: Job, outcome: Outcome) -> None:
        """A job ended."""
        title = job.title
        begun = self.running.pop(title, time.time())
        if outcome.kind == "busy":
            return
        self.counts[outcome.kind] += 1
        if outcome.kind == "finished":
            self.seconds.append(time.time() - begun)
            assert outcome.record is not None
            self.say(f"{self.place} {one_line(outcome.record, Path(outcome.directory), True, named=title)}")
            self.warn(title, outcome.record.notes)
        elif outcome.kind in ("failed", "refused"):
            self.say(f"{self.place} {outcome.kind.upper():8} {title}: {job.bare(outcome.message)}", sys.stderr)
        self.bar.update()
        self.heartbeat(force=True)

    def warn(self, title: str, notes: Sequence[str]) -> None:
        """What a run's record warns of, unless another run was warned of the same: all of it stands in the records."""
        for note in notes:
            if alike(note) not in self._warned:
                self._warned.add(alike(note))
                self.say(f"warning: {title}: {note}", sys.stderr)

    def waiting(self, count: int) -> None:
        """Nothing is left but what other drivers are at; said once."""
        if not self._told:
            self._told = True
            self.say(f"waiting for {count} runs that others are at")

    def say(self, text: str, stream: TextIO | None = None) -> None:
        """A line above the bar, on standard output by default."""
        stream = stream or sys.stdout
        tqdm.write(text, file=stream)
        stream.flush()

    @property
    def place(self) -> str:
        """How many jobs came to something, of how many, and how long the rest will take: ``[7/24, 1:04 left]``."""
        done = sum(self.counts.values())
        of = "" if self.total is None else f"/{self.total}"
        return f"[{done}{of}{f', {clock(self.left)} left' if self.left else ''}]"

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take, by the mean of what finished; None where that cannot be said."""
        if self.total is None or not self.seconds:
            return None
        rest = self.total - sum(self.counts.values())
        return rest * sum(self.seconds) / len(self.seconds) / self.workers

    def heartbeat(self, force: bool = False) -> None:
        """Refresh the bar and the file, not too often."""
        if not force and time.time() - self._written < BEAT:
            return
        self._written = time.time()
        self.bar.set_postfix_str(f"running {len(self.running)}, failed {self.counts['failed']}", refresh=True)
        write_atomically(self.file, json.dumps(self.content()).encode())

    def content(self) -> dict[str, Any]:
        """What the file holds."""
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
        """The driver is done; nobody needs the file any more."""
        self.bar.close()
        self.file.unlink(missing_ok=True)


def remove_stale_status(output: Path) -> None:
    """Remove what dead drivers of this machine left behind."""
    for file in (output / FOLDER).glob(f"{socket.gethostname()}-*.json"):
        if not Path(f"/proc/{file.stem.rpartition('-')[2]}").exists() and Path("/proc/self").exists():
            file.unlink(missing_ok=True)


def drivers(output: Path) -> list[dict[str, Any]]:
    """What the drivers on a results folder say of themselves; ``alive`` is False of those that fell silent."""
    found = []
    for file in sorted((output / FOLDER).glob("*.json")):
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # it ended just now
        found.append(said | {"alive": time.time() - said["beat"] < SILENT})
    return found


def text(said: dict[str, Any]) -> str:
    """A driver's state in words."""
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
