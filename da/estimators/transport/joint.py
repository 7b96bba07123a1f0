"""Parts of joint distribution optimal transport: kernel ridge regression and alternating minimisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from da.errors import UsageError, nearest
from da.estimators.arrays import like, namespace
from da.estimators.kernels import KERNELS, gaussian, median_bandwidth
from da.estimators.linalg import EPS
from da.estimators.transport.plan import exact, uniform


class KernelRidge:
    r"""Kernel ridge regression :math:`f(x) = \sum_j k(x, x_j) \beta_j` on fixed samples, with one eigendecomposition.

    Args:
        x: ``(n, d)`` samples.
        kernel: ``rbf``, or ``linear`` (of centred samples with mean squared length 1, plus 1 for a bias).
        bandwidth: of the ``rbf`` kernel; None is the median distance.
        regularization: :math:`\lambda`, factor of :math:`\|f\|^2` added to the mean loss.

    Raises:
        UsageError: the kernel is unknown, or ``regularization`` is not above 0.
    """

    def __init__(self, x: Any, kernel: str, bandwidth: float | None, regularization: float):
        if kernel not in KERNELS:
            raise UsageError(f"There is no kernel '{kernel}'; {nearest(kernel, KERNELS)}")
        if regularization <= 0.0:
            raise UsageError(f"regularization={regularization} is not above 0; a kernel fits anything without it.")
        xp = namespace(x)
        self.x, self.kernel = x, kernel
        self.bandwidth = median_bandwidth(x) if bandwidth is None else bandwidth
        self.centre = xp.mean(x, axis=0)
        size = float(xp.mean(xp.sum((x - self.centre) ** 2, axis=1)))
        self.unit = size if size > 0.0 else 1.0
        values, vectors = xp.linalg.eigh(self.gram(x))
        nonzero = values > EPS * x.shape[0] * xp.max(values)  # the other eigenvalues are 0 up to rounding
        self.values, self.vectors = values[nonzero], vectors[:, nonzero]
        self.ridge = regularization * x.shape[0]

    def gram(self, queries: Any) -> Any:
        """``(m, n)`` kernel values."""
        if self.kernel == "rbf":
            return gaussian(queries, like(self.x, queries), self.bandwidth)
        centre = like(self.centre, queries)
        return (queries - centre) @ (like(self.x, queries) - centre).T / self.unit + 1.0

    def fit(self, z: Any) -> tuple[Any, Any, float]:
        r"""Fit to ``(n, k)`` values; returns :math:`\beta`, f at the samples, and :math:`\lambda \|f\|^2`."""
        part = (self.vectors.T @ z) / (self.values + self.ridge)[:, None]
        penalty = float(namespace(z).sum(self.values[:, None] * part * part)) * self.ridge / self.x.shape[0]
        return self.vectors @ part, self.vectors @ (self.values[:, None] * part), penalty

    def smooth(self, z: Any) -> Any:
        """Fit, and return f at the samples only."""
        return self.vectors @ ((self.values / (self.values + self.ridge))[:, None] * (self.vectors.T @ z))


def falling(objectives: Sequence[float]) -> float:
    """Relative decrease of an objective in the last alternation; 1 if there was a single one."""
    if len(objectives) < 2:
        return 1.0
    return (objectives[-2] - objectives[-1]) / max(abs(objectives[-1]), 1e-300)


def alternate(
    cost: Any, learn: Callable[[Any], tuple[Any, float]], max_iter: int, tol: float
) -> tuple[Any, list[float]]:
    """Minimise alternately over plan and predictor, starting from the plan of least ``cost``.

    Args:
        cost: ``(n_s, n_t)``.
        learn: trains the predictor for a plan, and returns the ``(n_s, n_t)`` losses between source labels and target
            predictions, and the predictor's penalty.
        max_iter: largest number of alternations.
        tol: it stops when the objective decreases by less, relative to its value.

    Returns:
        The last plan, and the objective after every alternation.
    """
    a, b = uniform(cost), uniform(cost.T)
    xp = namespace(cost)
    total = cost
    objectives: list[float] = []
    while len(objectives) < max(max_iter, 1) and falling(objectives) > tol:
        plan = exact(a, b, total)
        losses, penalty = learn(plan)
        total = cost + losses
        objectives.append(float(xp.sum(plan * total)) + penalty)
    return plan, objectives
