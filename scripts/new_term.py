"""Start a term of your own: write its Python file, its YAML and a shell of its test."""

from __future__ import annotations

import sys

from da.cli.start import start


def main() -> int:
    """Write the files and say what to do next."""
    from da.cli import scaffold

    return scaffold.term_main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start(main))
