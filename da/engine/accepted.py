"""Code that was shown to compute the same: pairs of hashes, see :mod:`da.engine.codehash`, in one committed file."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from da.config import catalog
from da.results import record

FILE = catalog.ROOT / "benchmarks" / "equal.json"


def same(old: str, new: str) -> bool:
    """Whether both are one hash, or a chain of accepted pairs leads from the first to the second."""
    if old == new:
        return True
    equal = _pairs(FILE, FILE.stat().st_mtime_ns) if FILE.is_file() else {}
    seen: set[str] = set()
    waiting = [old]
    while waiting:
        code = waiting.pop()
        if code == new:
            return True
        if code not in seen:
            seen.add(code)
            waiting += equal.get(code, ())
    return False


def any_other(made: Mapping[str, str], present: Mapping[str, str]) -> bool:
    """Whether one of the parts that both have a hash of is not the same."""
    return any(not same(code, present[part]) for part, code in made.items() if part in present)


@cache
def _pairs(file: Path, _changed: int) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pair in json.loads(file.read_text(encoding="utf-8")):
        found.setdefault(pair["old"], set()).add(pair["new"])
    return found


def accept(pairs: Mapping[tuple[str, str], Collection[str]]) -> None:
    """Write down old and new code that computes the same, and the cells that showed it."""
    if not pairs:
        return
    listed = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else []
    listed += [{"old": old, "new": new, "cells": list(cells)} for (old, new), cells in pairs.items()]
    lines = ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in listed)
    record.write_atomically(FILE, f"[\n{lines}\n]\n".encode())
