"""Compare four methods on a shift of handwritten digits, without any download."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from da.cli.start import start


def main() -> int:
    """Run the command line; returns the exit code: 0 done, 1 a run failed, 2 it cannot be done as asked."""
    from da.cli.demo import METHODS, SEEDS, demo
    from da.errors import UsageError

    text = f"Train {', '.join(METHODS)} with {len(SEEDS)} seeds; print a table and draw the features."
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="such as trainer.max_epochs=5")
    parser.add_argument("--output", type=Path, default=Path("runs/demo"), help="folder to write (default: runs/demo)")
    options = parser.parse_args()
    try:
        return demo(options.output, options.overrides)
    except UsageError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(start(main))
