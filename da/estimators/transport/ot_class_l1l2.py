"""Optimal transport whose plan keeps classes of the source apart, by a group lasso."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize_scalar

from da.domain import Domain
from da.estimators.arrays import namespace
from da.estimators.base import labels_of, matched
from da.estimators.transport.groups import one_hot
from da.estimators.transport.plan import (
    MASSES,
    Barycentric,
    Entropic,
    costs,
    descend,
    entropic,
    marginal_error,
    uniform,
    warn_of_masses,
)
from da.setting import ALL, Access
from da.space import choice, log_uniform

TINY = float(np.finfo(np.float64).tiny)


class ClassTransportL1L2(Barycentric):
    r"""Move the source so that a target sample receives from one class rather than from several, by a group lasso.

    .. math:: \gamma = \arg\min_\gamma \langle \gamma, C \rangle + \varepsilon \sum_{ij} \gamma_{ij} \log \gamma_{ij}
        + \eta \sum_j \sum_c \Big( \sum_{i : y_i = c} \gamma_{ij}^2 \Big)^{1/2}

    between even masses, with :math:`C_{ij} = \|x^s_i - x^t_j\|^2 / u`: convex, by generalised conditional gradient,
    where the penalty is linearised and the entropy is kept. Costs :math:`O(n_s n_t)` an iteration.

    Args:
        entropy: :math:`\varepsilon`, in units of the normalised cost.
        class_weight: :math:`\eta`, factor of the penalty.
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the squared distances, or ``none`` (1).
        rounds: steps of the conditional gradient at most; ``converged_`` says whether they were enough.
        max_iter: iterations of each Sinkhorn at most.
        tolerance: a step that improves the objective by less, relatively or absolutely, is the last; also the largest
            violation of the target's masses (Euclidean norm) in each Sinkhorn.

    Reference: Courty, Flamary, Tuia & Rakotomamonjy, Optimal transport for domain adaptation, IEEE TPAMI 39(9), 2017;
    Rakotomamonjy, Flamary & Courty, Generalized conditional gradient, arXiv 1510.06567, 2015.

    Deviates: from POT, whose line search leaves the entropy out of the objective; here it looks at all of it.
    """

    needs = Access(source_y=ALL, target_x=True)
    space = {
        "entropy": log_uniform(1e-3, 1e1),
        "class_weight": log_uniform(1e-3, 1e1),
        "cost_norm": choice("max", "median"),
    }
    exempt = {"equal_domains_map_alike": "entropy draws every sample towards the mean, also onto an equal domain"}

    def __init__(
        self,
        *,
        entropy: float = 0.1,
        class_weight: float = 0.1,
        cost_norm: str = "median",
        rounds: int = 20,
        max_iter: int = 1000,
        tolerance: float = 1e-9,
    ):
        self.entropy, self.class_weight, self.cost_norm = entropy, class_weight, cost_norm
        self.rounds, self.max_iter, self.tolerance = rounds, max_iter, tolerance

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``plan_``, the ``images_`` of the source, ``converged_``; warns of a ``marginal_error_`` > 1 %."""
        x_s, x_t = matched(source, target)
        y = labels_of(source)
        group = one_hot(y, np.unique(y), x_s)
        xp = namespace(x_s)

        def norms(plan: Any) -> Any:
            return xp.sqrt(group.T @ (plan * plan))

        def value(plan: Any) -> Any:
            disorder = xp.sum(plan * xp.log(xp.clip(plan, TINY)))
            return self.entropy * disorder + self.class_weight * xp.sum(norms(plan))

        def gradient(plan: Any) -> Any:
            return self.class_weight * plan / xp.clip(group @ norms(plan), TINY)

        tried: list[Entropic] = []

        def linear(a: Any, b: Any, cost: Any) -> Any:
            if not tried or tried[-1].error <= MASSES:  # else no further Sinkhorn would end either
                tried.append(entropic(a, b, cost, self.entropy, self.max_iter, self.tolerance))
            return tried[-1].plan

        a, b = uniform(x_s), uniform(x_t)
        plan, fall = descend(
            a, b, costs(x_s, x_t, self.cost_norm), value, gradient, linear, _search,
            self.rounds, self.tolerance,
        )  # fmt: skip
        self.marginal_error_ = max(marginal_error(plan, a, b), tried[-1].error)
        self.converged_ = fall <= self.tolerance and self.marginal_error_ <= MASSES
        warn_of_masses(self, self.marginal_error_)
        self._learn(x_s, x_t, plan)
        return self


def _search(total: Callable[[Any], Any], plan: Any, direction: Any, _: Any) -> float:
    """The step in [0, 1] at which the convex objective is least; 0 if none is better than staying."""
    found = minimize_scalar(lambda t: float(total(plan + t * direction)), bounds=(0.0, 1.0), method="bounded")
    return min((0.0, 1.0, float(found.x)), key=lambda t: float(total(plan + t * direction)))
