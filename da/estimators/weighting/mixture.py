"""Maximum likelihood of the proportions of a mixture with known components."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from scipy.optimize import nnls

from da.estimators.arrays import as_numpy, like, namespace

EM_STEPS = 10
RIDGE = 1e-8


def proportions(likelihood: Any, *, accuracy: float = 1e-6, max_iter: int = 100) -> tuple[np.ndarray, float]:
    r"""Maximise the mean log-likelihood over proportions.

    .. math:: \max_\beta \frac{1}{n} \sum_j \log \sum_l \beta_l P_{jl}
       \quad \text{s.t. } \beta \ge 0, \; \sum_l \beta_l = 1

    Runs a few steps of expectation maximisation, then Newton steps, each a non-negative least-squares problem. Costs
    :math:`O(n b^2 + b^3)` a step.

    Args:
        likelihood: P, ``(n, b)``, at least 0, without rows of zeros; rows may have any scale.
        accuracy: the gap to stop at.
        max_iter: largest number of Newton steps.

    Returns:
        :math:`\beta`, ``(b,)``, and the gap :math:`\max_l \frac{1}{n} \sum_j P_{jl} / (P \beta)_j - 1`, which bounds
        the suboptimality of the log-likelihood, and is 0 at the maximum (Karush, Kuhn and Tucker).
    """
    xp = namespace(likelihood)
    n, b = likelihood.shape
    beta = np.full(b, 1.0 / b)

    def slope(beta: np.ndarray) -> tuple[Any, np.ndarray]:
        scaled = likelihood / (likelihood @ like(beta, likelihood))[:, None]
        return scaled, as_numpy(xp.mean(scaled, axis=0))

    def height(beta: np.ndarray) -> float:
        mixed = likelihood @ like(beta, likelihood)
        return float(xp.mean(xp.log(mixed))) - float(beta.sum()) if float(xp.min(mixed)) > 0.0 else -np.inf

    for _ in range(EM_STEPS):
        beta = beta * slope(beta)[1]
    for _ in range(max_iter):
        scaled, gain = slope(beta)
        if gain.max() - 1.0 <= accuracy:
            break
        curvature = as_numpy(scaled.T @ scaled) / n
        curvature[np.diag_indices(b)] += RIDGE * np.trace(curvature)
        root = scipy.linalg.cholesky(curvature, check_finite=False)
        # minus the sum of beta is added to the objective, whose maximum then sums to 1 without a constraint
        wanted = scipy.linalg.solve_triangular(root, gain - 1.0 + curvature @ beta, trans="T", check_finite=False)
        move = nnls(root, wanted)[0] - beta
        start, step = height(beta), 1.0
        while height(beta + step * move) < start + 1e-4 * step * float((gain - 1.0) @ move) and step > 1e-6:
            step *= 0.5
        if step <= 1e-6:
            break
        beta = beta + step * move
        beta = beta / beta.sum()
    return beta, float(slope(beta)[1].max() - 1.0)
