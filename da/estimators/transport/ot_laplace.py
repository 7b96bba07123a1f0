"""Optimal transport with Laplacian regularisation."""

from __future__ import annotations

from typing import Any, Literal, Self

from scipy import sparse
from sklearn.neighbors import kneighbors_graph

from da.bounds import Count, Fraction, NonNegative
from da.domain import Domain
from da.estimators.arrays import as_numpy, is_tensor, like, namespace
from da.estimators.base import matched
from da.estimators.transport.plan import Barycentric, costs, uniform, unit_of
from da.estimators.transport.quadratic import Quadratic, minimise
from da.estimators.transport.stopping import GAP, marginal_error, warn_of_gap
from da.search_space import choice, log_uniform
from da.search_space import uniform as evenly
from da.setting import ALL, Access


class LaplaceTransport(Barycentric):
    r"""Transport the source onto the target while preserving neighbourhoods (Laplacian regularisation).

    .. math:: \gamma = \arg\min_\gamma \langle \gamma, C \rangle
        + \eta \left( (1 - \alpha) \operatorname{tr} \bar X_t^\top \gamma^\top L_s \gamma \bar X_t
        + \alpha \operatorname{tr} \bar X_s^\top \gamma L_t \gamma^\top \bar X_s \right)

    between uniform masses, with :math:`C_{ij} = \|x^s_i - x^t_j\|^2 / u`, :math:`\bar X = X / \sqrt u`, and L the
    Laplacians of both domains' symmetric nearest-neighbour graphs: the first trace sums
    :math:`S_{ij} \|T(x^s_i) - T(x^s_j)\|^2 / 2 n_s^2` over the source, the second the same over the target for the
    reverse map. Convex and quadratic, solved by conditional gradient with exact line search, where each step is an
    exact transport. Costs :math:`O(n^3 \log n)` a step.

    Args:
        laplace_weight: :math:`\eta`.
        target_share: :math:`\alpha` in [0, 1], share of the target's neighbourhoods in the regularisation.
        n_neighbors: nearest neighbours in each graph.
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the squared distances, or ``none`` (1).
        max_iter: largest number of steps.
        tol: it stops at a step that improves the objective by less, relatively or absolutely.

    Reference: Courty, Flamary, Tuia & Rakotomamonjy, Optimal transport for domain adaptation, IEEE TPAMI 39(9), 2017;
    Ferradans et al., Regularized discrete optimal transport, SIAM J. Imaging Sciences 7(3), 2014.

    Deviates: POT has the factors :math:`\alpha` and :math:`1 - \alpha` exchanged, and is equal otherwise.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "laplace_weight": log_uniform(1e-3, 1e2),
        "target_share": evenly(0.0, 1.0),
        "cost_norm": choice("max", "median"),
    }
    exempt = {"equal_domains_map_alike": "what draws neighbours together also contracts an equal domain"}

    def __init__(
        self,
        *,
        laplace_weight: NonNegative = 1.0,
        target_share: Fraction = 0.5,
        n_neighbors: Count = 3,
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        max_iter: Count = 100,
        tol: NonNegative = 1e-9,
    ):
        self.laplace_weight, self.target_share, self.n_neighbors = laplace_weight, target_share, n_neighbors
        self.cost_norm, self.max_iter, self.tol = cost_norm, max_iter, tol

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``plan_``, the ``images_`` of the source, and diagnostics of the solver.

        These are ``n_iter_`` steps, ``gap_``, a bound on the suboptimality of the objective relative to its minimum,
        ``marginal_error_``, the largest relative error of a sample's mass, a rounding error for exact transport,
        and ``converged_``, whether the gap is within 1 % (else a warning is given).
        """
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        cost = costs(x_s, x_t, "none")
        unit = unit_of(cost, self.cost_norm)
        centre = xp.mean(x_t, axis=0)  # Laplacians are invariant to an offset, but rounding is not
        z_s, z_t = (x_s - centre) / unit**0.5, (x_t - centre) / unit**0.5
        l_s, l_t = (laplacian(x, self.n_neighbors) for x in (x_s, x_t))
        w_s, w_t = self.laplace_weight * (1.0 - self.target_share), self.laplace_weight * self.target_share

        terms = (
            Quadratic(w_s, lambda z: l_s @ z, z_t),
            Quadratic(w_t, lambda z: l_t @ z, z_s, back=True),
        )
        a, b = uniform(x_s), uniform(x_t)
        plan, self.gap_, self.n_iter_ = minimise(a, b, cost / unit, terms, self.max_iter, self.tol)
        self.marginal_error_, self.converged_ = marginal_error(plan, a, b), self.gap_ <= GAP
        warn_of_gap(self, self.n_iter_)
        self._learn(x_s, x_t, plan)
        return self


def laplacian(x: Any, n_neighbors: int) -> Any:
    """``(n, n)`` Laplacian of the nearest-neighbour graph, with edge weights 1 if mutual and 1/2 if not.

    Sparse, unless x is a tensor.
    """
    n = x.shape[0]
    k = min(n_neighbors, n - 1)
    edges = sparse.csr_array(kneighbors_graph(as_numpy(x), k) if k >= 1 else (n, n))
    edges = (edges + edges.T) / 2.0
    difference = sparse.csr_array(sparse.diags_array(edges.sum(axis=0)) - edges)
    return like(difference.toarray(), x) if is_tensor(x) else difference
