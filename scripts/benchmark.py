"""Run a published result table again, and render it."""

import sys

from da.benchmark.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
