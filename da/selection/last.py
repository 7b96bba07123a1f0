"""The last epoch, without selection."""

from da.selection import Evidence

READS = frozenset({"epoch"})


def score(evidence: Evidence) -> float:
    """The number of the epoch."""
    return float(evidence.epoch or 0)
