"""Print the tables of a results folder, and write them as a page."""

from __future__ import annotations

import sys

from da.cli.start import start


def main() -> int:
    """Run the command line."""
    from da.cli import report as command

    return command.main()


if __name__ == "__main__":
    sys.exit(start(main))
