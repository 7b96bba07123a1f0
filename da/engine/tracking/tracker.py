"""Base class of loggers whose errors do not end the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from da.results import record


class RunLogger(Protocol):
    """What is given the metrics of every evaluated epoch."""

    name: str

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """The metrics after so many steps; the first process calls this alone."""


def is_first_process() -> bool:
    """Whether this process is the only one of its run, or the first of several (torchrun numbers them)."""
    return os.environ.get("RANK", "0") == "0"


class Tracker:
    """A logger in addition to the CSV: an error in it is reported in one line and ends the logger, never the run.

    A subclass implements :meth:`log` and :meth:`end`; both may raise any error.
    """

    name = "tracker"
    lost = False

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log the metrics of an evaluated epoch."""
        raise NotImplementedError(f"{type(self).__name__} must implement `log`.")

    def end(self, outcome: dict[str, Any], directory: Path) -> None:
        """Log the end of the run: its record, or ``status``, ``error`` and ``error_kind`` of a run that failed."""
        raise NotImplementedError(f"{type(self).__name__} must implement `end`.")

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """The metrics of an evaluated epoch, unless the tracker went wrong before."""
        self.guard(self.log, metrics, step)

    def finish(self, outcome: dict[str, Any], directory: Path) -> None:
        """Called when the record is written."""
        if is_first_process():
            self.guard(self.end, outcome, directory)

    def guard(self, call: Callable[..., None], *arguments: Any) -> None:
        """Call a function and report its error, unless an earlier call failed."""
        if self.lost:
            return
        try:
            call(*arguments)
        except Exception as error:
            self.lost = True
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self.warn(f"{reason}; the run goes on without it, metrics.csv and the record are complete.")

    def warn(self, text: str) -> None:
        """Print a warning in one line."""
        warn(self.name, text)


def warn(logger: str, text: str) -> None:
    """Print one line on stderr, in the first process only."""
    if is_first_process():
        print(f"logger={logger}: {text}", file=sys.stderr, flush=True)


@contextmanager
def until_recorded(loggers: Sequence[RunLogger], directory: Path) -> Iterator[None]:
    """Pass to all trackers the record that the body wrote, or the error that it raised."""
    outcome: dict[str, Any] | None = None
    try:
        yield
        outcome = record.read(directory)
    except BaseException as error:
        status = "failed" if isinstance(error, Exception) else "interrupted"
        outcome = {"status": status, "error": str(error), "error_kind": type(error).__name__}
        raise
    finally:
        for logger in loggers:
            if isinstance(logger, Tracker) and outcome is not None:
                logger.finish(outcome, directory)


def figures(outcome: dict[str, Any]) -> dict[str, float | str]:
    """The entries of a record that a tracker shows, as a flat dictionary.

    Returns:
        ``status`` and, of a finished run, ``chosen/RULE/METRIC`` (target test metrics in the epoch that a selection
        rule chose), ``chosen/RULE/epoch``, ``chosen/RULE/score`` and ``seconds/WHAT``; else ``error`` and its kind.
    """
    if outcome["status"] != "finished":
        return {key: outcome[key] for key in ("status", "error", "error_kind")}
    flat: dict[str, float | str] = {"status": "finished"}
    for rule, chosen in outcome["selection"].items():
        entries = {"epoch": chosen["epoch"], "score": chosen["score"], **chosen["target_test"]}
        flat |= {f"chosen/{rule}/{name}": value for name, value in entries.items()}
    return flat | {f"seconds/{what}": value for what, value in outcome["seconds"].items()}
