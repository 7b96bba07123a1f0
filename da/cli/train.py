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
        parsed = arguments.read(words)
        if parsed.hydra or any(word.startswith("hydra/") for word in parsed.overrides):
            return compose.main(job, words)
        expanded = compose.expand(parsed.overrides, multirun=parsed.multirun)
        if parsed.dry:
            print(outline(expanded.plans, expanded.refused, expanded.once))
        planned.check(expanded.plans, launched=parsed.multirun)
        if parsed.dry:
            return 0
        if not parsed.multirun:
            job(expanded.plans[0].config)
            return 0
        return sweep(expanded.plans, expanded.refused, " ".join(["train.py -m", *parsed.overrides]), expanded.once)
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
    from da.engine import run

    try:
        result = run.run(composed)
    except (RunFailed, RunBusy) as error:
        print(f"FAILED   {error}", file=sys.stderr, flush=True)
        raise
    print(one_line(result.record, result.directory, result.fresh), flush=True)
    return result.value
