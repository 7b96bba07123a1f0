"""Optimal transport with class regularisation by a group lasso."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from scipy.optimize import minimize_scalar

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.estimators.arrays import namespace
from da.estimators.base import labels_of, matched
from da.estimators.transport.groups import one_hot
from da.estimators.transport.plan import Barycentric, costs, uniform
from da.estimators.transport.sinkhorn import entropic
from da.estimators.transport.stopping import GAP, MASSES, marginal_error, warn_of_gap, warn_of_masses
from da.search_space import choice, log_uniform
from da.setting import ALL, Access

TINY = float(np.finfo(np.float64).tiny)


class ClassTransportL1L2(Barycentric):
    r"""Transport the source so that each target sample receives mass from few classes (group lasso).

    .. math:: \gamma = \arg\min_\gamma \langle \gamma, C \rangle + \varepsilon \sum_{ij} \gamma_{ij} \log \gamma_{ij}
        + \eta \sum_j \sum_c \Big( \sum_{i : y_i = c} \gamma_{ij}^2 \Big)^{1/2}

    between uniform masses, with :math:`C_{ij} = \|x^s_i - x^t_j\|^2 / u`: convex, by generalised conditional gradient,
    which linearises the penalty but not the entropy. Costs :math:`O(n_s n_t)` an iteration.

    Args:
        entropy: :math:`\varepsilon`, in units of the normalised cost.
        class_weight: :math:`\eta`, factor of the penalty.
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the squared distances, or ``none`` (1).
        rounds: largest number of steps of the conditional gradient; it stops after a Sinkhorn that fails.
        max_iter: largest number of iterations of each Sinkhorn.
        tol: it stops at a step that improves the objective by less, relatively or absolutely; also the largest
            error of the target's masses (Euclidean norm) in each Sinkhorn.

    Reference: Courty, Flamary, Tuia & Rakotomamonjy, Optimal transport for domain adaptation, IEEE TPAMI 39(9), 2017;
    Rakotomamonjy, Flamary & Courty, Generalized conditional gradient, arXiv 1510.06567, 2015.

    Deviates: from POT, whose line search ignores the entropy in the objective; here it uses the whole objective.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "entropy": log_uniform(1e-3, 1e1),
        "class_weight": log_uniform(1e-3, 1e1),
        "cost_norm": choice("max", "median"),
    }
    exempt = {"equal_domains_map_alike": "entropy draws every sample towards the mean, also onto an equal domain"}

    def __init__(
        self,
        *,
        entropy: Positive = 0.1,
        class_weight: NonNegative = 0.1,
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        rounds: Count = 20,
        max_iter: Count = 1000,
        tol: NonNegative = 1e-9,
    ):
        self.entropy, self.class_weight, self.cost_norm = entropy, class_weight, cost_norm
        self.rounds, self.max_iter, self.tol = rounds, max_iter, tol

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``plan_``, the ``images_`` of the source, and diagnostics of the solver.

        These are ``n_iter_`` iterations of all rounds, ``marginal_error_``, the largest relative error of a
        sample's mass, ``gap_``, a bound on the suboptimality of the objective as a share of cost and penalty, and
        ``converged_``, whether both are within 1 % (else a warning is given).
        """
        x_s, x_t = matched(source, target)
        y = labels_of(source)
        group = one_hot(y, np.unique(y), x_s)
        xp = namespace(x_s)
        cost = costs(x_s, x_t, self.cost_norm)

        def norms(plan: Any) -> Any:
            return xp.sqrt(group.T @ (plan * plan))

        def order(plan: Any) -> float:
            return self.entropy * float(xp.sum(plan * xp.log(xp.clip(plan, TINY))))

        def paid(plan: Any) -> float:
            return float(xp.sum(plan * cost)) + self.class_weight * float(xp.sum(norms(plan)))

        def value(plan: Any) -> float:
            return paid(plan) + order(plan)

        a, b = uniform(x_s), uniform(x_t)
        plan = a[:, None] * b[None, :]
        current, below, worst, rounds, self.n_iter_ = value(plan), -np.inf, 0.0, 0, 0
        while rounds < max(self.rounds, 1):
            rounds += 1
            tangent = cost + self.class_weight * plan / xp.clip(group @ norms(plan), TINY)
            solution = entropic(a, b, tangent, self.entropy, self.max_iter, self.tol)
            self.n_iter_, worst = self.n_iter_ + solution.steps, max(worst, solution.error)
            move = solution.plan - plan
            slope = float(xp.sum(move * tangent)) + order(solution.plan) - order(plan)
            below = max(below, current + slope)  # the convex objective is nowhere below its tangent
            plan = plan + _search(value, plan, move) * move
            before, current = current, value(plan)
            fall = abs(before - current)
            if not solution.converged or fall < self.tol * max(1.0, abs(current)):
                break
        self.marginal_error_ = max(marginal_error(plan, a, b), worst)
        self.gap_ = max(current - below, 0.0) / max(paid(plan), TINY)
        self.converged_ = self.marginal_error_ <= MASSES and self.gap_ <= GAP
        if self.marginal_error_ > MASSES:
            warn_of_masses(self, solution.steps)
        else:
            warn_of_gap(self, rounds, "rounds")
        self._learn(x_s, x_t, plan)
        return self


def _search(value: Callable[[Any], float], plan: Any, move: Any) -> float:
    """The step in [0, 1] that minimises the convex objective; 0 if none lowers it."""
    minimum = minimize_scalar(lambda t: value(plan + t * move), bounds=(0.0, 1.0), method="bounded")
    return min((0.0, 1.0, float(minimum.x)), key=lambda t: value(plan + t * move))
