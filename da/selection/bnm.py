"""Batch nuclear norm of target predictions, high for confident and diverse ones (Cui et al., CVPR 2020)."""

import numpy as np
from scipy.special import softmax

from da.selection import Evidence
from da.selection._samples import spaced

READS = frozenset({"target_logits"})


def score(evidence: Evidence) -> float:
    r"""Nuclear norm of the ``(n, k)`` matrix of target probabilities, as a fraction of the largest possible.

    .. math:: \| P \|_* / \sqrt{n \min(n, k)}

    It is 1 where all predictions are certain and all classes equally frequent.

    Reference: Cui et al., Towards discriminability and diversity: batch nuclear-norm maximization under label
    insufficient situations, CVPR 2020; as a validator: Musgrave et al., Three new validators and a large-scale
    benchmark ranking for unsupervised domain adaptation, 2022.

    Deviates: one matrix of at most 2000 samples in place of batches, and scaled, which changes no ranking in a task.
    """
    p = softmax(evidence.target_logits.astype(np.float64), axis=1)
    p = p[spaced(p)]
    return float(np.linalg.svd(p, compute_uv=False).sum() / np.sqrt(len(p) * min(p.shape)))
