"""What is reported of predictions: accuracy of classes, accuracy and information of clusters."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    """Share of samples, in percent, whose predicted class is their label."""
    return float(100.0 * np.mean(y == predicted))


def cluster_accuracy(y: np.ndarray, cluster: np.ndarray) -> float:
    """ACC: accuracy in percent under the best one-to-one naming of clusters by classes (Hungarian algorithm)."""
    size = int(max(y.max(), cluster.max())) + 1
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (cluster, y), 1)
    return float(100.0 * counts[linear_sum_assignment(-counts)].sum() / len(y))


def cluster_information(y: np.ndarray, cluster: np.ndarray) -> float:
    """NMI in percent: mutual information of clusters and classes over the mean of their entropies."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(100.0 * normalized_mutual_info_score(y, cluster))
