"""Words that all tables share: what an oracle is, which rule chose an epoch, and why a run failed."""

from __future__ import annotations

import re

from da.results.record import Record

ORACLE = "oracle_"
ABSENT = "-"
"""What stands where there is no score."""


def first_sentence(failed: Record) -> str:
    """The first sentence of a failed run's error, or its kind where the error says nothing."""
    text = " ".join(failed.error.split()) or failed.error_kind or "no message"
    return re.split(r"(?<=[.!?]) ", text, maxsplit=1)[0]


def chosen_by(rule: str) -> str:
    """The rule that chose the epoch of a score, in words that call an oracle one."""
    bound = ", an oracle that reads the target test labels: a bound, not a result"
    return f"selection={rule}{bound if rule.startswith(ORACLE) else ''}"
