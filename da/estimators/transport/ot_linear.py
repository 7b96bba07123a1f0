"""Linear Monge map between Gaussians."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from da.bounds import NonNegative
from da.domain import Domain
from da.estimators.arrays import like, namespace
from da.estimators.base import FeatureMapping, matched, matrix
from da.estimators.linalg import LowRank, power, times
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class LinearTransport(FeatureMapping):
    r"""Map the source by the optimal transport between Gaussians fitted to the two domains.

    .. math:: T(x) = m_t + (x - m_s) A, \qquad
        A = C_s^{-1/2} \left( C_s^{1/2} C_t C_s^{1/2} \right)^{1/2} C_s^{-1/2}

    with A ``(d, d)``, symmetric and positive semi-definite: of all maps with :math:`A C_s A = C_t` the one of least
    displacement. Costs :math:`O((n_s + n_t) d^2 + d^3)`, or, with :math:`n = n_s + n_t < d` samples, outside of whose
    span A is the identity, :math:`O(n^2 d + n^3)` and no ``(d, d)`` matrix.

    Args:
        regularization: added to the diagonals of :math:`C_s` and :math:`C_t`, in squared units of the features: the
            larger it is, the nearer A is to the identity.
        centre: False treats both means as zero, and second moments as covariances.

    Reference: Flamary, Lounici & Ferrari, Concentration bounds for linear Monge mapping estimation and optimal
    transport domain adaptation, arXiv 1905.10155, 2019.

    Deviates: directions in which the source has no variance up to rounding are mapped to the target's mean.
    """

    target_stays = True
    needs = Access(source_y=ALL, target_x=True)
    search_space = {"regularization": log_uniform(1e-8, 1e1), "centre": choice(True, False)}

    def __init__(self, *, regularization: NonNegative = 1e-6, centre: bool = True):
        self.regularization, self.centre = regularization, centre

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``map_``, the ``(d, d)`` matrix A (for few samples a :class:`LowRank` one), and both means."""
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        self.source_mean_, self.target_mean_ = (self.centre * xp.mean(x, axis=0) for x in (x_s, x_t))
        x_s, x_t = x_s - self.source_mean_, x_t - self.target_mean_
        if x_s.shape[0] + x_t.shape[0] >= x_s.shape[1]:
            self.map_ = self._monge(x_s, x_t)
            return self
        basis, _ = xp.linalg.qr(xp.concat([x_s, x_t]).T)
        rest = float(self.regularization > 0.0)
        inner = self._monge(x_s @ basis, x_t @ basis)
        self.map_ = LowRank(rest, basis, inner - rest * like(np.eye(basis.shape[1]), x_s))
        return self

    def _monge(self, x_s: Any, x_t: Any) -> Any:
        """A for centred domains."""
        c_s, c_t = (x.T @ x / x.shape[0] + self.regularization * like(np.eye(x.shape[1]), x) for x in (x_s, x_t))
        root, inverse = power(c_s, 0.5), power(c_s, -0.5)
        middle = root @ c_t @ root
        return inverse @ power((middle + middle.T) / 2.0, 0.5) @ inverse

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        if domain != "source":
            return x
        return like(self.target_mean_, x) + times(x - like(self.source_mean_, x), self.map_)
