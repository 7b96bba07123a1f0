"""Distance between two samples of features, by a domain classifier."""

from __future__ import annotations

import numpy as np

from da.errors import UsageError


def proxy_a_distance(z_s: np.ndarray, z_t: np.ndarray, seed: int = 0) -> float:
    """Proxy A-distance: how well a linear classifier separates source from target features.

    ``2 (1 - 2 err)`` where ``err`` is the error, in two-fold cross-validation, of a logistic regression on standardised
    features. 0 means that the domains cannot be separated, 2 that they are separated without error. The larger domain
    is subsampled to the size of the smaller one, so that guessing has an error of one half. Small samples vary: with
    100 per domain, values up to about 0.3 are not significant.

    Args:
        z_s: ``(n, d)`` source features.
        z_t: ``(m, d)`` target features.
        seed: seed of the subsampling and the folds.

    Returns:
        A value in [0, 2]; an error above one half, which is also chance, counts as one half.

    Raises:
        UsageError: the features differ in width, or a domain has fewer than four samples.

    Reference: Ben-David, Blitzer, Crammer & Pereira, Analysis of representations for domain adaptation, NIPS 2006
    (published 2007), section 5.

    Deviates: logistic regression in place of the paper's linear classifier with a Huber loss.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if z_s.ndim != 2 or z_t.ndim != 2 or z_s.shape[1] != z_t.shape[1]:
        raise UsageError(f"The features have shapes {z_s.shape} and {z_t.shape}; give (n, d) and (m, d) of the same d.")
    size = min(len(z_s), len(z_t))
    if size < 4:
        raise UsageError(f"A domain has {size} samples; the proxy A-distance needs at least 4 of each.")
    rng = np.random.default_rng(seed)
    z = np.concatenate([part[rng.permutation(len(part))[:size]] for part in (z_s, z_t)])
    folds = StratifiedKFold(2, shuffle=True, random_state=seed)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    error = 1.0 - float(np.mean(cross_val_score(classifier, z, np.repeat([0, 1], size), cv=folds)))
    return 2.0 * (1.0 - 2.0 * min(error, 0.5))
