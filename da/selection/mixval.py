"""Consistency of predictions on mixtures of target samples (MixVal, Hu et al., NeurIPS 2023)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from da.domain import single_precision
from da.selection import Evidence
from da.selection._samples import spaced

READS = frozenset({"target_x", "target_z", "target_logits", "answer"})
SHARE = 0.55
LIMIT = 500


def score(evidence: Evidence) -> float:
    r"""Interpolation consistency, in percent: the mean of those over pairs of one predicted class and pairs of two.

    .. math:: 100 \, [\hat y(0.55 \, x_a + 0.45 \, x_b) = \hat y(x_a)]

    Pairs of one class test whether the class is one cluster, pairs of two whether the boundary lies between them.
    There is no score where either kind of pair is missing, or inputs are integer codes that cannot be mixed.

    Reference: Hu et al., Mixed samples as probes for unsupervised model selection in domain adaptation, NeurIPS 2023.

    Deviates: the paper ranks models by each kind of pair and averages the ranks, which a single model does not have;
    here the two consistencies are averaged; 500 samples, one draw of pairs in place of three.
    """
    assert evidence.answer is not None
    labels = evidence.target_logits.argmax(1)
    index = spaced(evidence.target_z, LIMIT)
    order = np.random.default_rng(0).permutation(index)
    members = [order[labels[order] == c] for c in np.unique(labels[order])]
    inner = np.concatenate([np.stack([m, np.roll(m, 1)]) for m in members if len(m) > 1] or [np.empty((2, 0), int)], 1)
    outer = np.stack([order, np.roll(order, 1)])
    outer = outer[:, labels[outer[0]] != labels[outer[1]]]
    if not (inner.size and outer.size):
        return float("nan")
    first, second = np.concatenate([inner, outer], axis=1)
    mixtures = mixed(evidence.target_x, first, second)
    if mixtures is None:
        return float("nan")
    consistent = evidence.answer(mixtures).argmax(1) == labels[first]
    split = inner.shape[1]
    return 50.0 * float(consistent[:split].mean() + consistent[split:].mean())


def mixed(x: Any, first: np.ndarray, second: np.ndarray) -> Any:
    """Mixtures of pairs of inputs, images in 0..255 as floats in [0, 1]; None for integer inputs, which are codes."""
    a, b = x[first], x[second]
    if sparse.issparse(a):
        return SHARE * a + (1.0 - SHARE) * b
    if not (np.issubdtype(a.dtype, np.floating) or a.dtype == np.uint8):
        return None
    return SHARE * single_precision(a) + (1.0 - SHARE) * single_precision(b)
