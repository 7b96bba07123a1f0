"""Print the tables of a results folder, and write them as a page."""

import sys

from da.report.command import main

if __name__ == "__main__":
    sys.exit(main())
