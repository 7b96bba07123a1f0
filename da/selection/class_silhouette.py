"""Separation of predicted classes in target features (ClassSS, Musgrave et al., 2022)."""

import numpy as np

from da.selection import Evidence
from da.selection._samples import rows, spaced

READS = frozenset({"target_z", "target_logits"})


def score(evidence: Evidence) -> float:
    """Mean silhouette, in [-1, 1], of target features under their predicted labels.

    There is no score where a single class, or a different class for every sample, is predicted.

    Reference: Musgrave, Belongie & Lim, Three new validators and a large-scale benchmark ranking for unsupervised
    domain adaptation, 2022; Rousseeuw, Silhouettes, J. Comput. Appl. Math. 1987.

    Deviates: at most 2000 samples.
    """
    from sklearn.metrics import silhouette_score

    index = spaced(evidence.target_z)
    z, labels = rows(evidence.target_z)[index], evidence.target_logits[index].argmax(1)
    if not 2 <= len(np.unique(labels)) < len(labels) or not np.isfinite(z).all():
        return float("nan")
    return float(silhouette_score(z, labels))
