"""Class correlation: how near the classes' predictions are to apart and balanced (Tu et al., 2023)."""

import numpy as np
from scipy.special import softmax

from da.selection import Evidence

READS = frozenset({"target_logits"})


def score(evidence: Evidence) -> float:
    r"""Cosine of the correlation of classes in target probabilities with the identity.

    .. math:: \frac{\operatorname{tr} C}{\sqrt{k} \, \| C \|_F}, \quad C = P^\top P / n

    It is 1 where all predictions are certain and all classes equally frequent, and falls to ``1 / sqrt(k)`` where one
    class takes all or no sample is decided.

    Reference: Tu, Deng, Gedeon & Zheng, Assessing model out-of-distribution generalization with softmax prediction
    probability baselines and a correlation method, 2023 (SoftmaxCorr).

    Deviates: Hu et al. (MixVal, NeurIPS 2023) compare with it under the name Corr-C and choose its *lowest* value;
    here, as in its own paper, higher is better.
    """
    p = softmax(evidence.target_logits.astype(np.float64), axis=1)
    correlation = p.T @ p
    return float(np.trace(correlation) / (np.linalg.norm(correlation) * np.sqrt(p.shape[1])))
