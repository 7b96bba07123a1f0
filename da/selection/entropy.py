"""Confidence on the unlabelled target (Morerio et al., ICLR 2018)."""

import numpy as np
from scipy.special import log_softmax

from da.selection import Evidence

READS = frozenset({"target_logits"})


def score(evidence: Evidence) -> float:
    """Minus the mean entropy, in nats, of the predictions on target training samples."""
    log_p = log_softmax(evidence.target_logits, axis=1)
    return float((np.exp(log_p) * log_p).sum(axis=1).mean())
