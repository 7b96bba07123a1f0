"""Check entries of the catalogue from a shell: ``python -m da.checks [NAME ...]``."""

from __future__ import annotations

import sys
import time

from da import catalog
from da.checks import Subject, checks_for
from da.errors import ConfigError


def subject_of(entry: catalog.Entry) -> Subject:
    """The subject of a catalogue entry, with its defaults."""
    return Subject(entry.name, entry.locate(), entry.access, config=entry.config)


def main(names: list[str]) -> int:
    """Run all checks on the named entries, or on all; returns the number that failed."""
    failures = 0
    for name in names or list(catalog.entries("method")):
        subject = subject_of(catalog.named("method", name))
        for title, check in checks_for(subject):
            start = time.perf_counter()
            try:
                check(subject)
                word = "passed"
            except AssertionError as error:
                failures += 1
                word = f"FAILED: {error}"
            print(f"{name:24} {title:48} {time.perf_counter() - start:5.1f} s  {word}", flush=True)
    return failures


if __name__ == "__main__":
    try:
        sys.exit(min(main(sys.argv[1:]), 1))
    except ConfigError as error:
        print(f"checks: {error}", file=sys.stderr)
        sys.exit(2)
