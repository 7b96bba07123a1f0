"""Manifold embedded distribution alignment."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import Count, Fraction, NonNegative, Positive
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import Predictor, labels_of, matched
from da.estimators.kernels import gaussian
from da.estimators.linalg import covariance, unit_rows
from da.estimators.simplex import nearest_on_simplex
from da.estimators.subspace.contrasts import conditional, marginal
from da.estimators.subspace.gfk import GFK
from da.estimators.subspace.rounds import Labeller
from da.search_space import choice, log_uniform
from da.setting import ALL, Access

SHRINKAGE = 1e-3
ROUNDING = 1e-24


class MEDA(Predictor):
    r"""Classify by kernel regression with regularisers for the manifold and the domains' distributions.

    .. math:: \beta = \big((E + \lambda M + \rho L) K + \eta I\big)^{-1} E Y, \qquad
        M \propto (1 - \mu) K_c\, e_0 e_0^\top + \mu \sum_c e_c e_c^\top

    over all :math:`n = n_s + n_t` samples: K is a Gaussian kernel of unit rows of geodesic-flow features, E the
    indicator of source samples, Y their one-hot labels, L the normalised Laplacian of the cosine graph of nearest
    neighbours, M the MMD matrix (of norm 1) with :math:`K_c` classes and pseudo-labels of the target, which are updated
    from :math:`f = K \beta` in every round. :math:`\mu` balances class-conditional and marginal distributions by how
    well linear discriminants separate the domains, :math:`d_A = 2 (1 - 2 \varepsilon)` with their error
    :math:`\varepsilon`:

    .. math:: \mu = \bar d_c / (\bar d_c + d_0)

    Only M changes between rounds, by few columns, so that a single ``(n, n)`` system is solved; a round costs
    :math:`O(n^2 K_c)`. Costs :math:`O(n^3)` time and :math:`O(n^2)` memory.

    Args:
        n_components: dimension of the subspaces of the geodesic flow kernel.
        alignment: :math:`\lambda`, weight of the alignment of distributions.
        smoothness: :math:`\rho`, weight of the Laplacian.
        ridge: :math:`\eta > 0`, weight of the squared norm of f.
        n_neighbors: nearest neighbours of a sample in the graph, itself not counted.
        mu: :math:`\mu`, from 0 (marginal) to 1 (class-conditional distributions); None estimates it in every round.
        rounds: largest number of rounds of pseudo-labels; it stops earlier when they no longer change.
        classifier: predicts the first pseudo-labels; None is 1-nearest-neighbour.

    Reference: Wang, Feng, Chen, Yu, Huang & Yu, Visual domain adaptation with manifold embedded distribution alignment,
    ACM Multimedia 2018.

    Deviates: M is scaled to norm 1, its first part counts once per class and the kernel's bandwidth is 1, all as in
    the authors' code. Discriminants are Fisher's, of unit rows and with the mean of both domains' errors, in place of
    support vector machines. That code compares every source class with the target's class 1 when it estimates
    :math:`\mu`; here a source class is compared with the same class of the target.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "n_components": choice(10, 20, 40),
        "alignment": log_uniform(1e-1, 1e3),
        "smoothness": log_uniform(1e-2, 1e2),
        "ridge": log_uniform(1e-3, 1e1),
    }

    def __init__(
        self,
        *,
        n_components: Count = 20,
        alignment: NonNegative = 10.0,
        smoothness: NonNegative = 1.0,
        ridge: Positive = 0.1,
        n_neighbors: Count = 10,
        mu: Fraction | None = None,
        rounds: Count = 10,
        classifier: BaseEstimator | None = None,
    ):
        self.n_components, self.alignment, self.smoothness, self.ridge = n_components, alignment, smoothness, ridge
        self.n_neighbors, self.mu, self.rounds, self.classifier = n_neighbors, mu, rounds, classifier

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``coefficients_`` ``(n, K_c)`` with their features, ``mu_`` and ``rounds_``.

        Raises:
            UsageError: ``ridge`` is not above 0, or ``rounds`` is below 1.
        """
        if self.ridge <= 0:
            raise UsageError(f"MEDA needs a positive ridge, got {self.ridge}; it keeps the system solvable.")
        if self.rounds < 1:
            raise UsageError(f"MEDA needs at least 1 round, got {self.rounds}.")
        x_s, _ = matched(source, target)
        xp = namespace(x_s)
        y = labels_of(source)
        self.classes_ = np.unique(y)
        self.manifold_ = GFK(n_components=self.n_components).fit(source, target)
        z_s = self.manifold_.transform(source.x, domain="source")
        z_t = self.manifold_.transform(target.x)
        n_s, n_t = z_s.shape[0], z_t.shape[0]
        z = self.features_ = unit_rows(xp.concat([z_s, z_t], axis=0))

        one_hot = like(np.r_[y[:, None] == self.classes_, np.zeros((n_t, len(self.classes_)))], z)
        plain = self.smoothness * laplacian(z, self.n_neighbors) + xp.diag(like(np.arange(n_s + n_t) < n_s, z))
        kernel = gaussian(z, z, 1.0)
        smoother = xp.linalg.solve(kernel @ plain + self.ridge * xp.eye(n_s + n_t, **_place(z)), kernel)
        free = smoother @ one_hot

        label = Labeller(self.classifier)
        pseudo = label(z[:n_s], y, z[n_s:])
        if label.C is not None:
            self.C_ = label.C
        common = len(self.classes_) ** 0.5 * marginal(n_s, n_t)[:, None]
        for rounds in range(1, self.rounds + 1):
            self.rounds_ = rounds
            self.mu_ = self._balance_of(z[:n_s], z[n_s:], y, pseudo)
            columns = np.c_[(1.0 - self.mu_) ** 0.5 * common, self.mu_**0.5 * conditional(y, pseudo, self.classes_)]
            columns *= (self.alignment / np.linalg.norm(columns.T @ columns)) ** 0.5
            e = like(columns, z)
            pulled = smoother @ e
            inner = xp.eye(e.shape[1], **_place(z)) + e.T @ pulled
            answer = free - pulled @ xp.linalg.solve(inner, e.T @ free)
            before, pseudo = pseudo, self.classes_[as_numpy(answer[n_s:]).argmax(1)]
            if np.array_equal(before, pseudo):
                break
        self.coefficients_ = (one_hot - plain @ answer - e @ (e.T @ answer)) / self.ridge
        return self

    def _balance_of(self, z_s: Any, z_t: Any, y: np.ndarray, pseudo: np.ndarray) -> float:
        if self.mu is not None:
            return self.mu
        own = [separation(z_s[y == c], z_t[pseudo == c]) for c in self.classes_ if (pseudo == c).any()]
        of_classes, of_all = float(np.mean(own)), separation(z_s, z_t)
        return of_classes / (of_classes + of_all) if of_classes + of_all > 0 else 0.5

    def predict_proba(self, x: Any) -> np.ndarray:
        """``(n, K)`` outputs of the regression, projected to the nearest probabilities."""
        z = unit_rows(self.manifold_.transform(x))
        scores = gaussian(z, like(self.features_, z), 1.0) @ like(self.coefficients_, z)
        return nearest_on_simplex(as_numpy(scores))


def laplacian(z: Any, n_neighbors: int) -> Any:
    r"""``(n, n)`` normalised Laplacian :math:`I - D^{-1/2} W D^{-1/2}` of unit rows.

    W has the cosine, where positive, between samples of which one is among the nearest neighbours of the other or as
    near as these; every sample is its own neighbour.
    """
    xp = namespace(z)
    n = z.shape[0]
    cosine = xp.clip(z @ z.T, 0.0)
    if n_neighbors + 1 < n:
        least = xp.sort(cosine, axis=1)[:, n - 1 - n_neighbors][:, None]
        cosine = xp.where(cosine >= xp.minimum(least, least.T), cosine, xp.zeros_like(cosine))
    degree = xp.sum(cosine, axis=1)
    scale = xp.where(degree > 0, degree, xp.ones_like(degree)) ** -0.5
    return xp.eye(n, **_place(z)) - scale[:, None] * cosine * scale[None, :]


def separation(a: Any, b: Any) -> float:
    """Proxy A-distance, from 0 (inseparable) to 2 (separable), by the training error of Fisher's discriminant."""
    xp = namespace(a)
    middle, gap = (xp.mean(a, axis=0) + xp.mean(b, axis=0)) / 2.0, xp.mean(a, axis=0) - xp.mean(b, axis=0)
    within = (covariance(a) + covariance(b)) / 2.0
    size, distance = float(xp.linalg.trace(within)) / within.shape[0], float(gap @ gap)
    if distance <= ROUNDING * float(xp.max(xp.sum(a * a, axis=1))):
        return 0.0
    if size <= ROUNDING * distance:
        return 2.0
    direction = xp.linalg.solve(within / size + SHRINKAGE * xp.eye(within.shape[0], **_place(a)), gap[:, None])
    right = [float(xp.mean(like(sign * ((x - middle) @ direction) > 0, a))) for x, sign in ((a, 1.0), (b, -1.0))]
    return max(2.0 * (sum(right) - 1.0), 0.0)


def _place(z: Any) -> dict[str, Any]:
    return {"dtype": z.dtype, "device": z.device}
