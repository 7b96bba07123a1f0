"""Exact optimal transport."""

from __future__ import annotations

from typing import Any, Literal, Self

from da.domain import Domain
from da.estimators.base import matched
from da.estimators.transport.plan import METRICS, Barycentric, costs, exact, uniform
from da.search_space import choice
from da.setting import ALL, Access


class OptimalTransport(Barycentric):
    r"""Transport the source onto the target at the least total cost (exact optimal transport).

    .. math:: \gamma = \arg\min_{\gamma \ge 0} \sum_{ij} \gamma_{ij} c(x^s_i, x^t_j), \qquad
        \gamma \mathbf 1 = \tfrac{1}{n_s} \mathbf 1, \quad \gamma^\top \mathbf 1 = \tfrac{1}{n_t} \mathbf 1

    ``(n_s, n_t)``, and every source sample is mapped to the mean of the target samples that receive its mass. Costs
    about :math:`O(n^3 \log n)` and :math:`O(n_s n_t)` memory; the network simplex runs on the CPU.

    Args:
        metric: the cost c: ``sqeuclidean`` (squared distance), ``cityblock`` (sum of absolute differences) or
            ``cosine`` (1 minus the cosine of the angle).

    Reference: Courty, Flamary, Tuia & Rakotomamonjy, Optimal transport for domain adaptation, IEEE TPAMI 39(9), 2017;
    out-of-sample extension as in Ferradans et al., Regularized discrete optimal transport, SIAM J. Imaging Sciences
    7(3), 2014.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"metric": choice(*METRICS)}

    def __init__(self, *, metric: Literal["sqeuclidean", "cityblock", "cosine"] = "sqeuclidean"):
        self.metric = metric

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``plan_`` and the ``images_`` of the source."""
        x_s, x_t = matched(source, target)
        cost: Any = costs(x_s, x_t, "max", self.metric)  # the plan of least cost does not depend on its unit
        self._learn(x_s, x_t, exact(uniform(x_s), uniform(x_t), cost))
        return self
