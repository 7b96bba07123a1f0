"""Joint distribution optimal transport for classification."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.errors import UsageError, nearest
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import Predictor, labels_of, matched, matrix
from da.estimators.kernels import KERNELS
from da.estimators.transport.groups import one_hot
from da.estimators.transport.joint import KernelRidge, alternate, falling
from da.estimators.transport.plan import costs, uniform
from da.estimators.transport.stopping import marginal_error, warn_of_change
from da.search_space import choice, log_uniform
from da.setting import ALL, Access

LOSSES = ("hinge", "squared")
STEPS = 200


class JDOT(Predictor):
    r"""Learn a target classifier by optimal transport between joint distributions of inputs and labels.

    .. math:: \min_{f, \gamma} \sum_{ij} \gamma_{ij} \Big( \alpha \frac{\|x^s_i - x^t_j\|^2}{u}
        + \sum_c \ell \big( Y_{ic}, f_c(x^t_j) \big) \Big) + \lambda \sum_c \|f_c\|_{\mathcal H}^2

    between uniform masses, with :math:`Y_{ic}` 1 for the class of the sample and -1 for the others, and
    :math:`\ell(y, f)` the squared hinge :math:`\max(0, 1 - y f)^2` or :math:`(y - f)^2`. Minimised alternately over the
    plan (exact transport) and over f, a kernel machine on the target's samples with labels :math:`n_t \gamma^\top Y`;
    the objective never rises. Costs about :math:`O(n^3 \log n)` an alternation.

    Args:
        distance_weight: :math:`\alpha`.
        loss: ``hinge`` or ``squared``.
        kernel: ``rbf``, or ``linear`` (with a bias).
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance within the target.
        regularization: :math:`\lambda`.
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the squared distances, or ``none`` (1).
        max_iter: largest number of alternations.
        tol: largest relative decrease of the objective in the last alternation at convergence.

    Reference: Courty, Flamary, Habrard & Rakotomamonjy, Joint distribution optimal transportation for domain
    adaptation, NeurIPS 2017.

    Deviates: the authors' code penalises the coefficients of f instead of its norm. Probabilities are a softmax of
    the scores, which ranks but is not calibrated.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "distance_weight": log_uniform(1e-3, 1e2),
        "loss": choice(*LOSSES),
        "kernel": choice(*KERNELS),
        "regularization": log_uniform(1e-6, 1.0),
    }

    def __init__(
        self,
        *,
        distance_weight: NonNegative = 1.0,
        loss: Literal["hinge", "squared"] = "hinge",
        kernel: Literal["linear", "rbf"] = "rbf",
        bandwidth: Positive | None = None,
        regularization: Positive = 1e-3,
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        max_iter: Count = 100,
        tol: NonNegative = 1e-6,
    ):
        self.distance_weight, self.loss, self.kernel, self.bandwidth = distance_weight, loss, kernel, bandwidth
        self.regularization, self.cost_norm = regularization, cost_norm
        self.max_iter, self.tol = max_iter, tol

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``coefficients_`` ``(n_t, C)``, ``plan_``, and ``objectives_`` after every alternation.

        Diagnostics are ``n_iter_`` alternations, ``marginal_error_``, the largest relative error of a sample's mass, a
        rounding error for exact transport, and ``converged_``, whether the objective fell by at most ``tol`` in
        the last alternation (else a warning is given).

        Raises:
            UsageError: the loss is unknown.
        """
        if self.loss not in LOSSES:
            raise UsageError(f"There is no loss '{self.loss}'; {nearest(self.loss, LOSSES)}")
        x_s, x_t = matched(source, target)
        y = labels_of(source)
        self.classes_ = np.unique(y)
        member = one_hot(y, self.classes_, x_s)
        xp = namespace(x_s)
        self.machine_ = KernelRidge(x_t, self.kernel, self.bandwidth, self.regularization)
        both = xp.concat([member, 1.0 - member], axis=1)

        def learn(plan: Any) -> tuple[Any, float]:
            share = xp.clip(len(target) * (plan.T @ member), 0.0, 1.0)
            self.coefficients_, f, penalty = self._train(share)
            return both @ xp.concat(self._losses(f), axis=1).T, penalty

        cost = self.distance_weight * costs(x_s, x_t, self.cost_norm)
        self.plan_, self.objectives_ = alternate(cost, learn, self.max_iter, self.tol)
        fall, self.n_iter_ = falling(self.objectives_), len(self.objectives_)
        self.converged_ = fall <= self.tol
        self.marginal_error_ = marginal_error(self.plan_, uniform(x_s), uniform(x_t))
        warn_of_change(self, fall, "the objective still falls", self.n_iter_)
        return self

    def _losses(self, f: Any) -> tuple[Any, Any]:
        """``(n_t, C)`` losses of the scores if the label is the class, and if it is another one."""
        xp = namespace(f)
        own, other = 1.0 - f, 1.0 + f
        if self.loss == "hinge":
            own, other = xp.clip(own, 0.0), xp.clip(other, 0.0)
        return own**2, other**2

    def _train(self, share: Any) -> tuple[Any, Any, float]:
        """Train the kernel machine on ``(n_t, C)`` shares of each class.

        The squared hinge is majorised by a parabola of its largest curvature: a ridge regression on shifted targets,
        which within the margin are those of the squared loss.
        """
        xp = namespace(share)
        target = 2.0 * share - 1.0
        f = self.machine_.smooth(target)
        for _ in range(STEPS if self.loss == "hinge" else 0):
            before = f
            target = f + share * xp.clip(1.0 - f, 0.0) - (1.0 - share) * xp.clip(1.0 + f, 0.0)
            f = self.machine_.smooth(target)
            if float(xp.max(xp.abs(f - before))) <= self.tol:
                break
        return self.machine_.fit(target)

    def decision_function(self, x: Any) -> Any:
        """``(n, C)`` scores f of target inputs."""
        x = matrix(x)
        return self.machine_.gram(x) @ like(self.coefficients_, x)

    def predict_proba(self, x: Any) -> np.ndarray:
        scores = as_numpy(self.decision_function(x))
        shares = np.exp(scores - scores.max(1, keepdims=True))
        return shares / shares.sum(1, keepdims=True)
