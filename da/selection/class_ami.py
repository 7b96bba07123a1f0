"""Agreement of predicted classes with clusters of target features (ClassAMI, Musgrave et al., 2022)."""

import warnings

import numpy as np

from da.selection import Evidence
from da.selection._samples import rows, spaced

READS = frozenset({"target_z", "target_logits"})


def score(evidence: Evidence) -> float:
    """Adjusted mutual information of predicted labels and k-means clusters of target features, as many as classes.

    1 is perfect agreement, 0 its expectation by chance. There is no score where a single class is predicted: a
    collapsed feature space would agree with it.

    Reference: Musgrave, Belongie & Lim, Three new validators and a large-scale benchmark ranking for unsupervised
    domain adaptation, 2022.

    Deviates: at most 2000 samples, three seeded starts of k-means, single precision.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import adjusted_mutual_info_score

    index = spaced(evidence.target_z)
    z, labels = rows(evidence.target_z)[index], evidence.target_logits[index].argmax(1)
    if len(np.unique(labels)) < 2 or not np.isfinite(z).all():
        return float("nan")
    z = (z - z.mean(axis=0)) / (np.abs(z).max() or 1.0)  # k-means ignores the scale, but float32 may overflow
    clusters = min(evidence.target_logits.shape[1], len(z))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than classes
        assigned = KMeans(clusters, n_init=3, random_state=0).fit_predict(z.astype(np.float32))
    return float(adjusted_mutual_info_score(labels, assigned))
