"""Soft neighbourhood density of target predictions (Saito et al., ICCV 2021)."""

import numpy as np
from scipy.special import log_softmax, softmax

from da.selection import Evidence

READS = frozenset({"target_logits"})
TEMPERATURE = 0.05
LIMIT = 2000


def score(evidence: Evidence) -> float:
    """Mean entropy of the temperature-sharpened similarities between samples' predictions (eq. 2 and 3).

    Deviates: at most 2000 evenly spaced samples are compared, so that the cost stays bounded.
    """
    logits = evidence.target_logits
    if len(logits) < 2:
        return float("nan")  # a single sample has no neighbours
    p = softmax(logits[:: max(1, -(-len(logits) // LIMIT))], axis=1)
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    similarity = p @ p.T / TEMPERATURE
    np.fill_diagonal(similarity, -np.inf)
    log_q = log_softmax(similarity, axis=1)
    np.fill_diagonal(log_q, 0.0)
    q = np.exp(log_q)
    np.fill_diagonal(q, 0.0)
    return float(-(q * log_q).sum(axis=1).mean())
