"""Render the generated parts of the pages; with --check only say whether they are current."""

from __future__ import annotations

import argparse
import sys

from da.cli.start import start


def main() -> int:
    """Render or check."""
    from da.cli import docs

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a part is out of date")
    check = parser.parse_args().check
    stale = docs.render(write=not check)
    print(f"out of date: {', '.join(stale)}" if stale else "all current")
    return int(bool(stale) and check)


if __name__ == "__main__":
    sys.exit(start(main))
