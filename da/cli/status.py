"""The command line of ``scripts/sweep_status.py``: how far the sweeps on a results folder are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(words: Sequence[str]) -> int:
    """Print a paragraph for each driver; returns 0, or 2 where there is none."""
    from da.sweeps.status import drivers, text

    parser = argparse.ArgumentParser(prog="status", description="Say how far the sweeps on a results folder are.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs"), help="results folder (default: runs)")
    found = drivers(parser.parse_args(words).folder)
    print("\n".join(map(text, found)) if found else "no sweep is running here")
    return 0 if found else 2
