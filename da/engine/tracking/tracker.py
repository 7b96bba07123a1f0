"""A logger that its run survives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from da.results import record
from da.results.record import Record


@dataclass(frozen=True)
class Stopped:
    """A run that ended without a record of its own: how (``failed`` or ``interrupted``), and what it raised."""

    status: str
    error: str
    error_kind: str


class Tracker(Logger):
    """A logger beside the CSV: what goes wrong in it is said in one line and ends it, never the run.

    A subclass writes :meth:`log` and :meth:`end`; both may raise anything.
    """

    version = ""
    lost = False

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """The metrics of an evaluated epoch."""
        raise NotImplementedError(f"{type(self).__name__} must implement `log`.")

    def end(self, made: Record | Stopped, directory: Path) -> None:
        """The end of the run: its record, or how it went wrong."""
        raise NotImplementedError(f"{type(self).__name__} must implement `end`.")

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.guard(self.log, metrics, step or 0)

    @rank_zero_only
    def finish(self, made: Record | Stopped, directory: Path) -> None:
        """Called when the record is written."""
        self.guard(self.end, made, directory)

    def log_hyperparams(self, *args: Any, **keywords: Any) -> None:
        """Nothing: the tracker was given the whole configuration."""

    def guard(self, call: Callable[..., None], *arguments: Any) -> None:
        """Call, unless an earlier call went wrong."""
        if self.lost:
            return
        try:
            call(*arguments)
        except Exception as error:
            self.lost = True
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self.warn(f"{reason}; the run goes on without it, metrics.csv and the record are complete.")

    def warn(self, text: str) -> None:
        """One line for people."""
        warn(str(self.name), text)


@rank_zero_only
def warn(logger: str, text: str) -> None:
    """One line on stderr, of the first process."""
    print(f"logger={logger}: {text}", file=sys.stderr, flush=True)


@contextmanager
def until_recorded(loggers: Sequence[Logger], directory: Path) -> Iterator[None]:
    """Hand the trackers among the loggers the record that the body wrote, or what it raised."""
    made: Record | Stopped | None = None
    try:
        yield
        made = record.read(directory)
    except BaseException as error:
        status = "failed" if isinstance(error, Exception) else "interrupted"
        made = Stopped(status, str(error), type(error).__name__)
        raise
    finally:
        for logger in loggers:
            if isinstance(logger, Tracker) and made is not None:
                logger.finish(made, directory)


def scores(made: Record | Stopped) -> dict[str, float | str | None]:
    """What a tracker shows of a record, flat.

    Returns:
        ``status`` and, of a finished run, ``chosen/RULE/METRIC`` (target test metrics in the epoch that a selection
        rule chose), ``chosen/RULE/epoch``, ``chosen/RULE/score`` and ``seconds/WHAT``; else ``error`` and its kind.
    """
    if isinstance(made, Stopped) or not made.is_finished:
        return {"status": str(made.status), "error": made.error, "error_kind": made.error_kind}
    flat: dict[str, float | str | None] = {"status": "finished"}
    for rule, chosen in made.selection.items():
        values = {"epoch": chosen.epoch, "score": chosen.score, **chosen.target_test}
        flat |= {f"chosen/{rule}/{name}": value for name, value in values.items()}
    return flat | {f"seconds/{what}": value for what, value in made.seconds.items()}
