"""Joint distribution optimal transport for regression."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from da.domain import Domain
from da.estimators.arrays import as_numpy, like
from da.estimators.base import Predictor, labels_of, matched, matrix
from da.estimators.kernels import KERNELS
from da.estimators.transport.joint import KernelRidge, alternate, falling
from da.estimators.transport.plan import costs, uniform
from da.estimators.transport.stopping import marginal_error, warn_of_change
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class JDOTRegression(Predictor):
    r"""Learn a target regressor by optimal transport between joint distributions of inputs and values.

    .. math:: \min_{f, \gamma} \sum_{ij} \gamma_{ij} \Big( \alpha \frac{\|x^s_i - x^t_j\|^2}{u}
        + \big( y_i - f(x^t_j) \big)^2 \Big) + \lambda \|f\|_{\mathcal H}^2

    between uniform masses, with y of mean 0 and variance 1. Minimised alternately over the plan (exact transport) and
    over f, a kernel ridge regression on the target's samples with values :math:`n_t \gamma^\top y`; the objective never
    rises. Costs about :math:`O(n^3 \log n)` an alternation.

    Args:
        distance_weight: :math:`\alpha`.
        kernel: ``rbf``, or ``linear`` (with a bias).
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance within the target.
        regularization: :math:`\lambda`.
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the squared distances, or ``none`` (1).
        max_iter: largest number of alternations.
        tol: largest relative decrease of the objective in the last alternation at convergence.

    Reference: Courty, Flamary, Habrard & Rakotomamonjy, Joint distribution optimal transportation for domain
    adaptation, NeurIPS 2017.

    Deviates: values are standardised by the source's, so that :math:`\alpha` does not depend on their unit; the
    authors' code penalises the coefficients of f instead of its norm.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "distance_weight": log_uniform(1e-3, 1e2),
        "kernel": choice(*KERNELS),
        "regularization": log_uniform(1e-6, 1.0),
    }
    regression = True

    def __init__(
        self,
        *,
        distance_weight: float = 1.0,
        kernel: Literal["linear", "rbf"] = "rbf",
        bandwidth: float | None = None,
        regularization: float = 1e-3,
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        max_iter: int = 100,
        tol: float = 1e-6,
    ):
        self.distance_weight, self.kernel, self.bandwidth = distance_weight, kernel, bandwidth
        self.regularization, self.cost_norm = regularization, cost_norm
        self.max_iter, self.tol = max_iter, tol

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``coefficients_`` ``(n_t, 1)``, ``plan_``, and ``objectives_`` after every alternation.

        Diagnostics are ``n_iter_`` alternations, ``marginal_error_``, the largest relative error of a sample's mass, a
        rounding error for exact transport, and ``converged_``, whether the objective fell by at most ``tol`` in
        the last alternation (else a warning is given).
        """
        x_s, x_t = matched(source, target)
        y = labels_of(source).astype(np.float64)
        self.mean_, spread = float(y.mean()), float(y.std())
        self.unit_ = spread if spread > 0.0 else 1.0
        values = like((y - self.mean_) / self.unit_, x_s)[:, None]
        self.machine_ = KernelRidge(x_t, self.kernel, self.bandwidth, self.regularization)

        def learn(plan: Any) -> tuple[Any, float]:
            self.coefficients_, f, penalty = self.machine_.fit(len(target) * (plan.T @ values))
            return (values - f.T) ** 2, penalty

        cost = self.distance_weight * costs(x_s, x_t, self.cost_norm)
        self.plan_, self.objectives_ = alternate(cost, learn, self.max_iter, self.tol)
        fall, self.n_iter_ = falling(self.objectives_), len(self.objectives_)
        self.converged_ = fall <= self.tol
        self.marginal_error_ = marginal_error(self.plan_, uniform(x_s), uniform(x_t))
        warn_of_change(self, fall, "the objective still falls", self.n_iter_)
        return self

    def predict(self, x: Any) -> np.ndarray:
        """``(n,)`` predicted values of target inputs."""
        x = matrix(x)
        scores = as_numpy(self.machine_.gram(x) @ like(self.coefficients_, x))[:, 0]
        return self.mean_ + self.unit_ * scores
