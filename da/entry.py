"""The command line of ``scripts/train.py``: help, lists, validation, one run or a sweep."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from da import compose, listing
from da.errors import UsageError
from da.outcome import RunBusy, RunFailed
from da.sweeps.drive import sweep

PLAIN_FLAGS = {"-m", "--multirun"}
INTERRUPTED = 130


def train(arguments: Sequence[str]) -> int:
    """Run the command line; returns 0 finished, 1 a run failed, 2 it cannot be done as asked, 130 interrupted."""
    if {"-h", "--help"} & set(arguments):
        print(listing.help_text())
        return 0
    if "--list" in arguments:
        print(listing.overview())
        return 0
    flags = {a for a in arguments if a.startswith("-")}
    overrides = [a for a in arguments if not a.startswith("-")]
    try:
        if not flags <= PLAIN_FLAGS or any(a.startswith("hydra/") for a in overrides):
            return compose.main(job, arguments)
        asked = compose.expand(overrides, multirun=bool(flags))
        if not flags:
            job(asked.plans[0].config)
            return 0
        return sweep(asked.plans, asked.refused, " ".join(["train.py -m", *overrides]), asked.once)
    except UsageError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except (RunFailed, RunBusy):
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on from the last step.", file=sys.stderr)
        return INTERRUPTED


def job(composed: dict[str, object]) -> float:
    """Run one configuration in this process and say in a line what came of it.

    Raises:
        RunFailed, RunBusy: as :func:`da.run.run`; it was said already.
        UsageError: it cannot be done as asked.
    """
    from da import run  # imports PyTorch

    try:
        result = run.run(composed)
    except (RunFailed, RunBusy) as error:
        print(f"FAILED   {error}", file=sys.stderr, flush=True)
        raise
    print(listing.outcome(result.record, result.directory, result.fresh), flush=True)
    return result.value
