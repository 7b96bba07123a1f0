"""Command line of reports: print the tables of a results folder, export them, and write the HTML page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from da.errors import UsageError, nearest
from da.files import write_atomically
from da.report.page import html
from da.report.sections import SUMMARY, sections
from da.results import frame, store
from da.results.store import FoundRecords
from da.tables import render
from da.tables.by_task import by_task
from da.tables.export import latex
from da.tables.summarize import TableResults, summarize
from da.tables.task_table import task_tables

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
    try:
        found = store.scan(store.existing(options.folder))
    except UsageError as error:
        return say(str(error))
    if complaint := found.complaint():
        say(complaint)
    if not found.records:
        return say(f"there are no records below {options.folder}; run scripts/train.py first.")
    known = {name for r in found.records for name in r.selection}
    rule = options.selection
    if rule and rule not in known:
        return say(f"no run has selection={rule}; {nearest(rule, known)}")
    found = found._replace(records=store.current(found.records))
    results = summarize(found.records, rule=rule)
    made = task_tables(results)
    print((by_task if options.by_task else render.text)(made))
    try:
        _write(options, found, results, (by_task if options.by_task else render.markdown)(made))
    except UsageError as error:
        return say(str(error))
    return 0


def _write(options: argparse.Namespace, found: FoundRecords, results: list[TableResults], markdown: str) -> None:
    records = found.records
    if options.markdown:
        write_atomically(options.markdown, markdown.encode())
    parts = sections(options.folder, records, options.selection, results)
    if options.latex:
        write_atomically(options.latex, "\n".join(latex(part.spec, part.summary) for part in parts).encode())
    for file in (options.csv, options.parquet):
        if file:
            frame.write(frame.frame(records), file)
    if not options.no_html:
        file = options.html or options.folder / PAGE
        title = parts[0].spec.protocol.name if (options.folder / SUMMARY).is_file() else options.folder.resolve().name
        page = html(title, parts, records, options.show, [skipped.reason for skipped in found.skipped])
        write_atomically(file, page.encode())
        print(f"report: {file}")
