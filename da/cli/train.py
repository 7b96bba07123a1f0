"""The command line of ``scripts/train.py``: help, lists, validation, one run or a sweep."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from da.cli import listing
from da.config import arguments, compose
from da.engine import planned
from da.engine.result import RunBusy, RunFailed, one_line
from da.errors import UsageError
from da.sweeps.outline import outline
from da.sweeps.run_sweep import sweep

INTERRUPTED = 130


def train(words: Sequence[str]) -> int:
    """Run the command line; exit code 0 finished, 1 a run failed, 2 wrong usage, 130 interrupted."""
    if set(arguments.HELP) & set(words):
        print(listing.help_text())
        return 0
    if "--list" in words:
        print(listing.overview())
        return 0
    try:
        given = arguments.read(words)
        if given.hydra or any(word.startswith("hydra/") for word in given.overrides):
            return compose.main(job, words)
        asked = compose.expand(given.overrides, multirun=given.multirun)
        if given.dry:
            print(outline(asked.plans, asked.refused, asked.once))
        planned.check(asked.plans, launched=given.multirun)
        if given.dry:
            return 0
        if not given.multirun:
            job(asked.plans[0].config)
            return 0
        return sweep(asked.plans, asked.refused, " ".join(["train.py -m", *given.overrides]), asked.once)
    except UsageError as error:
        print(f"train: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2
    except (RunFailed, RunBusy):
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on from the last step.", file=sys.stderr)
        return INTERRUPTED


def job(composed: dict[str, object]) -> float:
    """Run one configuration in this process and print its result in one line.

    Raises:
        RunFailed, RunBusy: as :func:`da.engine.run.run`; the message was already printed.
        UsageError: the run cannot be done as requested.
    """
    from da.engine import run  # imports PyTorch

    try:
        result = run.run(composed)
    except (RunFailed, RunBusy) as error:
        print(f"FAILED   {error}", file=sys.stderr, flush=True)
        raise
    print(one_line(result.record, result.directory, result.fresh), flush=True)
    return result.value
