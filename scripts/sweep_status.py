"""Say how far the sweeps on a results folder are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from da.cli.start import start


def main() -> int:
    """Print a paragraph for each driver; returns 0, or 2 where there is none."""
    from da.sweeps.status import drivers, text

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs"), help="results folder (default: runs)")
    found = drivers(parser.parse_args().folder)
    print("\n".join(map(text, found)) if found else "no sweep is running here")
    return 0 if found else 2


if __name__ == "__main__":
    sys.exit(start(main))
