"""Write the sweep file of a method for Weights & Biases."""

from __future__ import annotations

import sys

from da.cli.start import start


def main() -> int:
    """Run the command line."""
    from da.cli import wandb_sweep as command

    return command.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start(main))
