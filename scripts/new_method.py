"""Start a method of your own: write its Python file, its YAML and a shell of its test."""

from __future__ import annotations

import argparse
import sys

from da.cli.start import start


def main() -> int:
    """Write the files and say what to do next."""
    from da.cli import docs, scaffold
    from da.config.catalog import ROOT
    from da.errors import ConfigError

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="lower-case words joined by underscores, such as my_method")
    parser.add_argument("--family", default="transductive", help=f"one of {', '.join(scaffold.families())}")
    options = parser.parse_args()
    try:
        code, config, test = scaffold.new_method(options.name, options.family)
    except ConfigError as error:
        print(f"new_method: {error}", file=sys.stderr)
        return 2
    docs.render(write=True)
    print(f"{code.relative_to(ROOT)}  the method: give it a term\n{config.relative_to(ROOT)}  its hyper-parameters")
    print(f"{test.relative_to(ROOT)}  its test: write the paper's equation out")
    print(f"README.md  its table of methods was rendered anew\n\npython -m da.checks {options.name}")
    print(f"python scripts/train.py method={options.name} data=digits")
    return 0


if __name__ == "__main__":
    sys.exit(start(main))
