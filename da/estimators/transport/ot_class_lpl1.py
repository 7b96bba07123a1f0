"""Optimal transport with class regularisation by a concave penalty."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.estimators.base import labels_of, matched
from da.estimators.transport.groups import one_hot
from da.estimators.transport.plan import METRICS, Barycentric, costs, uniform
from da.estimators.transport.sinkhorn import entropic
from da.estimators.transport.stopping import warn_of_masses
from da.search_space import choice, log_uniform
from da.setting import ALL, Access

SMOOTHING = 1e-3


class ClassTransportLpL1(Barycentric):
    r"""Transport the source so that each target sample receives mass from few classes (lp-l1 penalty).

    .. math:: \gamma = \arg\min_\gamma \langle \gamma, C \rangle + \varepsilon \sum_{ij} \gamma_{ij} \log \gamma_{ij}
        + \eta \sum_j \sum_c \Big( \sum_{i : y_i = c} \gamma_{ij} \Big)^{1/2}

    between uniform masses, with :math:`C_{ij} = c(x^s_i, x^t_j) / u`. In each round the concave penalty is replaced by
    its tangent at the last plan, and the problem solved by Sinkhorn. Costs :math:`O(n_s n_t)` an iteration.

    Args:
        entropy: :math:`\varepsilon`, in units of the normalised cost.
        class_weight: :math:`\eta`, factor of the penalty.
        metric: the cost c: ``sqeuclidean`` (squared distance), ``cityblock`` (sum of absolute differences) or
            ``cosine`` (1 minus the cosine of the angle).
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the costs, or ``none`` (1).
        rounds: number of rounds, the first of which has no penalty; it stops after a Sinkhorn that fails.
        max_iter: largest number of iterations of each Sinkhorn.
        tol: largest error of the target's masses (Euclidean norm) at convergence.

    Reference: Courty, Flamary & Tuia, Domain adaptation with regularized optimal transport, ECML PKDD 2014.

    Deviates: the square root is of the mass plus 0.001, as in POT, because its slope at 0 is infinite.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "entropy": log_uniform(1e-3, 1e1),
        "class_weight": log_uniform(1e-3, 1e1),
        "metric": choice(*METRICS),
        "cost_norm": choice("max", "median"),
    }
    exempt = {"equal_domains_map_alike": "entropy draws every sample towards the mean, also onto an equal domain"}

    def __init__(
        self,
        *,
        entropy: Positive = 0.1,
        class_weight: NonNegative = 0.1,
        metric: Literal["sqeuclidean", "cityblock", "cosine"] = "sqeuclidean",
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        rounds: Count = 10,
        max_iter: Count = 1000,
        tol: NonNegative = 1e-9,
    ):
        self.entropy, self.class_weight = entropy, class_weight
        self.metric, self.cost_norm = metric, cost_norm
        self.rounds, self.max_iter, self.tol = rounds, max_iter, tol

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``plan_``, the ``images_`` of the source, and diagnostics of the solver.

        These are ``n_iter_`` iterations of all rounds, ``marginal_error_``, the largest relative error of a sample's
        mass, and ``converged_``, whether that is within 1 % (else a warning is given).
        """
        x_s, x_t = matched(source, target)
        y = labels_of(source)
        group = one_hot(y, np.unique(y), x_s)
        cost = costs(x_s, x_t, self.cost_norm, self.metric)
        a, b = uniform(x_s), uniform(x_t)
        slope, self.n_iter_ = 0.0 * cost, 0
        for _ in range(max(self.rounds, 1)):
            tilted = cost + self.class_weight * slope
            solution = entropic(a, b, tilted, self.entropy, self.max_iter, self.tol)
            self.n_iter_ += solution.steps
            if not solution.converged:  # a tangent at an infeasible plan is meaningless
                break
            slope = group @ (0.5 * (group.T @ solution.plan + SMOOTHING) ** -0.5)
        self.converged_, self.marginal_error_ = solution.converged, solution.error
        warn_of_masses(self, solution.steps)
        self._learn(x_s, x_t, solution.plan)
        return self
