"""Joint class proportion and optimal transport."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.errors import DataError
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import labels_of, matched
from da.estimators.transport.groups import one_hot
from da.estimators.transport.plan import costs, uniform
from da.estimators.transport.propagation import Propagation
from da.estimators.transport.sinkhorn import Gibbs
from da.estimators.transport.stopping import MASSES, warn_of_change, warn_of_masses
from da.search_space import choice, log_uniform
from da.setting import ALL, MANY, Access

TINY = float(np.finfo(np.float64).tiny)


class JCPOT(Propagation):
    r"""Estimate the target's class proportions by optimal transport from several sources, and propagate labels.

    .. math:: \hat h = \arg\min_h \sum_k \lambda_k W_\varepsilon \big( \mu_k(h), \mu_t \big), \qquad
        \mu_k(h) = \sum_i \frac{h_{y_i}}{n_k^{y_i}} \delta_{x^k_i}, \qquad
        \hat Y_t \propto \sum_k \lambda_k \, \gamma_k^\top Y_k

    where :math:`W_\varepsilon` is the entropic transport cost, :math:`n_k^c` the samples of class c in source k,
    :math:`\mu_t` has uniform masses, and :math:`\lambda_k = 1/K`. Solved by iterative Bregman projections; a classifier
    is trained on the most likely class of every target sample. Costs :math:`O(n_t \sum_k n_k)` an iteration.

    Args:
        entropy: :math:`\varepsilon`, in units of the normalised cost.
        cost_norm: divisor of squared distances (of all sources): their ``max``, ``mean``, ``median`` or ``none`` (1).
        max_iter: largest number of iterations.
        tol: largest change of the proportions (Euclidean norm) at convergence, with masses accurate to 1 %.
        classifier: trained on the target's labels; None predicts the label of the nearest target sample of ``fit``.

    Reference: Redko, Courty, Flamary & Tuia, Optimal transport for multi-source domain adaptation under target shift,
    AISTATS 2019.

    Deviates: POT propagates labels after dividing every source sample's row of the plan by its mass, which cancels the
    proportions; here labels are propagated by mass. Every source must have every class, as the paper assumes.
    """

    needs = Access(source_y=ALL, target_x=True, sources=MANY)
    search_space = {"entropy": log_uniform(1e-3, 1e1), "cost_norm": choice("max", "median")}
    corrects = ("target", "rotation")

    def __init__(
        self,
        *,
        entropy: Positive = 0.1,
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        max_iter: Count = 1000,
        tol: NonNegative = 1e-6,
        classifier: BaseEstimator | None = None,
    ):
        self.entropy, self.cost_norm, self.max_iter, self.tol = entropy, cost_norm, max_iter, tol
        self.classifier = classifier

    def fit(self, sources: tuple[Domain, ...], target: Domain) -> Self:
        """Learn ``proportions_`` ``(C,)``, ``plans_``, ``labels_`` of the target, and the classifier.

        Diagnostics are ``n_iter_`` iterations, ``marginal_error_``, the largest relative error of a sample's mass in a
        plan, and ``converged_``, whether that is within 1 % and proportions changed by at most ``tol`` (else a
        warning is given).

        Raises:
            DataError: a source lacks a class of the others.
        """
        pairs = [matched(source, target) for source in sources]
        x_t = pairs[0][1]
        x_s = namespace(x_t).concat([x for x, _ in pairs], axis=0)
        labels = [labels_of(source) for source in sources]
        classes = np.unique(np.concatenate(labels))
        for source, y in zip(sources, labels, strict=True):
            if len(absent := np.setdiff1d(classes, y)):
                raise DataError(
                    f"JCPOT compares class proportions, and source {source.name or '(unnamed)'} lacks class "
                    f"{absent[0]}; drop that source, or pool it with another."
                )
        members = [one_hot(y, classes, y.astype(np.float64)) for y in labels]
        cost = costs(x_s, x_t, self.cost_norm)
        ends = np.cumsum([len(y) for y in labels])
        projected = [
            Projected(Gibbs(cost[end - len(member) : end], self.entropy), member, uniform(x_t))
            for member, end in zip(members, ends, strict=True)
        ]
        h, change, self.n_iter_ = np.zeros(len(classes)), np.inf, 0
        settled = False
        while not settled and self.n_iter_ < max(self.max_iter, 1):
            self.n_iter_ += 1
            before = h
            h = np.exp(np.mean([p.to_target() for p in projected], axis=0))
            for p in projected:
                p.to_proportions(h)
            change = float(np.linalg.norm(h - before))
            settled = change <= self.tol and all(p.error() <= MASSES for p in projected)
        self.proportions_ = h / h.sum()
        self.plans_ = tuple(p.plan() for p in projected)
        self.marginal_error_ = max(p.error() for p in projected)
        self.converged_ = change <= self.tol and self.marginal_error_ <= MASSES
        if self.marginal_error_ > MASSES:
            warn_of_masses(self, self.n_iter_, "raise `entropy` or `max_iter`")
        else:
            warn_of_change(self, change, "proportions still change", self.n_iter_, "raise `entropy` or `max_iter`")
        mass: Any = sum(plan.T @ like(member, x_s) for plan, member in zip(self.plans_, members, strict=True))
        self._learn(x_t, mass, classes)
        return self


class Projected:
    """The plan of one source, projected alternately onto the target's masses and onto class proportions.

    Args:
        kernel: of the source's costs.
        member: ``(n_k, C)`` one-hot classes of the samples.
        b: ``(n_t,)`` masses of the target.
    """

    def __init__(self, kernel: Gibbs, member: np.ndarray, b: Any):
        self.kernel, self.member = kernel, member
        self.log_b = namespace(b).log(b)
        self.f: Any = like(np.zeros(len(member)), b)
        self.g: Any = None
        self.sums: Any = None

    def to_target(self) -> np.ndarray:
        """Project onto the target's masses; returns the ``(C,)`` logarithms of each class's mass."""
        self.g = self.log_b - self.kernel.columns(self.f)
        self.sums = self.kernel.rows(self.g)
        mass = as_numpy(self.f + self.sums)
        peak = mass.max()
        by_class = self.member.T @ np.exp(mass - peak)
        return np.asarray(np.log(np.maximum(by_class, TINY)) + peak)

    def to_proportions(self, h: np.ndarray) -> None:
        """Project onto class proportions, with equal masses of the samples of a class."""
        share = np.maximum(h, TINY) / self.member.sum(0)
        self.f = like(np.log(self.member @ share), self.f) - self.sums

    def error(self) -> float:
        """The largest relative error of a target sample's mass; the source's masses are exact after a projection."""
        off = float(namespace(self.g).max(abs(self.g + self.kernel.columns(self.f) - self.log_b)))
        return math.expm1(min(off, 100.0)) if math.isfinite(off) else math.inf

    def plan(self) -> Any:
        """The ``(n_k, n_t)`` plan."""
        return self.kernel.plan(self.f, self.g)
