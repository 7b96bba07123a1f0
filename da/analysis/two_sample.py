"""Test of whether two samples come from one distribution."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from da.errors import UsageError
from da.estimators.kernels import gaussian, median_bandwidth

SAMPLE = 500
FEWEST = 4


class TwoSampleTest(NamedTuple):
    """The outcome of a two-sample test.

    Args:
        statistic: squared maximum mean discrepancy, biased.
        p: how likely so large a statistic is if both samples come from one distribution.
        permutations: how many it was compared with; p is not below ``1 / (permutations + 1)``.
        sizes: how many samples of each were used.
    """

    statistic: float
    p: float
    permutations: int
    sizes: tuple[int, int]


def two_sample_test(x_s: np.ndarray, x_t: np.ndarray, *, permutations: int = 499, seed: int = 0) -> TwoSampleTest:
    r"""Kernel two-sample test of :math:`p_s(x) = p_t(x)` by permutations.

    .. math:: \|\bar\varphi_s - \bar\varphi_t\|^2 = a^\top K a, \quad a_i = \pm 1 / n_{s, t}, \qquad
       p = \frac{1 + \#\{b : T_b \ge T\}}{1 + B}

    with a Gaussian kernel K of the median distance on features of unit deviation over both samples, which permutations
    leave as they are, so that p is exact. Of more than 500 samples of a domain 500 are drawn by ``seed``.

    Args:
        x_s: ``(n, d)`` source features.
        x_t: ``(m, d)`` target features.
        permutations: B, at least 1.
        seed: of the draws and the permutations.

    Raises:
        UsageError: the features differ in width, a domain has fewer than four samples, or there is no permutation.

    Reference: Gretton, Borgwardt, Rasch, Schölkopf & Smola, A kernel two-sample test, JMLR 2012.
    """
    if x_s.ndim != 2 or x_t.ndim != 2 or x_s.shape[1] != x_t.shape[1]:
        raise UsageError(f"The features have shapes {x_s.shape} and {x_t.shape}; give (n, d) and (m, d) of the same d.")
    if min(len(x_s), len(x_t)) < FEWEST or permutations < 1:
        raise UsageError(
            f"A test of {len(x_s)} and {len(x_t)} samples with {permutations} permutations tells nothing; give at "
            f"least {FEWEST} of each and a permutation."
        )
    rng = np.random.default_rng(seed)
    parts = [x[rng.permutation(len(x))[:SAMPLE]].astype(np.float64) for x in (x_s, x_t)]
    n, m = map(len, parts)
    x = np.concatenate(parts)
    deviation = x.std(axis=0)
    varies = deviation > 1e-9 * np.abs(x).max(axis=0)
    x = (x - x.mean(axis=0))[:, varies] / deviation[varies]
    kernel = gaussian(x, x, median_bandwidth(x)) if x.shape[1] else np.ones((n + m, n + m))
    signs = np.r_[np.full(n, 1.0 / n), np.full(m, -1.0 / m)]
    drawn = np.stack([signs, *(signs[rng.permutation(n + m)] for _ in range(permutations))])
    statistics = np.einsum("bi,bi->b", drawn @ kernel, drawn)
    as_large = int((statistics[1:] >= statistics[0] - 1e-12).sum())  # what is equal but for rounding counts
    return TwoSampleTest(float(statistics[0]), (1 + as_large) / (1 + permutations), permutations, (n, m))
