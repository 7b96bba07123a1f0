"""Confidence and diversity on the unlabelled target (Shi & Sha, ICML 2012; as a validator: Musgrave et al., 2022)."""

import numpy as np
from scipy.special import log_softmax, logsumexp

from da.selection import Evidence

READS = frozenset({"target_logits"})


def score(evidence: Evidence) -> float:
    """Mutual information of input and prediction, in nats: entropy of the mean prediction minus the mean entropy."""
    log_p = log_softmax(evidence.target_logits, axis=1)
    log_mean = logsumexp(log_p, axis=0) - np.log(len(log_p))
    return float((np.exp(log_p) * log_p).sum(axis=1).mean() - (np.exp(log_mean) * log_mean).sum())
