"""Kernel mean matching."""

from __future__ import annotations

from typing import Self

import numpy as np

from da.domain import Domain
from da.errors import UsageError
from da.estimators.base import Weighting, matched
from da.estimators.kernels import gaussian, median_bandwidth
from da.setting import ALL, Access
from da.space import log_uniform


class KMM(Weighting):
    r"""Weight the source so that its mean in a Gaussian kernel's space matches the target's.

    .. math:: \min_\beta \tfrac12 \beta^\top K \beta - \kappa^\top \beta \quad
       \text{s.t. } 0 \le \beta_i \le B, \; \Big| \tfrac{1}{n_s} \sum_i \beta_i - 1 \Big| \le \epsilon

    with :math:`\kappa_i = \frac{n_s}{n_t} \sum_j k(x^s_i, x^t_j)`; solved by projected gradients with momentum.
    Costs :math:`O(n_s (n_s + n_t) d)` and :math:`O(n_s^2)` memory.

    Args:
        bandwidth: :math:`\sigma` of :math:`k(a, b) = e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs; None is
            the median distance of pooled samples.
        limit: B, the largest weight, before they are brought to mean 1.
        tolerance: :math:`\epsilon`; None is :math:`(\sqrt{n_s} - 1) / \sqrt{n_s}`, as the paper proposes.
        max_iter: most iterations.

    Reference: Huang et al., Correcting sample selection bias by unlabeled data, NeurIPS 2006, eq. 5.
    """

    needs = Access(source_y=ALL, target_x=True)
    space = {"limit": log_uniform(1.0, 1e4)}

    def __init__(
        self,
        *,
        bandwidth: float | None = None,
        limit: float = 1000.0,
        tolerance: float | None = None,
        max_iter: int = 5000,
    ):
        self.bandwidth, self.limit, self.tolerance, self.max_iter = bandwidth, limit, tolerance, max_iter

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``weights_``; ``residual_``, the move of one more projected gradient step, is 0 at the optimum."""
        x_s, x_t = matched(source, target)
        n = len(x_s)
        sigma = median_bandwidth(np.vstack([x_s, x_t])) if self.bandwidth is None else self.bandwidth
        if sigma <= 0:
            raise UsageError(f"KMM needs a bandwidth above 0, got {sigma}; None takes the median distance.")
        kernel = gaussian(x_s, x_s, sigma)
        kappa = gaussian(x_s, x_t, sigma).sum(1) * (n / len(x_t))
        slack = (np.sqrt(n) - 1) / np.sqrt(n) if self.tolerance is None else self.tolerance
        low, high = n * max(1 - slack, 0.0), n * (1 + slack)
        step = 1.0 / np.linalg.norm(kernel, 2) if n <= 500 else 1.0 / kernel.sum(1).max()
        beta = look = _project(np.ones(n), self.limit, low, high)
        momentum = 1.0
        self.n_iter_ = 0
        for _ in range(self.max_iter):
            self.n_iter_ += 1
            new = _project(look - step * (kernel @ look - kappa), self.limit, low, high)
            if (look - new) @ (new - beta) > 0:  # the momentum points uphill: restart it
                momentum = 1.0
            following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
            look = new + (momentum - 1.0) / following * (new - beta)
            change = np.abs(new - beta).max()
            beta, momentum = new, following
            if change < 1e-9 * max(beta.max(), 1.0):
                break
        gradient = kernel @ beta - kappa
        self.residual_ = float(np.abs(beta - _project(beta - step * gradient, self.limit, low, high)).max())
        self._set_weights(beta)
        return self


def _project(beta: np.ndarray, limit: float, low: float, high: float) -> np.ndarray:
    """The nearest point with entries in [0, limit] and their sum in [low, high]."""
    clipped = np.clip(beta, 0.0, limit)
    total = clipped.sum()
    if low <= total <= high:
        return clipped
    goal = min(low if total < low else high, limit * len(beta))
    below, above, shift = beta.min() - limit - 1.0, beta.max() + 1.0, 0.0
    for _ in range(200):  # the shift that every unclipped entry shares, by Newton steps within a shrinking bracket
        clipped = np.clip(beta - shift, 0.0, limit)
        excess = clipped.sum() - goal
        if abs(excess) <= 1e-12 * goal:
            break
        below, above = (shift, above) if excess > 0 else (below, shift)
        free = np.count_nonzero((clipped > 0.0) & (clipped < limit))
        newton = shift + excess / free if free else below
        shift = newton if below < newton < above else 0.5 * (below + above)
    return clipped
