"""Joint estimation of a transport plan and a map that extends it to new samples."""

from __future__ import annotations

from typing import Any, Literal, Self

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.errors import UsageError, nearest
from da.estimators.arrays import like, namespace
from da.estimators.base import FeatureMapping, matched, matrix
from da.estimators.kernels import KERNELS, gram, median_bandwidth, squared_distances
from da.estimators.transport.plan import uniform, unit_of
from da.estimators.transport.quadratic import Quadratic, minimise
from da.estimators.transport.stopping import GAP, marginal_error, warn_of_gap
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class KernelTransport(FeatureMapping):
    r"""Learn a transport plan and a linear or kernel map of the source jointly.

    .. math:: \min_{\gamma, T} \| T(X_s) - n_s \gamma X_t \|_F^2
        + \mu \, n_s \langle \gamma, C \rangle + \eta \, R(T), \qquad C_{ij} = \|x^s_i - x^t_j\|^2

    between uniform masses, with both domains centred and divided by :math:`\sqrt u`: :math:`T(x) = x L`,
    :math:`R = \|L - I\|_F^2` for the linear kernel, and :math:`T(x) = \sum_i k(x, x^s_i) \beta_i`,
    :math:`R = \|T\|_{\mathcal H}^2` for the Gaussian. The optimal map for a plan is a ridge regression, which reduces
    the problem to

    .. math:: \min_\gamma \operatorname{tr} Z^\top \eta (K + \eta I)^{-1} Z + \mu \, n_s \langle \gamma, C \rangle

    with :math:`Z = n_s \gamma X_t` (minus :math:`X_s` for the linear kernel) and K ``(n_s, n_s)`` the kernel matrix:
    convex and quadratic, solved by conditional gradient with exact line search, where each step is an exact transport.
    Costs :math:`O(n^3 \log n)` a step. Unlike a barycentric map it applies the same function to new source samples.

    Args:
        kernel: ``rbf`` or ``linear``.
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance within the source.
        transport_weight: :math:`\mu`.
        regularization: :math:`\eta`.
        cost_norm: u: the ``max``, ``mean`` or ``median`` of the squared distances, or ``none`` (1).
        max_iter: largest number of steps.
        tol: it stops at a step that improves the objective by less, relatively or absolutely.

    Reference: Perrot, Courty, Flamary & Habrard, Mapping estimation for discrete optimal transport, NeurIPS 2016.

    Deviates: the domains are centred first, which is an unpenalised bias for the linear map; the paper alternates
    between the plan and the map, which has the same minimum.
    """

    target_stays = True
    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "kernel": choice(*KERNELS),
        "transport_weight": log_uniform(1e-3, 1e2),
        "regularization": log_uniform(1e-5, 1e2),
    }
    exempt = {"equal_domains_map_alike": "the ridge shrinks the kernel map, also that of an equal domain"}

    def __init__(
        self,
        *,
        kernel: Literal["linear", "rbf"] = "rbf",
        bandwidth: Positive | None = None,
        transport_weight: NonNegative = 1.0,
        regularization: Positive = 1e-3,
        cost_norm: Literal["max", "mean", "median", "none"] = "median",
        max_iter: Count = 100,
        tol: NonNegative = 1e-6,
    ):
        self.kernel, self.bandwidth, self.transport_weight = kernel, bandwidth, transport_weight
        self.regularization, self.cost_norm = regularization, cost_norm
        self.max_iter, self.tol = max_iter, tol

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``plan_``, ``coefficients_`` ``(n_s, d)`` of the kernel, means, unit, and diagnostics of the solver.

        These are ``n_iter_`` steps, ``gap_``, a bound on the suboptimality of the objective relative to its minimum,
        ``marginal_error_``, the largest relative error of a sample's mass, a rounding error for exact transport,
        and ``converged_``, whether the gap is within 1 % (else a warning is given).

        Raises:
            UsageError: the kernel is unknown, or ``regularization`` is not above 0.
        """
        if self.kernel not in KERNELS:
            raise UsageError(f"There is no kernel '{self.kernel}'; {nearest(self.kernel, KERNELS)}")
        if self.regularization <= 0.0:
            raise UsageError(f"regularization={self.regularization} is not above 0; a kernel fits anything without it.")
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        n = x_s.shape[0]
        self.source_mean_, self.target_mean_ = xp.mean(x_s, axis=0), xp.mean(x_t, axis=0)
        self.unit_ = unit_of(squared_distances(x_s, x_t), self.cost_norm) ** 0.5
        self.width_ = (median_bandwidth(x_s) if self.bandwidth is None else self.bandwidth) / self.unit_
        self.source_ = (x_s - self.source_mean_) / self.unit_
        z_t = (x_t - self.target_mean_) / self.unit_
        values, vectors = xp.linalg.eigh(gram(self.source_, self.source_, self.kernel, self.width_))
        inverse = (vectors / (xp.clip(values, 0.0) + self.regularization)) @ vectors.T
        start = self.source_ if self.kernel == "linear" else 0.0 * self.source_

        term = Quadratic(self.regularization, lambda z: inverse @ z, n * z_t, start=start)
        cost = self.transport_weight * n * squared_distances(self.source_, z_t)
        a, b = uniform(x_s), uniform(x_t)
        self.plan_, self.gap_, self.n_iter_ = minimise(a, b, cost, (term,), self.max_iter, self.tol)
        self.marginal_error_, self.converged_ = marginal_error(self.plan_, a, b), self.gap_ <= GAP
        warn_of_gap(self, self.n_iter_)
        self.coefficients_ = inverse @ (n * (self.plan_ @ z_t) - start)
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        if domain != "source":
            return x
        z = (x - like(self.source_mean_, x)) / self.unit_
        moved = gram(z, like(self.source_, x), self.kernel, self.width_) @ like(self.coefficients_, x)
        return like(self.target_mean_, x) + self.unit_ * (moved + z if self.kernel == "linear" else moved)
