"""The main metric on labelled target test samples: an upper bound unavailable in practice, for comparison only."""

from da.selection import Evidence

READS = frozenset({"test_accuracy"})


def score(evidence: Evidence) -> float:
    """Accuracy on the target test split, in percent."""
    assert evidence.test_accuracy is not None
    return evidence.test_accuracy
