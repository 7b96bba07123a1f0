"""Maximum independence domain adaptation."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.estimators.arrays import like, namespace
from da.estimators.base import FeatureMapping, labels_of, matched, matrix
from da.estimators.linalg import EPS, leading
from da.estimators.subspace.rounds import above_zero, at_least_zero
from da.estimators.subspace.span import Span
from da.search_space import choice, log_uniform, uniform
from da.setting import ALL, Access


class MIDA(FeatureMapping):
    r"""Learn components that keep variance and are independent of the domain (maximum independence).

    .. math:: \max_W \operatorname{tr} W^\top K (\mu H - H D D^\top H + \gamma H Y Y^\top H) K W
              \quad \text{s.t. } W^\top W = I

    K ``(n, n)`` is the kernel of all n samples, W is ``(n, k)``, H centres, D ``(n, 2)`` is the one-hot domain of each
    sample and Y ``(n, C)`` its one-hot class, with rows of zeros where that is unknown. The terms with D and Y are the
    Hilbert-Schmidt independence criteria of the embedding with domains and labels, times :math:`(n - 1)^2`. Costs
    :math:`O(n d^2 + d^3)` with the linear kernel (n in place of d where it is smaller), :math:`O(n^3)` with the
    Gaussian one.

    Args:
        n_components: k; columns that would lower the objective are omitted.
        mu: weight of the scatter.
        label_weight: :math:`\gamma`, weight of dependence on the source's labels; above 0 the method is called SMIDA.
        augment: append D to the features, so that each domain has its own offset.
        kernel: ``linear``, or ``rbf``, the Gaussian.
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the (augmented) inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance of pooled samples.

    Reference: Yan, Kou & Zhang, Learning domain-invariant subspace using domain features and independence maximization,
    IEEE Transactions on Cybernetics 2018.

    Deviates: columns with a negative objective are omitted, where the paper always has k of them. Domain features are
    two discrete ones; the paper's method also allows continuous ones, such as time.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "n_components": choice(10, 30, 100),
        "mu": log_uniform(1e-3, 1e3),
        "label_weight": uniform(0.0, 10.0),
    }

    def __init__(
        self,
        *,
        n_components: Count = 30,
        mu: Positive = 1.0,
        label_weight: NonNegative = 0.0,
        augment: bool = True,
        kernel: Literal["linear", "rbf"] = "linear",
        bandwidth: Positive | None = None,
    ):
        self.n_components, self.mu, self.label_weight, self.augment = n_components, mu, label_weight, augment
        self.kernel, self.bandwidth = kernel, bandwidth

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``map_``, which is applied to the ``features_`` of (augmented) samples."""
        above_zero(self, "n_components", "mu", "bandwidth")
        at_least_zero(self, "label_weight")
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        n_s, n_t = len(x_s), len(x_t)
        span = Span(
            xp.concat([self._augmented(x_s, "source"), self._augmented(x_t, "target")]), self.kernel, self.bandwidth
        )
        rows = (span.rows - xp.mean(span.rows, axis=0)) * span.lengths
        objective = self.mu * (rows.T @ rows)
        is_source = np.arange(n_s + n_t) < n_s
        domains = rows.T @ like(np.c_[is_source, ~is_source], x_s)
        objective = objective - domains @ domains.T
        if self.label_weight:
            y_s = labels_of(source)
            classes = rows[:n_s].T @ like(y_s[:, None] == np.unique(y_s), x_s)
            objective = objective + self.label_weight * (classes @ classes.T)
        values, b = leading(objective, min(self.n_components, n_s + n_t))
        rounding = EPS * len(rows) * float(xp.linalg.matrix_norm(objective))
        size = max(int(xp.sum(xp.astype(values > rounding, xp.int64))), 1)
        self.features_ = span.features
        self.map_ = span.directions @ (span.lengths[:, None] * b[:, :size])
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        return self.features_(self._augmented(x, domain)) @ like(self.map_, x)

    def _augmented(self, x: Any, domain: str) -> Any:
        if not self.augment:
            return x
        xp = namespace(x)
        mark = xp.ones_like(x[:, :1])
        return xp.concat([x, mark, 0.0 * mark] if domain == "source" else [x, 0.0 * mark, mark], axis=1)
