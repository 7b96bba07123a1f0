"""Worker process that runs one configuration after another, so that imports and data are loaded only once."""

from __future__ import annotations

import faulthandler
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from da.engine.observer import Pruned
from da.engine.parent_death import die_with
from da.engine.result import RunBusy, RunFailed, error_message, made_by_other_code
from da.errors import UsageError
from da.sweeps.job import Outcome


def main(descriptor: int, driver: int, memory: float | None = None) -> None:
    """Run the driver's configurations until it closes the connection.

    Args:
        descriptor: file descriptor of the connection.
        driver: process id of the driver.
        memory: GiB that the process may allocate, or None.
    """
    die_with(driver)
    faulthandler.enable()  # a crash writes its location to the log, which becomes the run's traceback
    connection = Connection(descriptor)
    try:
        from da.engine import run

        if memory is not None:
            limit(memory)
        while True:
            config, watched = connection.recv()
            run.preload(config)
            connection.send(("ready",))
            connection.send(("done", answer(run.run, config, PipeObserver(connection, watched))))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return


def answer(run: Any, config: dict[str, Any], watch: Any) -> Outcome:
    """Run a configuration and return its outcome, whatever error it raises."""
    try:
        result = run(config, watch)
    except RunBusy as error:
        return Outcome("busy", str(error))
    except RunFailed as error:
        return Outcome("failed", str(error))
    except UsageError as error:
        return Outcome("refused", str(error), trace="".join(traceback.format_exception(error)))
    except Pruned as error:
        return Outcome("pruned", str(error))
    except KeyboardInterrupt:
        return Outcome("interrupted", "interrupted; the same command goes on from the last step")
    except Exception as error:  # writing the record failed: the disk is full, the folder is missing
        return Outcome("failed", error_message(error))
    seconds = result.record.total_seconds
    kind = "finished" if result.fresh else "stale" if made_by_other_code(result.record) else "skipped"
    return Outcome(kind, "", str(result.directory), result.record, seconds)


class PipeObserver:
    """Send a run's events to the driver; after an epoch, wait for the driver's decision if it prunes runs."""

    def __init__(self, connection: Connection, watched: bool):
        self.connection, self.watched = connection, watched

    def started(self, directory: Path, frozen: dict[str, Any]) -> None:
        self.connection.send(("started", str(directory), frozen))

    def epoch(self, epoch: int, scores: dict[str, float | None]) -> bool:
        self.connection.send(("epoch", epoch, scores))
        return bool(self.connection.recv()) if self.watched else False


def limit(gibibytes: float) -> None:
    """Limit the memory of the process: larger allocations raise MemoryError, before the kernel kills the process."""
    import resource

    size = int(gibibytes * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *map(float, sys.argv[3:]))
