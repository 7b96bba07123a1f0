"""The command line of ``scripts/wandb_sweep.py``: the sweep file of a method for Weights & Biases."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from omegaconf import OmegaConf

from da.errors import UsageError
from da.sweeps.wandb_file import sweep_file

EPILOG = "Then: wandb sweep sweep.yaml, and wandb agent ID on every machine, from this folder."


def main(words: Sequence[str]) -> int:
    """Print the file; returns the exit code: 0 done, 2 it cannot be done as asked."""
    parser = argparse.ArgumentParser(
        prog="wandb_sweep", description="Write the sweep file of a method for Weights & Biases.", epilog=EPILOG
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as for train, and objective=RULE")
    try:
        made = sweep_file(parser.parse_args(words).overrides)
    except UsageError as error:
        print(f"wandb_sweep: {error}", file=sys.stderr)
        return 2
    print(OmegaConf.to_yaml(OmegaConf.create(made)), end="")
    return 0
