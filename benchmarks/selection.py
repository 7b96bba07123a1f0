"""How well each selection rule ranks epochs and runs: python benchmarks/selection.py TABLE|FOLDER... [--write FILE].

Reads committed tables by their names, and the records below folders, and judges rules as Musgrave et al. do (Three new
validators and a large-scale benchmark ranking for unsupervised domain adaptation, 2022). Prints Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from da.errors import ConfigError
from da.tables import rules


def main() -> None:
    """Rank, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", metavar="TABLE|FOLDER")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the Markdown there, too")
    options = parser.parse_args()
    try:
        text = rules.text(options.places)
    except ConfigError as error:
        parser.error(str(error))
    print(text)
    if options.write is not None:
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
