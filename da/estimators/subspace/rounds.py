"""Checks of parameters and iterative refinement of pseudo-labels for the estimators of this folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from da.errors import UsageError
from da.estimators.arrays import as_numpy
from da.estimators.base import classify
from da.estimators.classifiers.choice import settled


def above_zero(estimator: object, *names: str) -> None:
    """Refuse parameters that are neither None nor positive.

    Raises:
        UsageError: names the estimator, the parameter and its value.
    """
    for name in names:
        value = getattr(estimator, name)
        if value is not None and not value > 0:
            raise UsageError(f"{type(estimator).__name__} needs `{name}` above 0, got {value}.")


def at_least_zero(estimator: object, *names: str) -> None:
    """Refuse negative parameters.

    Raises:
        UsageError: names the estimator, the parameter and its value.
    """
    for name in names:
        value = getattr(estimator, name)
        if not value >= 0:
            raise UsageError(f"{type(estimator).__name__} needs `{name}` at least 0, got {value}.")


class Labeller:
    """Predict ``(n_t,)`` pseudo-labels by a new copy of a classifier trained on the source; None is 1-NN.

    A C that the classifier chooses by cross-validation is chosen on the features of the first call, not in each round.
    """

    def __init__(self, classifier: BaseEstimator | None):
        self.classifier, self.settled = classifier, False

    def __call__(self, z_s: Any, y_s: np.ndarray, z_t: Any) -> np.ndarray:
        if len(np.unique(y_s)) == 1:  # many classifiers refuse a single class
            return np.full(z_t.shape[0], y_s[0])
        if not self.settled:
            self.classifier, self.settled = settled(self.classifier, as_numpy(z_s), y_s), True
        return classify(self.classifier, z_s, y_s, z_t)

    @property
    def C(self) -> float | None:  # noqa: N802 - scikit-learn's name
        """The classifier's C, once it is a number."""
        C = None if self.classifier is None else self.classifier.get_params().get("C")
        return float(C) if isinstance(C, int | float) else None


def refine(solve: Callable[[Any], np.ndarray], guess: np.ndarray | None, rounds: int) -> tuple[np.ndarray | None, int]:
    """Apply ``solve`` to the labels repeatedly, until the rounds are done or the labels no longer change.

    Returns:
        The last labels, and the number of rounds.
    """
    for done in range(1, rounds + 1):
        labels = solve(guess)
        if guess is not None and np.array_equal(labels, guess):
            return labels, done
        guess = labels
    return guess, rounds


def warn_of_steps(estimator: Any) -> None:
    """Warn if an estimator did not reach an optimum within ``max_iter`` steps."""
    if not estimator.converged_:
        warnings.warn(
            f"{type(estimator).__name__} did not converge within {estimator.max_iter} steps: its objective may still "
            "get better; raise `max_iter`.",
            ConvergenceWarning,
            stacklevel=3,
        )
