"""Label propagation to the target by optimal transport."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import Count, NonNegative
from da.domain import Domain
from da.estimators.base import labels_of, matched
from da.estimators.transport.groups import one_hot
from da.estimators.transport.plan import METRICS, costs, exact, uniform
from da.estimators.transport.propagation import Propagation
from da.estimators.transport.sinkhorn import Entropic, entropic
from da.estimators.transport.stopping import marginal_error, warn_of_masses
from da.search_space import choice
from da.setting import ALL, Access


class TransportedLabels(Propagation):
    r"""Propagate source labels to target samples along an optimal transport plan.

    .. math:: \hat Y_t = n_t \, \gamma^\top Y_s

    ``(n_t, C)``, with one-hot rows of :math:`Y_s` for the source samples, and :math:`\gamma` the plan between uniform
    masses of least cost minus :math:`\varepsilon` times its entropy. A classifier is trained on the most likely class
    of every target sample. Costs about :math:`O(n^3 \log n)` without entropy, and :math:`O(n_s n_t)` an iteration with
    it.

    Args:
        entropy: :math:`\varepsilon`, in units of the normalised cost; 0 is exact transport.
        metric: the cost c: ``sqeuclidean`` (squared distance), ``cityblock`` (sum of absolute differences) or
            ``cosine`` (1 minus the cosine of the angle).
        cost_norm: divisor of the costs: their ``max``, ``mean`` or ``median``, or ``none`` (1).
        max_iter: largest number of iterations, with entropy.
        tol: largest error of the target's masses (Euclidean norm) at convergence.
        classifier: trained on the target's labels; None predicts the label of the nearest target sample of ``fit``.

    Reference: Solomon, Rustamov, Guibas & Butscher, Wasserstein propagation for semi-supervised learning, ICML 2014;
    Redko, Courty, Flamary & Tuia, Optimal transport for multi-source domain adaptation under target shift,
    AISTATS 2019.

    Deviates: from the first, which propagates on a graph; this is its bipartite case, as in the second with one source.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"entropy": choice(0.0, 1e-2, 1e-1, 1.0), "metric": choice(*METRICS)}

    def __init__(
        self,
        *,
        entropy: NonNegative = 0.0,
        metric: Literal["sqeuclidean", "cityblock", "cosine"] = "sqeuclidean",
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        max_iter: Count = 1000,
        tol: NonNegative = 1e-9,
        classifier: BaseEstimator | None = None,
    ):
        self.entropy, self.metric, self.cost_norm = entropy, metric, cost_norm
        self.max_iter, self.tol = max_iter, tol
        self.classifier = classifier

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``plan_``, ``labels_`` of the target samples, the classifier, and diagnostics of the solver.

        These are ``n_iter_`` iterations (0 for exact transport), ``marginal_error_``, the largest relative error of a
        sample's mass, and ``converged_``, whether that is within 1 % (else a warning is given).
        """
        x_s, x_t = matched(source, target)
        y = labels_of(source)
        classes = np.unique(y)
        a, b, cost = uniform(x_s), uniform(x_t), costs(x_s, x_t, self.cost_norm, self.metric)
        if self.entropy == 0.0:
            plan = exact(a, b, cost)
            solution = Entropic(plan, marginal_error(plan, a, b), 0)
        else:
            solution = entropic(a, b, cost, self.entropy, self.max_iter, self.tol)
        self.plan_, self.marginal_error_, self.n_iter_ = solution
        self.converged_ = solution.converged
        warn_of_masses(self, self.n_iter_)
        self._learn(x_t, self.plan_.T @ one_hot(y, classes, x_s), classes)
        return self
