"""Train one configuration, or a sweep of them with -m."""

from __future__ import annotations

import sys

from da import entry

if __name__ == "__main__":
    sys.exit(entry.train(sys.argv[1:]))
