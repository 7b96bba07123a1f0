"""Train one configuration, or a sweep of them with -m."""

from __future__ import annotations

import sys

from da.cli.start import start


def main() -> int:
    """Run the command line."""
    from da.cli import train as entry

    return entry.train(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start(main))
