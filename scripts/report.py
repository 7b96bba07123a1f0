"""Print the tables of a results folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from da.errors import nearest
from da.results import render, store
from da.results.table import tables


def main() -> int:
    """Run the command line; returns the exit code: 0 done, 2 there is nothing to report."""
    parser = argparse.ArgumentParser(description="Print the tables of a results folder, one for each task and split.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs"), help="where records are (default: runs)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables to FILE")
    parser.add_argument("--selection", metavar="RULE", help="the rule reported first (default: the configured one)")
    options = parser.parse_args()
    found = store.scan(options.folder)
    if found.skipped:
        print(f"report: skipped {len(found.skipped)} unreadable records, such as {found.skipped[0]}.", file=sys.stderr)
    if not found.records:
        print(f"report: there are no records below {options.folder}; run scripts/train.py first.", file=sys.stderr)
        return 2
    known = {name for r in found.records for name in r.get("selection", {})}
    if options.selection and options.selection not in known:
        print(f"report: no run has selection={options.selection}; {nearest(options.selection, known)}", file=sys.stderr)
        return 2
    made = tables(found.records, options.selection)
    print(render.text(made))
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(render.markdown(made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
