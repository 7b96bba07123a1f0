"""How well each selection rule ranks epochs and runs: python benchmarks/selection.py FOLDER... [--write FILE].

Reads the records below the folders, as in Musgrave et al. (Three new validators and a large-scale benchmark ranking for
unsupervised domain adaptation, 2022), and prints Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from da.analysis import ranking
from da.results import store


def main() -> None:
    """Rank, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the Markdown there, too")
    options = parser.parse_args()
    if missing := [str(folder) for folder in options.folders if not folder.is_dir()]:
        parser.error(f"{missing[0]} is no folder; give folders of records, such as runs")
    found = [store.scan(folder) for folder in options.folders]
    records = [r for part in found for r in part.records]
    finished = sum(r["status"] == "finished" for r in records)
    skipped = sum(len(part.skipped) for part in found)
    command = " ".join(["python benchmarks/selection.py", *map(str, options.folders)])
    head = f"<!-- {command}; {finished} finished runs, {len(records) - finished} failed, {skipped} unreadable -->\n"
    text = f"{head}\n{ranking.report(records)}"
    print(text)
    if options.write is not None:
        options.write.write_text(text)


if __name__ == "__main__":
    main()
