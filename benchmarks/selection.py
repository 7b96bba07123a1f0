"""How well each selection rule ranks epochs and runs: python benchmarks/selection.py TABLE|FOLDER... [--write FILE].

Reads committed tables by their names, and the records below folders, and judges rules as Musgrave et al. do (Three new
validators and a large-scale benchmark ranking for unsupervised domain adaptation, 2022). Prints Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from da.analysis import ranking
from da.benchmark import page, spec, summary
from da.results import store


def main() -> None:
    """Rank, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", metavar="TABLE|FOLDER")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the Markdown there, too")
    options = parser.parse_args()
    records: list[Any] = []
    skipped = 0
    for place in options.places:
        if Path(place).is_dir():
            found = store.scan(Path(place))
            records += found.records
            skipped += len(found.skipped)
        elif (file := page.RESULTS / f"{place}.json").is_file():
            records += summary.as_records(summary.read(file))
        else:
            parser.error(f"{place} is neither a folder of records nor a committed table ({', '.join(spec.names())})")
    finished = sum(r["status"] == "finished" for r in records)
    command = " ".join(["python benchmarks/selection.py", *options.places])
    head = f"<!-- {command}; {finished} finished runs, {len(records) - finished} failed, {skipped} unreadable -->\n"
    text = f"{head}\n{ranking.report(records)}"
    print(text)
    if options.write is not None:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
