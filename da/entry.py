"""The command line of ``scripts/train.py``: help, lists, validation, and Hydra."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from da import config, listing
from da.errors import UsageError

PLAIN_FLAGS = {"-m", "--multirun"}


def train(arguments: Sequence[str]) -> int:
    """Run the command line; returns 0 finished, 1 a run failed, 2 it cannot be done as asked, 130 interrupted."""
    if {"-h", "--help"} & set(arguments):
        print(listing.help_text())
        return 0
    if "--list" in arguments:
        print(listing.overview())
        return 0
    flags = {a for a in arguments if a.startswith("-")}
    try:
        if flags <= PLAIN_FLAGS:  # with Hydra's own options, Hydra composes and `run` validates
            plans = config.expand([a for a in arguments if not a.startswith("-")], multirun=bool(flags))
            if len(plans) > 1:
                print(f"{len(plans)} configurations are valid (seeds not counted).", flush=True)
    except UsageError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    if flags <= PLAIN_FLAGS:  # Hydra's parser wants options before overrides
        arguments = sorted(arguments, key=lambda a: not a.startswith("-"))
    try:
        return config.main(job, arguments)
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on from the last step.", file=sys.stderr)
        return 130


def job(composed: dict[str, object]) -> float:
    """One job of Hydra's: run it and say in a line what came of it."""
    from da import run  # imports PyTorch

    try:
        result = run.run(composed)
    except run.RunFailed as error:
        print(f"FAILED   {error}", file=sys.stderr, flush=True)
        raise
    print(listing.outcome(result.record, result.directory, result.fresh), flush=True)
    return result.value
