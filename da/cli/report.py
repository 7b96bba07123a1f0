"""Command line of reports: print the tables of a results folder, export them, and write the HTML page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from da.errors import UsageError, nearest
from da.report.chapter import SUMMARY, chapters
from da.report.page import html
from da.results import frame, store
from da.results.record import write_atomically
from da.tables import render
from da.tables.by_task import by_task
from da.tables.export import latex
from da.tables.records import tables

PAGE = "report.html"


def _path(text: str) -> Path:
    return Path(text).expanduser()


def say(what: str) -> int:
    """Print a message on standard error; returns the exit code of a refusal."""
    print(f"report: {what}", file=sys.stderr)
    return 2


def main() -> int:
    """Run the command line; returns the exit code: 0 done, 2 nothing to report."""
    parser = argparse.ArgumentParser(
        description="Print the tables of a results folder, one for each task and split, and write FOLDER/report.html."
    )
    parser.add_argument("folder", type=_path, nargs="?", default=Path("runs"), help="where records are (default: runs)")
    parser.add_argument("--html", type=_path, metavar="FILE", help=f"where the page goes (default: FOLDER/{PAGE})")
    parser.add_argument("--no-html", action="store_true", help="write no page")
    parser.add_argument("--show", nargs="+", default=[], metavar="RUN", help="runs that the page shows from near")
    parser.add_argument("--markdown", type=_path, metavar="FILE", help="also write the tables to FILE")
    parser.add_argument("--latex", type=_path, metavar="FILE", help="also write booktabs tables, tasks across, to FILE")
    parser.add_argument("--csv", type=_path, metavar="FILE", help="also write a row for each run to FILE")
    parser.add_argument("--parquet", type=_path, metavar="FILE", help="as --csv, in Parquet")
    parser.add_argument("--selection", metavar="RULE", help="the rule reported first (default: the configured one)")
    parser.add_argument("--by-task", action="store_true", help="methods down, tasks across, in Markdown")
    options = parser.parse_args()
    scanned = store.scan(options.folder)
    if scanned.skipped:
        say(f"skipped {len(scanned.skipped)} unreadable records, such as {scanned.skipped[0]}.")
    if not scanned.records:
        return say(f"there are no records below {options.folder}; run scripts/train.py first.")
    known = {name for r in scanned.records for name in r.get("selection", {})}
    rule = options.selection
    if rule and rule not in known:
        return say(f"no run has selection={rule}; {nearest(rule, known)}")
    scanned = scanned._replace(records=store.current(scanned.records))
    comparisons = tables(scanned.records, rule)
    print((by_task if options.by_task else render.text)(comparisons))
    try:
        _write(options, scanned, (by_task if options.by_task else render.markdown)(comparisons))
    except UsageError as error:
        return say(str(error))
    return 0


def _write(options: argparse.Namespace, scanned: store.Found, markdown: str) -> None:
    if options.markdown:
        write_atomically(options.markdown, markdown.encode())
    parts = chapters(options.folder, scanned.records, options.selection)
    if options.latex:
        write_atomically(options.latex, "\n".join(latex(part.spec, part.summary) for part in parts).encode())
    for file in (options.csv, options.parquet):
        if file:
            frame.write(frame.frame(scanned.records), file)
    if not options.no_html:
        file = options.html or options.folder / PAGE
        title = parts[0].spec.name if (options.folder / SUMMARY).is_file() else options.folder.resolve().name
        page = html(title, parts, scanned.records, options.show)
        write_atomically(file, page.encode())
        print(f"report: {file}")
