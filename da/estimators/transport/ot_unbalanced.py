"""Unbalanced entropic optimal transport."""

from __future__ import annotations

import math
from typing import Literal, Self

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import namespace
from da.estimators.base import matched
from da.estimators.transport.plan import Barycentric, costs, uniform
from da.estimators.transport.sinkhorn import Gibbs
from da.estimators.transport.stopping import MASSES, warn_of_masses
from da.search_space import choice, log_uniform
from da.setting import ALL, Access

ABSENT = 1e-12


class UnbalancedTransport(Barycentric):
    r"""Transport the source onto the target without conserving mass, so that outliers are ignored.

    .. math:: \gamma = \arg\min_\gamma \langle \gamma, C \rangle + \varepsilon \operatorname{KL}(\gamma \,|\, a b^\top)
        + \rho \operatorname{KL}(\gamma \mathbf 1 \,|\, a) + \rho \operatorname{KL}(\gamma^\top \mathbf 1 \,|\, b)

    with uniform masses a and b and :math:`C_{ij} = \|x^s_i - x^t_j\|^2 / u`: a sample whose transport costs much more
    than :math:`\rho` loses its mass. Source samples without mass (below 1e-12 of their share) are not moved. Costs
    :math:`O(n_s n_t)` an iteration.

    Args:
        entropy: :math:`\varepsilon`, in units of the normalised cost.
        mass_weight: :math:`\rho`, in the same units: the cost of creating or destroying mass.
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the squared distances, or ``none`` (1).
        max_iter: largest number of iterations.
        tol: largest change of the logarithm of a scaling vector at convergence.

    Reference: Chizat, Peyré, Schmitzer & Vialard, Scaling algorithms for unbalanced optimal transport problems,
    Mathematics of Computation 87(314), 2018.

    Deviates: from POT's solvers in the use of potentials, so that large costs do not overflow; the plan is the same.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "entropy": log_uniform(1e-3, 1e1),
        "mass_weight": log_uniform(1e-2, 1e2),
        "cost_norm": choice("max", "median"),
    }
    exempt = {"equal_domains_map_alike": "entropy draws every sample towards the mean, also onto an equal domain"}

    def __init__(
        self,
        *,
        entropy: Positive = 0.1,
        mass_weight: Positive = 1.0,
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        max_iter: Count = 1000,
        tol: NonNegative = 1e-9,
    ):
        self.entropy, self.mass_weight, self.cost_norm = entropy, mass_weight, cost_norm
        self.max_iter, self.tol = max_iter, tol

    def fit(self, source: Domain, target: Domain) -> Self:
        r"""Learn ``plan_``, the ``images_`` of the source, and diagnostics of the solver.

        These are ``n_iter_`` iterations, ``marginal_error_``, the largest relative error of a source sample's mass, and
        ``converged_``, whether that is within 1 % (else a warning is given). At the optimum a sample of scaling
        :math:`e^{f_i}` has the mass :math:`a_i e^{-f_i \varepsilon / \rho}`; for the target this holds after every
        iteration.

        Raises:
            UsageError: ``entropy`` or ``mass_weight`` is not above 0.
        """
        if self.entropy <= 0.0 or self.mass_weight <= 0.0:
            raise UsageError(
                f"entropy={self.entropy} and mass_weight={self.mass_weight} must be above 0; raise them, or use ot_emd."
            )
        x_s, x_t = matched(source, target)
        a, b = uniform(x_s), uniform(x_t)
        xp = namespace(a)
        log_a, log_b = xp.log(a), xp.log(b)
        kernel = Gibbs(costs(x_s, x_t, self.cost_norm), self.entropy)
        power = self.mass_weight / (self.mass_weight + self.entropy)
        f, g, change, self.n_iter_ = xp.zeros_like(a), xp.zeros_like(b), math.inf, 0
        while change > self.tol and self.n_iter_ < self.max_iter:
            self.n_iter_ += 1
            before = f
            f = -power * kernel.rows(g + log_b)
            g = -power * kernel.columns(f + log_a)
            change = float(xp.max(xp.abs(f - before)))
        off = float(xp.max(xp.abs(f / power + kernel.rows(g + log_b))))
        self.marginal_error_ = math.expm1(min(off, 100.0))
        self.converged_ = self.marginal_error_ <= MASSES
        warn_of_masses(self, self.n_iter_, "raise `entropy` or `max_iter`")
        plan = kernel.plan(f + log_a, g + log_b)
        present = xp.sum(plan, axis=1)[:, None] > ABSENT * a[:, None]
        self._learn(x_s, x_t, xp.where(present, plan, xp.zeros_like(plan)))
        return self
