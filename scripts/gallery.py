"""Draw what every closed-form method does to a toy: one figure for each family."""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path

from da.cli.start import start

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"


def main() -> int:
    """Run the command line; returns the exit code: 0 done, 2 it cannot be done as asked."""
    from da.analysis.gallery import exhibit, gallery
    from da.config import catalog
    from da.errors import UsageError

    parser = argparse.ArgumentParser(description="Draw the gallery of closed-form methods, a figure for each family.")
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="such as weighting (default: all)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder to write (default: benchmarks/results)")
    options = parser.parse_args()
    entries = [e for e in catalog.entries("method").values() if e.is_estimator]
    try:
        for family, members in groupby(sorted(entries, key=lambda e: (e.family, e.name)), lambda e: e.family):
            if options.families and family not in options.families:
                continue
            shown = [exhibit(e.name, e.summary, catalog.build(e.config)) for e in members]
            print(gallery(family, shown, options.output / f"gallery_{family}.png"), flush=True)
    except UsageError as error:
        print(f"gallery: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(start(main))
