"""The target's class shares, as far as they can be estimated without its labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from da.errors import UsageError
from da.estimators.weighting.label_shift import Outputs, confusion, cross_outputs

LEVEL = 0.95
FEWEST = 20
"""Target samples: of fewer the bootstrap's intervals are far too narrow, of one they have no width at all."""


class ClassShares(NamedTuple):
    """Shares of K classes under label shift.

    Args:
        classes: ``(K,)`` labels that the source has.
        source: ``(K,)`` shares in the source.
        target: ``(K,)`` estimated shares in the target.
        low: ``(K,)`` lower ends of the 95 % intervals.
        high: ``(K,)`` upper ends.
    """

    classes: np.ndarray
    source: np.ndarray
    target: np.ndarray
    low: np.ndarray
    high: np.ndarray


def class_shares(x_s: Any, y_s: np.ndarray, x_t: Any, *, draws: int = 500, seed: int = 0) -> ClassShares:
    r"""Estimate the target's class shares as black-box shift estimation does, with a bootstrap interval.

    .. math:: \hat q = p \circ \hat C^{-1} \hat\mu

    with the source's shares p, the frequencies :math:`C_{ij}` of predicted class i and class j in the source, and
    :math:`\mu_i` of predicted class i in the target. This holds if only class shares differ between domains, so that
    :math:`p(x \mid y)` is the same, which no data without target labels can show. The interval is that of a bootstrap
    over samples of both domains with the classifiers kept: under label shift it covers the sampling of confusion and
    predictions, and nothing of an assumption that is wrong.

    Args:
        x_s: ``(n, d)`` source features.
        y_s: ``(n,)`` labels.
        x_t: ``(m, d)`` target features.
        draws: number of bootstrap samples.
        seed: of them.

    Raises:
        UsageError: the source has a single class, or the target fewer than 20 samples.

    Reference: Lipton, Wang & Smola, Detecting and correcting for label shift with black box predictors, ICML 2018; as
    :class:`da.estimators.weighting.bbse.BBSE`, logistic regression with five-fold cross-validation.
    """
    classes, index = np.unique(y_s, return_inverse=True)
    if len(classes) < 2:
        raise UsageError("The source has one class only, so there are no class shares; give samples of at least two.")
    if len(x_t) < FEWEST:
        raise UsageError(
            f"Class shares of a target of {len(x_t)} sample{'s' * (len(x_t) != 1)} have no interval that could be "
            f"trusted; give at least {FEWEST}."
        )
    outputs = cross_outputs(None, x_s, index, x_t, soft=False)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        s, t = (rng.integers(len(part), size=len(part)) for part in outputs)
        drawn.append(_shares(Outputs(outputs.source[s], outputs.target[t]), index[s]))
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return ClassShares(classes, np.bincount(index) / len(index), _shares(outputs, index), low, high)


def _shares(outputs: Outputs, index: np.ndarray) -> np.ndarray:
    """``(K,)`` shares; negative estimates become 0, directions that the predictions do not tell keep the source's."""
    joint, answers = confusion(outputs, index)
    ratios = 1.0 + np.linalg.pinv(joint, rcond=1e-10) @ (answers - joint.sum(1))
    priors = np.bincount(index, minlength=len(joint)) / len(index)
    raw = priors * np.maximum(ratios, 0.0)
    total = raw.sum()
    shares: np.ndarray = raw / total if total > 0.0 else priors
    return shares
