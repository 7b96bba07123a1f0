"""Geodesic flow kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from da.bounds import Count
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import FeatureMapping, matched, matrix
from da.estimators.linalg import principal
from da.search_space import choice
from da.setting import ALL, Access

SMALL = 1e-3


class GFK(FeatureMapping):
    r"""Integrate over all subspaces on the geodesic between the domains' principal subspaces (geodesic flow kernel).

    .. math:: G = \int_0^1 \Phi(t) \Phi(t)^\top \, dt = Z Z^\top, \qquad x \mapsto x Z

    with :math:`\Phi(t)` the geodesic between the principal subspaces :math:`P_s` and :math:`P_t`, ``(d, k)`` each. In
    the plane of a pair of principal vectors a and c at angle :math:`\theta` its part of G has the eigenvectors
    :math:`a + c` and :math:`c - a` with eigenvalues :math:`\frac12 (1 \pm \sin \theta / \theta)`, so that the root Z is
    ``(d, 2k)`` and no ``(d, d)`` matrix appears. Euclidean distances of mapped rows are distances under G. Equal
    subspaces give :math:`Z = [P_s, 0]`.

    Costs :math:`O(n d \min(n, d))`.

    Args:
        n_components: k, the dimension of the subspaces; at most the rank of both domains. None takes the smallest at
            which a subspace is as far from that of both domains pooled as it can be (:func:`disagreement`).
        centre: subtract every domain's mean. Without centring :math:`P_s` and :math:`P_t` are leading right singular
            vectors of the original rows, which contain the directions of the means, and the original rows are mapped,
            as in the authors' code.

    Reference: Gong, Shi, Sha & Grauman, Geodesic flow kernel for unsupervised domain adaptation, CVPR 2012.

    Deviates: every domain is centred on its own mean, like the paper's standardised features, unless ``centre`` is
    False; k may exceed d / 2, where the subspaces share directions, which then have full weight.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"n_components": choice(10, 20, 40)}

    def __init__(self, *, n_components: Count | None = 20, centre: bool = True):
        self.n_components, self.centre = n_components, centre

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn means, ``angles_`` ``(k,)`` ascending in radians, and ``map_``, the ``(d, 2k)`` root Z.

        Raises:
            UsageError: ``n_components`` is below 1.
        """
        if self.n_components is not None and self.n_components < 1:
            raise UsageError(f"GFK needs at least 1 component, got {self.n_components}.")
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        self.source_mean_, self.target_mean_ = (self.centre * xp.mean(x, axis=0) for x in (x_s, x_t))
        x_s, x_t = x_s - self.source_mean_, x_t - self.target_mean_
        size = max(min(x_s.shape[0] - 1, x_t.shape[0] - 1, x_s.shape[1]), 1)
        if self.n_components is None:
            size = chosen(disagreement(x_s, x_t, min(size, max(x_s.shape[1] // 2, 1))))
        p_s, p_t = (principal(x, min(size, self.n_components or size)) for x in (x_s, x_t))
        size = min(p_s.shape[1], p_t.shape[1])
        self.angles_, self.map_ = flow(p_s[:, :size], p_t[:, :size])
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        mean = self.source_mean_ if domain == "source" else self.target_mean_
        return (x - like(mean, x)) @ like(self.map_, x)


def flow(p_s: Any, p_t: Any) -> tuple[Any, Any]:
    """Principal angles ``(k,)`` between two ``(d, k)`` bases, and the ``(d, 2k)`` root of the kernel.

    The root is rotated to the axes of ``p_s``, so that it does not depend on the choice of principal vectors where
    angles are equal.
    """
    xp = namespace(p_s)
    u, _, vt = xp.linalg.svd(p_s.T @ p_t, full_matrices=False)
    a, c = p_s @ u, p_t @ vt.T
    chord = xp.clip(xp.sqrt(xp.sum((c - a) ** 2, axis=0)), 0.0, 2.0**0.5)
    angle = 2.0 * xp.asin(chord / 2.0)  # for small angles, the cosine keeps only half of the digits
    tiny = angle < SMALL
    safe = xp.where(tiny, xp.ones_like(angle), angle)
    ratio = xp.where(tiny, 1.0 - angle**2 / 6.0, xp.sin(safe) / safe)
    along = xp.sqrt((1.0 + ratio) / 2.0) / (2.0 * xp.cos(angle / 2.0))
    across = xp.where(
        tiny, (1.0 + angle**2 / 60.0) / 12.0**0.5, xp.sqrt((1.0 - ratio) / 2.0) / (2.0 * xp.sin(safe / 2.0))
    )
    return angle, xp.concat([((a + c) * along) @ u.T, ((c - a) * across) @ u.T], axis=1)


def disagreement(x_s: Any, x_t: Any, largest: int) -> Iterator[float]:
    r"""Yield the subspace disagreement of centred rows, in [0, 1], for 1, 2, ..., at most ``largest`` dimensions.

    .. math:: D(k) = \tfrac12 (\sin \alpha_k + \sin \beta_k)

    with :math:`\alpha_k` the largest principal angle between the k-dimensional subspaces of the source and of both
    domains pooled, :math:`\beta_k` that of the target.
    """
    xp = namespace(x_s)
    bases = [as_numpy(principal(x, largest)) for x in (x_s, x_t, xp.concat([x_s, x_t], axis=0))]
    products = [basis.T @ bases[2] for basis in bases[:2]]
    for k in range(1, min(basis.shape[1] for basis in bases) + 1):
        cosines = [float(np.linalg.svd(product[:k, :k], compute_uv=False)[-1]) for product in products]
        yield sum(max(1.0 - cosine**2, 0.0) ** 0.5 for cosine in cosines) / 2.0


def chosen(curve: Iterator[float]) -> int:
    """The smallest dimension whose disagreement is 1 to two decimals; if there is none, that of the largest one."""
    seen: list[float] = []
    for value in curve:
        seen.append(round(value, 2))
        if seen[-1] == 1.0:
            break
    return seen.index(max(seen)) + 1
