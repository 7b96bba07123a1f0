"""Score for the comparison of values of C: recall on held-out samples, averaged over classes."""

from __future__ import annotations

import math

import numpy as np

MANY = 100  # effective sample size from which a recall at chance level is not attributed to sampling noise


class Recalls:
    r"""Mean recalls, with standard errors, of classifiers with less and less regularisation.

    .. math:: a = \frac1K \sum_k r_k, \quad
        r_k = \frac{\sum_{y_i = k} w_i [\, h(x_i) = k]}{\sum_{y_i = k} w_i}, \quad
        \sigma^2 = \frac{1}{K^2} \sum_k \frac{r_k (1 - r_k)}{n_k}

    with the effective sample size :math:`n_k` of each class. Classes of fewer than ``least`` samples are ignored,
    unless fewer than two would be left.

    Args:
        index: ``(n,)`` classes, from 0.
        weights: ``(n,)`` above 0.
        least: smallest number of samples of a class that counts.
    """

    def __init__(self, index: np.ndarray, weights: np.ndarray, least: int):
        self.index, self.weights = index, weights
        self.sums = np.bincount(index, weights)
        self.sizes = self.sums**2 / np.bincount(index, weights**2)
        self.classes = np.bincount(index) >= least
        if self.classes.sum() < 2:
            self.classes[:] = True
        self.means: list[float] = []
        self.errors: list[float] = []

    def add(self, right: np.ndarray) -> None:
        """Add a classifier, given which of the ``(n,)`` samples it classifies correctly."""
        recall = np.bincount(self.index, self.weights * right) / self.sums
        self.means.append(round(float(recall[self.classes].mean()), 12))  # sums of weights are equal to rounding
        self.errors.append(self._error(recall))

    @property
    def best(self) -> float:
        """The highest mean recall; 1 if there is none."""
        return max(self.means, default=1.0)

    @property
    def error(self) -> float:
        """The standard error of the first classifier with the highest mean."""
        return self.errors[self.means.index(self.best)]

    @property
    def chance(self) -> float:
        """The mean recall of a classifier that always predicts the same class."""
        return 1.0 / float(self.classes.sum())

    @property
    def by_chance(self) -> bool:
        """Whether none is better than random guessing by two standard errors of the latter."""
        return self.best <= self.chance + 2.0 * self._error(np.full(len(self.sums), self.chance))

    @property
    def simplest(self) -> int:
        """Index of the first that is within one standard error of the best; 0 if there is none."""
        return next((place for place, mean in enumerate(self.means) if mean >= self.best - self.error), 0)

    def told_from_the_best(self, place: int) -> bool:
        """Whether one is worse than the best by more than two standard errors."""
        return self.means[place] < self.best - 2.0 * self.error

    @property
    def nothing(self) -> bool:
        """Whether none is better than chance although there are many samples."""
        return bool(self.sizes.sum() >= MANY) and self.best < 1.0 and self.by_chance

    def enough(self, usual: bool) -> bool:
        """Whether to stop trying larger values of C; ``usual``: the usual largest value has been tried."""
        if self.best == 1.0:
            return True
        if self.by_chance:  # with features of very different size, none of them may have an effect yet
            return False
        if len(self.means) > 2 and all(self.told_from_the_best(place) for place in (-2, -1)):
            return True
        return usual and self.means[-1] <= max(self.means[:-1])

    def _error(self, recall: np.ndarray) -> float:
        spread = (recall * (1.0 - recall) / self.sizes)[self.classes]
        return math.sqrt(float(spread.sum())) / float(self.classes.sum())
