"""Metrics of predictions: accuracy and F1 of classes, accuracy and mutual information of clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

ACCURACY: Mapping[str, str] = {"accuracy": "accuracy"}
"""What methods report unless they say otherwise: their name of a metric, and the one of :data:`METRICS`."""
Prediction = tuple[np.ndarray, np.ndarray]
"""``(n, d)`` features and ``(n, k)`` logits."""


def accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    """Percentage of samples whose predicted class is their label."""
    return float(100.0 * np.mean(y == predicted))


def mean_class_accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    r"""Accuracy of each class that has samples, averaged with equal weight, in percent.

    .. math:: \frac{100}{K} \sum_{k=1}^{K} \frac{|\{i : \hat y_i = y_i = k\}|}{|\{i : y_i = k\}|}
    """
    right = np.bincount(y[y == predicted], minlength=int(y.max()) + 1)
    counts = np.bincount(y)
    return float(100.0 * np.mean(right[counts > 0] / counts[counts > 0]))


def macro_f1(y: np.ndarray, predicted: np.ndarray) -> float:
    """Harmonic mean of precision and recall of each class that has samples, averaged with equal weight, in percent."""
    from sklearn.metrics import f1_score

    return float(100.0 * f1_score(y, predicted, labels=np.unique(y), average="macro", zero_division=0.0))


def cluster_accuracy(y: np.ndarray, cluster: np.ndarray) -> float:
    """ACC: accuracy in percent under the best one-to-one assignment of clusters to classes (Hungarian algorithm).

    >>> cluster_accuracy(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]))
    75.0
    """
    from scipy.optimize import linear_sum_assignment

    size = int(max(y.max(), cluster.max())) + 1
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (cluster, y), 1)
    return float(100.0 * counts[linear_sum_assignment(-counts)].sum() / len(y))


def cluster_information(y: np.ndarray, cluster: np.ndarray) -> float:
    """NMI in percent: mutual information of clusters and classes over the mean of their entropies."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(100.0 * normalized_mutual_info_score(y, cluster))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "mean_class_accuracy": mean_class_accuracy,
    "macro_f1": macro_f1,
    "cluster_accuracy": cluster_accuracy,
    "cluster_information": cluster_information,
}
"""Metrics as functions of labels and predicted classes, by the names that data sets and methods use."""
OF_CLASSES = ("accuracy", "mean_class_accuracy", "macro_f1")
"""Metrics of predicted classes; the others are of clusters, which carry no class names."""
BALANCED = "mean_class_accuracy"
"""Reported for every classifier: where one class is frequent, accuracy alone hides that others are never predicted."""


def scores(y: np.ndarray, logits: np.ndarray, names: Mapping[str, str], metric: str = "accuracy") -> dict[str, float]:
    """A method's metrics from ``(n, k)`` logits and ``(n,)`` labels; the first is the main metric.

    A method only names its metrics and is not given the labels.

    Args:
        y: labels.
        logits: of the same samples.
        names: reported name to name in :data:`METRICS`, as a method states it.
        metric: the metric in published tables on these data; where it is not accuracy, it comes first.
    """
    wanted = ({} if metric == "accuracy" else {metric: metric}) | dict(names)
    wanted |= {BALANCED: BALANCED} if "accuracy" in names.values() else {}
    return {name: METRICS[function](y, logits.argmax(1)) for name, function in wanted.items()}
