"""Write the sweep file of a method for Weights & Biases."""

from __future__ import annotations

import argparse
import sys

from da.cli.start import start

EPILOG = "Then: wandb sweep sweep.yaml, and wandb agent ID on every machine, from the folder of this repository."


def main() -> int:
    """Print the file; returns the exit code: 0 done, 2 it cannot be done as asked."""
    from omegaconf import OmegaConf

    from da.errors import UsageError
    from da.sweeps.wandb_file import sweep_file

    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as for train.py, and objective=RULE")
    try:
        made = sweep_file(parser.parse_args().overrides)
    except UsageError as error:
        print(f"wandb_sweep: {error}", file=sys.stderr)
        return 2
    print(OmegaConf.to_yaml(OmegaConf.create(made)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(start(main))
