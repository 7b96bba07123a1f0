"""Compare four methods on a shift of handwritten digits, without any download."""

from __future__ import annotations

import sys

from da.cli.start import start


def main() -> int:
    """Run the command line."""
    from da.cli import demo as command

    return command.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start(main))
