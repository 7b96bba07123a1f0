"""Choose a method without target labels: look at the data, run what fits in a budget, and rank it."""

from __future__ import annotations

import sys

from da.cli.start import start


def main() -> int:
    """Run the command line."""
    from da.cli import choose as entry

    return entry.choose(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start(main))
