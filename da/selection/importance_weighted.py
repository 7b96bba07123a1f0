"""Importance-weighted source accuracy, an estimate of target accuracy (Sugiyama et al., JMLR 2007)."""

import numpy as np

from da.selection import Evidence
from da.selection._density_ratio import importance

READS = frozenset({"source_z", "source_logits", "source_y", "target_z"})


def score(evidence: Evidence) -> float:
    r"""Importance-weighted accuracy, in percent, of held-out source samples.

    .. math:: 100 \, \frac{\sum_i w(z_i) \, [\hat y_i = y_i]}{\sum_i w(z_i)}, \quad w = p_t / p_s

    Reference: Sugiyama, Krauledat & Müller, Covariate shift adaptation by importance weighted cross validation, JMLR
    2007, whose weighted risk it is with the 0-1 loss.

    On the covariate toy in 128 features, the mean over draws of 2000 source samples is within 3 points of the target
    accuracy, and a single draw within 8.

    Deviates: held-out samples in place of folds; weights of features, not of inputs, from a logistic regression; they
    are divided by their sum, which keeps the score in [0, 100]; at most 2000 samples a domain.
    """
    estimate = importance(evidence.source_z, evidence.target_z)
    if estimate is None:
        return float("nan")
    right = evidence.source_logits[estimate.samples].argmax(1) == np.asarray(evidence.source_y)[estimate.samples]
    return 100.0 * float(np.average(right, weights=estimate.weights))
