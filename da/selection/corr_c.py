"""Class correlation of target predictions, highest for certain and balanced ones (Tu et al., 2023)."""

import numpy as np
from scipy.special import softmax

from da.selection import Evidence

READS = frozenset({"target_logits"})


def score(evidence: Evidence) -> float:
    r"""Cosine similarity of the class correlation matrix of target probabilities with the identity.

    .. math:: \frac{\operatorname{tr} C}{\sqrt{k} \, \| C \|_F}, \quad C = P^\top P / n

    It is 1 where all predictions are certain and all classes equally frequent, and ``1 / sqrt(k)`` where all samples
    are predicted as one class or all predictions are uniform.

    Reference: Tu, Deng, Gedeon & Zheng, Assessing model out-of-distribution generalization with softmax prediction
    probability baselines and a correlation method, 2023 (SoftmaxCorr).

    Deviates: Hu et al. (MixVal, NeurIPS 2023) compare with it under the name Corr-C and choose its *lowest* value;
    here, as in its own paper, higher is better.
    """
    p = softmax(evidence.target_logits.astype(np.float64), axis=1)
    correlation = p.T @ p
    return float(np.trace(correlation) / (np.linalg.norm(correlation) * np.sqrt(p.shape[1])))
