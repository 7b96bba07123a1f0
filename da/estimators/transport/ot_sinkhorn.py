"""Entropic optimal transport."""

from __future__ import annotations

from typing import Literal, Self

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.estimators.base import matched
from da.estimators.transport.plan import METRICS, Barycentric, costs, uniform
from da.estimators.transport.sinkhorn import entropic
from da.estimators.transport.stopping import warn_of_masses
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class SinkhornTransport(Barycentric):
    r"""Transport the source onto the target with entropic regularisation.

    .. math:: \gamma = \arg\min_\gamma \langle \gamma, C \rangle + \varepsilon \sum_{ij} \gamma_{ij} \log \gamma_{ij},
        \qquad \gamma \mathbf 1 = \tfrac{1}{n_s} \mathbf 1, \quad \gamma^\top \mathbf 1 = \tfrac{1}{n_t} \mathbf 1

    with :math:`C_{ij} = c(x^s_i, x^t_j) / u`, and every source sample is mapped to the mean of the target samples that
    receive its mass: the more entropy, the nearer to the mean of the target. Costs :math:`O(n_s n_t)` an iteration.

    Args:
        entropy: :math:`\varepsilon`, in units of the normalised cost.
        metric: the cost c: ``sqeuclidean`` (squared distance), ``cityblock`` (sum of absolute differences) or
            ``cosine`` (1 minus the cosine of the angle).
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the costs, or ``none`` (1).
        max_iter: largest number of iterations.
        tol: largest error of the target's masses (Euclidean norm) at convergence.

    Reference: Cuturi, Sinkhorn distances, NeurIPS 2013; Courty, Flamary, Tuia & Rakotomamonjy, Optimal transport for
    domain adaptation, IEEE TPAMI 39(9), 2017.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"entropy": log_uniform(1e-3, 1e1), "metric": choice(*METRICS), "cost_norm": choice("max", "median")}
    exempt = {"equal_domains_map_alike": "entropy draws every sample towards the mean, also onto an equal domain"}

    def __init__(
        self,
        *,
        entropy: Positive = 0.1,
        metric: Literal["sqeuclidean", "cityblock", "cosine"] = "sqeuclidean",
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        max_iter: Count = 1000,
        tol: NonNegative = 1e-9,
    ):
        self.entropy, self.metric, self.cost_norm = entropy, metric, cost_norm
        self.max_iter, self.tol = max_iter, tol

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``plan_``, the ``images_`` of the source, and diagnostics of the solver.

        These are ``n_iter_`` iterations, ``marginal_error_``, the largest relative error of a sample's mass, and
        ``converged_``, whether that is within 1 % (else a warning is given).
        """
        x_s, x_t = matched(source, target)
        a, b, cost = uniform(x_s), uniform(x_t), costs(x_s, x_t, self.cost_norm, self.metric)
        solution = entropic(a, b, cost, self.entropy, self.max_iter, self.tol)
        self.converged_, self.marginal_error_, self.n_iter_ = solution.converged, solution.error, solution.steps
        warn_of_masses(self, self.n_iter_)
        self._learn(x_s, x_t, solution.plan)
        return self
