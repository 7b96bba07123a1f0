"""Committed pairs of code hashes (:mod:`da.engine.codehash`) that were verified to compute the same results."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from da.config import catalog
from da.files import write_atomically

FILE = catalog.ROOT / "benchmarks" / "equal.json"


def same(old: str, new: str) -> bool:
    """Whether two hashes are equal, or connected by a chain of accepted pairs."""
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


def any_other(recorded: Mapping[str, str], present: Mapping[str, str]) -> bool:
    """Whether a part that both have a hash of differs."""
    return any(not same(code, present[part]) for part, code in recorded.items() if part in present)


@cache
def _pairs(file: Path, _changed: int) -> dict[str, set[str]]:
    successors: dict[str, set[str]] = {}
    for pair in json.loads(file.read_text(encoding="utf-8")):
        successors.setdefault(pair["old"], set()).add(pair["new"])
    return successors


def accept(pairs: Mapping[tuple[str, str], Collection[str]]) -> None:
    """Record pairs of old and new code that compute the same, with the cells that verified it."""
    if not pairs:
        return
    listed = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else []
    listed += [{"old": old, "new": new, "cells": list(cells)} for (old, new), cells in pairs.items()]
    lines = ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in listed)
    write_atomically(FILE, f"[\n{lines}\n]\n".encode())
