"""Which files changed lately: a function of the commit, not of the clock."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DAY = 24 * 3600


def git(*arguments: str) -> str | None:
    """What git answers, or None where there is no repository or no such revision."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def changed() -> frozenset[str]:
    """Paths, relative to the root, that differ from the last commit a day older than HEAD, or from ``DA_BASE``."""
    made = git("show", "-s", "--format=%ct", "HEAD")
    if made is None:
        return frozenset()
    base = os.environ.get("DA_BASE") or git("rev-list", "-1", f"--before={int(made) - DAY}", "HEAD")
    base = base or (git("rev-list", "--max-parents=0", "HEAD") or "HEAD").splitlines()[-1]
    found = [git("diff", "--name-only", base), git("ls-files", "--others", "--exclude-standard")]
    return frozenset(name for part in found if part for name in part.splitlines())
