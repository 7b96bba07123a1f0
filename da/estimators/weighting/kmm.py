"""Kernel mean matching."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal, Self

from sklearn.exceptions import ConvergenceWarning

from da.bounds import Count, NonNegative, Positive, ProperFraction, Seed
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import namespace
from da.estimators.base import Weighting, matched
from da.estimators.kernels import SAMPLE, gaussian, median_bandwidth, median_distance, squared_distances
from da.estimators.linalg import power
from da.estimators.weighting.basis import rows, shuffle
from da.estimators.weighting.box_program import minimise
from da.search_space import log_uniform
from da.setting import ALL, Access

EXACT = 10_000
LANDMARKS = 500
CLOSE = 1e-3


class KMM(Weighting):
    r"""Weight the source so that its mean in a Gaussian kernel's feature space matches the target's.

    .. math:: \min_\beta \tfrac12 \beta^\top K \beta - \kappa^\top \beta \quad
       \text{s.t. } 0 \le \beta_i \le B, \; \Big| \tfrac{1}{n_s} \sum_i \beta_i - 1 \Big| \le \epsilon

    with :math:`\kappa_i = \frac{n_s}{n_t} \sum_j k(x^s_i, x^t_j)`; solved by accelerated projected gradients, and then
    exactly by exchanges of active bounds. Up to 10,000 source samples it costs :math:`O(n_s (n_s + n_t) d)`,
    :math:`O(n_s^2)` memory, :math:`O(n_s^2)` a step, and :math:`O(m^3)` an exchange, with m weights above 0. Beyond,
    kernels are approximated by m landmarks from both domains (Nyström),
    :math:`K \approx K_{sm} K_{mm}^{-1} K_{ms}`, which costs :math:`O((n_s + n_t) m d)`, :math:`O(n_s m)` memory, and
    :math:`O(n_s m)` a gradient step, without exchanges.

    Args:
        bandwidth: :math:`\sigma` of :math:`k(a, b) = e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance of pooled samples.
        limit: B, the largest weight, before weights are scaled to mean 1.
        slack: :math:`\epsilon`; None is :math:`(\sqrt{n_s} - 1) / \sqrt{n_s}`, as the paper proposes.
        landmarks: m; None is exact up to 10,000 source samples, and 500 landmarks beyond. On 3000 samples of Gaussians
            these lost 0.004 % of the exact weights' reduction of the squared distance of means in 10 dimensions, and
            3 % in 50 (2000 landmarks: 0.6 %); weights correlated by 0.86 and 0.86 (0.97).
        tol: the ``residual_`` to stop at. Exchanges leave 1e-8 of it or less. On all pairs of Office-Caltech10
            (SURF, SqueezeNet), WISDM, MNIST and USPS, and some of Amazon reviews, they started after 30 steps, and
            needed 1 to 18 exchanges and 0.01 to 0.6 s up to 2000 samples; gradients alone take 35 to 1150 steps to
            1e-6, where weights correlate by at least 0.9977 with the exact ones.
        max_iter: largest number of steps.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).
        random_state: of the random landmarks.

    Reference: Huang et al., Correcting sample selection bias by unlabeled data, NeurIPS 2006, eq. 5.

    Deviates: the paper does not state a solver. Where K is nearly singular, as in few dimensions, very different
    weights are nearly optimal: of these the solver selects those near the result of 30 steps from equal weights, so
    that equal samples have equal weights.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"limit": log_uniform(1.0, 1e4)}

    def __init__(
        self,
        *,
        bandwidth: Positive | None = None,
        limit: Positive = 1000.0,
        slack: NonNegative | None = None,
        landmarks: Count | None = None,
        tol: NonNegative = 1e-6,
        max_iter: Count = 2000,
        min_effective: ProperFraction | Literal["auto"] = "auto",
        random_state: Seed = 0,
    ):
        self.bandwidth, self.limit, self.slack, self.landmarks = bandwidth, limit, slack, landmarks
        self.tol, self.max_iter, self.min_effective, self.random_state = tol, max_iter, min_effective, random_state

    def fit(self, source: Domain, target: Domain) -> Self:
        r"""Learn ``weights_``, and diagnostics of the solver.

        ``residual_`` is the largest change of a weight, in mean weights, by one more projected gradient step of length
        :math:`1 / \lambda_{\max}(K)`: 0 exactly where the conditions of Karush, Kuhn and Tucker hold. ``gap_`` bounds
        the suboptimality of the squared distance of means, as a share of its reduction over equal weights.
        ``converged_`` is False, with a warning, if ``max_iter`` steps leave both above ``tol`` and 0.001.

        Raises:
            UsageError: ``bandwidth`` or ``limit`` is not above 0; a bandwidth of None takes the median distance.
        """
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        n = x_s.shape[0]
        pooled = xp.concat([x_s, x_t])
        size = self.landmarks or (None if n <= EXACT else LANDMARKS)
        squared = None
        if self.bandwidth is None and size is None and pooled.shape[0] <= SAMPLE:  # the median's distances are reused
            squared = squared_distances(pooled, pooled)
            sigma = median_distance(squared, pooled.shape[1])
        else:
            sigma = median_bandwidth(pooled) if self.bandwidth is None else self.bandwidth
        if sigma <= 0 or self.limit <= 0:
            raise UsageError(
                f"KMM needs a bandwidth and a limit above 0, got {sigma} and {self.limit}; "
                "a bandwidth of None takes the median distance."
            )
        if size is None:
            times, kappa, kernel = _exact(x_s, x_t, sigma, squared)
        else:
            chosen = shuffle(pooled, self.random_state)[:size]
            (times, kappa), kernel = _nystroem(x_s, x_t, pooled[chosen], sigma), None
        slack = 1.0 - n**-0.5 if self.slack is None else self.slack
        low, high = n * max(1.0 - slack, 0.0), n * (1.0 + slack)
        solution = minimise(times, kappa, self.limit, low, high, self.tol, self.max_iter, kernel)
        self.bandwidth_, self.residual_, self.n_iter_ = float(sigma), solution.residual, solution.n_iter
        self.gap_ = solution.gap
        self.converged_ = solution.residual <= self.tol or solution.gap <= CLOSE
        if not self.converged_:
            warnings.warn(
                f"KMM did not converge within {solution.n_iter} steps: domains' means could be brought closer by up to "
                f"{solution.gap:.2g} of what the weights gain; raise `max_iter`, or widen the bandwidth.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self._set_weights(solution.weights, x_s)
        return self


def _exact(x_s: Any, x_t: Any, sigma: float, squared: Any) -> tuple[Callable[[Any], Any], Any, Any]:
    """Products with K, kappa, and K, from the squared distances of pooled samples if they are known."""
    xp = namespace(x_s)
    n = x_s.shape[0]
    if squared is not None:
        kernel = xp.exp(-squared[:n, :n] / (2.0 * sigma**2))
        kappa = xp.mean(xp.exp(-squared[:n, n:] / (2.0 * sigma**2)), axis=1) * n
        return lambda v: kernel @ v, kappa, kernel
    kernel = rows(lambda a: gaussian(a, x_s, sigma), x_s, x_s.shape[0])
    kappa = rows(lambda a: xp.mean(gaussian(a, x_t, sigma), axis=1), x_s, x_t.shape[0]) * x_s.shape[0]
    return lambda v: kernel @ v, kappa, kernel


def _nystroem(x_s: Any, x_t: Any, landmarks: Any, sigma: float) -> tuple[Callable[[Any], Any], Any]:
    """Products with K, and kappa, approximated by landmarks; nothing larger than ``(n_s, m)`` is stored."""
    xp = namespace(x_s)
    to_source = rows(lambda a: gaussian(a, landmarks, sigma), x_s, landmarks.shape[0])
    to_target = rows(lambda a: xp.sum(gaussian(a, landmarks, sigma), axis=0)[None, :], x_t, landmarks.shape[0])
    between = gaussian(landmarks, landmarks, sigma)
    inverse = power(between, -1.0, 1e-10 * landmarks.shape[0])
    kappa = to_source @ (inverse @ (xp.sum(to_target, axis=0) * (x_s.shape[0] / x_t.shape[0])))
    return lambda v: to_source @ (inverse @ (v @ to_source)), kappa
