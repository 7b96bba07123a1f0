"""Density ratios of held-out source samples from features, used by two criteria."""

from __future__ import annotations

import weakref
from typing import NamedTuple

import numpy as np

from da.selection._samples import rows, spaced

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
FOLDS = 2
LARGEST = 20.0
WIDEST = 32
SAMPLES_A_COMPONENT = 20


class Importance(NamedTuple):
    """Density ratios of source samples.

    Args:
        samples: ``(k,)`` indices of the samples.
        weights: ``(k,)`` estimates of ``p_t(z) / p_s(z)`` at these samples.
    """

    samples: np.ndarray
    weights: np.ndarray


def importance(z_s: np.ndarray, z_t: np.ndarray) -> Importance | None:
    r"""Density ratio by a logistic regression that classifies features as target or source.

    .. math:: w(z) = \frac{p_t(z)}{p_s(z)} = \frac{n_s}{n_t} \frac{P(\text{target} \mid z)}{P(\text{source} \mid z)}

    Every weight comes from a regression that was not trained on its sample (two folds), and the l2 penalty is the one
    of least log-loss on the samples left out. Evaluated on its own training samples, or with too small a penalty for
    the width of the features, a regression separates even equal domains, and a few samples get all the weight.
    Features wider than min(32, n / 20) are first reduced to that many principal components of both domains together:
    in wide features the penalty that prevents overfitting also hides the shift, and weights tend to 1.

    Args:
        z_s: ``(n, d)`` source features.
        z_t: ``(m, d)`` target features; there is no ratio if their width differs from the source's.

    Returns:
        The weights of at most 2000 source samples, or None where there are too few samples, or features that differ
        in width or are not finite. The latest result is cached, so that a second criterion does not fit again.
    """
    global _latest
    if _latest is not None and _latest[0]() is z_s and _latest[1]() is z_t:
        return _latest[2]
    estimate = _importance(rows(z_s), rows(z_t))
    _latest = weakref.ref(z_s), weakref.ref(z_t), estimate
    return estimate


_latest: tuple[weakref.ref[np.ndarray], weakref.ref[np.ndarray], Importance | None] | None = None


def _importance(z_s: np.ndarray, z_t: np.ndarray) -> Importance | None:
    if z_s.shape[1] != z_t.shape[1] or min(len(z_s), len(z_t)) < 2 * FOLDS:
        return None
    index_s, index_t = spaced(z_s), spaced(z_t)
    z_s, z_t = z_s[index_s], z_t[index_t]
    if not (np.isfinite(z_s).all() and np.isfinite(z_t).all()):
        return None
    z = reduced(np.concatenate([z_s, z_t]), min(WIDEST, max(1, min(len(z_s), len(z_t)) // SAMPLES_A_COMPONENT)))
    spread = z.std(axis=0)
    z = (z - z.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    is_target = np.repeat([0, 1], [len(z_s), len(z_t)])
    fold = np.r_[np.arange(len(z_s)), np.arange(len(z_t))] % FOLDS
    best, margins = np.inf, np.empty(0)
    for strength in STRENGTHS:  # the penalty falls until the log-loss on held-out samples rises
        tried = _held_out_margins(z, is_target, fold, strength)
        loss = np.logaddexp(0.0, np.where(is_target, -tried, tried)).mean()
        if loss > best:
            break
        best, margins = loss, tried
    log_ratio = margins[: len(z_s)] + np.log(len(z_s) / len(z_t))
    return Importance(index_s, np.exp(np.clip(log_ratio, -LARGEST, LARGEST)))


def reduced(z: np.ndarray, width: int) -> np.ndarray:
    """Features reduced to their ``width`` leading principal components where ``(n, d)`` are wider than that.

    Components without variance, up to rounding, are left out.
    """
    if z.shape[1] <= width:
        return z
    values, vectors = np.linalg.eigh(np.cov(z, rowvar=False))
    components = np.argsort(-values)[:width]
    components = components[values[components] > 1e-10 * max(values[components[0]], np.finfo(float).tiny)]
    return (z - z.mean(axis=0)) @ vectors[:, components] if len(components) else np.zeros((len(z), 1))


def _held_out_margins(z: np.ndarray, is_target: np.ndarray, fold: np.ndarray, strength: float) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    margins = np.empty(len(z))
    for k in range(FOLDS):
        model = LogisticRegression(C=strength, tol=1e-3, max_iter=1000).fit(z[fold != k], is_target[fold != k])
        margins[fold == k] = model.decision_function(z[fold == k])
    return margins
