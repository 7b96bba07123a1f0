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
from da.results.record import Record
from da.results.store import FoundRecords
from da.tables import label_free_text, render
from da.tables.best_runs import best_runs
from da.tables.by_task import by_task
from da.tables.export import latex
from da.tables.label_free import is_unlabelled, label_free_table
from da.tables.summarize import TableResults, summarize
from da.tables.task_table import task_tables
from da.tables.versus import versus
from da.tables.wording import ORACLE

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
    short = parser.add_argument_group("a short answer, in place of tables and page").add_mutually_exclusive_group()
    short.add_argument("--best", action="store_true", help="of each task the best method, its best run and its command")
    short.add_argument(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="methods, rows or folders of runs: A minus B paired over tasks and seeds, and how their settings differ",
    )
    options = parser.parse_args()
    if said := _in_vain(options):
        return say(said)
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
    if options.best or options.compare:
        return _answer(options, found.records)
    results = summarize(found.records, rule=rule)
    made = task_tables(results)
    print((by_task if options.by_task else render.text)(made))
    try:
        _write(options, found, results, (by_task if options.by_task else render.markdown)(made))
    except UsageError as error:
        return say(str(error))
    return 0


WRITING = ("html", "no_html", "show", "markdown", "latex", "csv", "parquet", "by_task")
"""Options of tables and page."""


def _in_vain(options: argparse.Namespace) -> str:
    """Which option a short answer would ignore, in a sentence; empty for none."""
    idle = [name for name in WRITING if getattr(options, name)] if options.best or options.compare else []
    if not idle:
        return ""
    answer = "--best" if options.best else "--compare"
    return (
        f"{answer} prints and writes nothing, so --{idle[0].replace('_', '-')} would do nothing; leave out one of them."
    )


def _answer(options: argparse.Namespace, records: list[Record]) -> int:
    """Print what ``--best`` or ``--compare`` asks for."""
    try:
        if options.compare:
            print(versus(sections(options.folder, records, options.selection), *options.compare))
            return 0
        results = summarize(records, rule=options.selection)
        if not options.selection and any(task.rule.startswith(ORACLE) for table in results for task in table.tasks):
            results = summarize(records, rule="last")  # nobody asked for an oracle here
        lines = best_runs(results)
    except UsageError as error:
        return say(str(error))
    if not lines:
        return say(f"no run below {options.folder} has finished; report.py without --best says why.")
    print("\n".join(lines))
    return 0


def _latex(part: TableResults) -> str:
    """The table of a part; where its target has no labels, that of the rules' scores."""
    if is_unlabelled(part.runs.values()):
        made = [(task.name, label_free_table(task.name, task.rows, task.rule)) for task in part.tasks]
        return "\n".join(label_free_text.latex(name, table) for name, table in made)
    return latex(part.spec, part.summary)


def _write(options: argparse.Namespace, found: FoundRecords, results: list[TableResults], markdown: str) -> None:
    records = found.records
    if options.markdown:
        write_atomically(options.markdown, markdown.encode())
    parts = sections(options.folder, records, options.selection, results)
    if options.latex:
        write_atomically(options.latex, "\n".join(map(_latex, parts)).encode())
    for file in (options.csv, options.parquet):
        if file:
            frame.write(frame.frame(records), file)
    if not options.no_html:
        file = options.html or options.folder / PAGE
        title = parts[0].spec.protocol.name if (options.folder / SUMMARY).is_file() else options.folder.resolve().name
        page = html(title, parts, records, options.show, [skipped.reason for skipped in found.skipped])
        write_atomically(file, page.encode())
        print(f"report: {file}")
