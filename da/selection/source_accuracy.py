"""Accuracy on held-out source samples."""

import numpy as np

from da.selection import Evidence

READS = frozenset({"source_logits", "source_y"})


def score(evidence: Evidence) -> float:
    """Percentage of held-out source samples that are classified correctly."""
    return 100.0 * float(np.mean(evidence.source_logits.argmax(1) == evidence.source_y))
