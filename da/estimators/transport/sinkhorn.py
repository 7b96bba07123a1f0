"""Sinkhorn's iterations on potentials, without overflow for any entropy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from da.errors import UsageError
from da.estimators.arrays import namespace
from da.estimators.transport.stopping import MASSES, marginal_error

STEEP = 500.0
"""Ratio of costs to entropy above which the kernel without potentials may have rows that underflow to zero."""
LEAST = 1e-250
"""Sums of the kernel below this are computed again in logarithms."""
EVERY = 10
"""Number of iterations between two checks of the masses."""


class Gibbs:
    r"""Sums of the kernel :math:`e^{-C_{ij} / \varepsilon}` between potentials, without overflow for any costs.

    Sums are products with :math:`e^{p_i + q_j - C_{ij} / \varepsilon}`. Where one of them underflows they are computed
    in logarithms instead, at the cost of ``n_s n_t`` exponentials, and the current potentials become p and q, so that
    products suffice as long as potentials stay near these.

    Args:
        cost: ``(n_s, n_t)`` C.
        entropy: :math:`\varepsilon`.

    Raises:
        UsageError: ``entropy`` is not above 0; ``ot_emd`` is the transport without entropy.
    """

    def __init__(self, cost: Any, entropy: float):
        if entropy <= 0.0:
            raise UsageError(f"entropy={entropy} is not above 0; ot_emd is the transport without entropy.")
        self.xp = namespace(cost)
        lowest = self.xp.min(cost)
        self.shift = -lowest / entropy
        self.logarithm = (lowest - cost) / entropy
        steep = float(-self.xp.min(self.logarithm)) > STEEP
        self.p, self.q = 0.0 * self.logarithm[:, 0], 0.0 * self.logarithm[0, :]
        self.kernel = None if steep else self.xp.exp(self.logarithm)

    def rows(self, g: Any) -> Any:
        r"""``(n_s,)`` :math:`\log \sum_j e^{g_j - C_{ij} / \varepsilon}`."""
        if (sums := self._product(g - self.q, back=False)) is not None:
            return sums - self.p + self.shift
        sums, self.kernel = self._logarithmic(self.logarithm + g[None, :], axis=1)
        self.p, self.q = -sums, g
        return sums + self.shift

    def columns(self, f: Any) -> Any:
        r"""``(n_t,)`` :math:`\log \sum_i e^{f_i - C_{ij} / \varepsilon}`."""
        if (sums := self._product(f - self.p, back=True)) is not None:
            return sums - self.q + self.shift
        sums, self.kernel = self._logarithmic(self.logarithm + f[:, None], axis=0)
        self.p, self.q = f, -sums
        return sums + self.shift

    def plan(self, f: Any, g: Any) -> Any:
        r"""``(n_s, n_t)`` :math:`e^{f_i + g_j - C_{ij} / \varepsilon}`."""
        return self.xp.exp(self.logarithm + f[:, None] + (g + self.shift)[None, :])

    def _product(self, potential: Any, *, back: bool) -> Any:
        """Logarithms of the kernel's sums, or None where one underflows or is not finite."""
        if self.kernel is None:
            return None
        peak = self.xp.max(potential)
        sums = (self.kernel.T if back else self.kernel) @ self.xp.exp(potential - peak)
        if not (float(self.xp.min(sums)) > LEAST and float(self.xp.max(sums)) < np.inf):
            return None
        return self.xp.log(sums) + peak

    def _logarithmic(self, terms: Any, axis: int) -> tuple[Any, Any]:
        """Logarithms of the sums of exponentials along an axis, and the exponentials divided by their sums."""
        peak = self.xp.max(terms, axis=axis, keepdims=True)
        parts = self.xp.exp(terms - peak)
        total = self.xp.sum(parts, axis=axis, keepdims=True)
        return (self.xp.log(total) + peak).reshape(-1), parts / total


class Entropic(NamedTuple):
    """Result of Sinkhorn's iterations.

    Args:
        plan: ``(n_s, n_t)``.
        error: the largest relative error of a sample's mass, of either domain.
        steps: number of iterations.
    """

    plan: Any
    error: float
    steps: int

    @property
    def converged(self) -> bool:
        """Whether the plan's masses are accurate enough."""
        return self.error <= MASSES


def entropic(a: Any, b: Any, cost: Any, entropy: float, max_iter: int, tol: float) -> Entropic:
    r"""The plan that minimises cost minus ``entropy`` times its entropy between two masses.

    An iteration costs two products with an ``(n_s, n_t)`` matrix, and up to ``2 n_s n_t`` exponentials where potentials
    changed much, as in the first iterations at small entropy.

    Args:
        a: ``(n_s,)`` masses of the source.
        b: ``(n_t,)`` masses of the target.
        cost: ``(n_s, n_t)``.
        entropy: in units of the cost.
        max_iter: largest number of iterations.
        tol: largest error of the target's masses (Euclidean norm) at convergence.
    """
    xp = namespace(cost)
    cost = cost - xp.min(cost, axis=1, keepdims=True)  # does not change the plan, and no row of the kernel is zero
    cost = cost - xp.min(cost, axis=0, keepdims=True)
    kernel = Gibbs(cost, entropy)
    with np.errstate(all="ignore"):  # values that are not finite are detected in the plan
        log_a, log_b, f = xp.log(a), xp.log(b), xp.zeros_like(a)
        sums = kernel.columns(f)
        for step in range(max(max_iter, 1)):
            g = log_b - sums
            f = log_a - kernel.rows(g)
            sums = kernel.columns(f)
            if step % EVERY == 0 and float(xp.sum((xp.exp(g + sums) - b) ** 2)) ** 0.5 < tol:
                break
        plan = kernel.plan(f, g)
    return Entropic(plan, marginal_error(plan, a, b), step + 1)
