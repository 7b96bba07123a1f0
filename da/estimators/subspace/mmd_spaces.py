r"""Components of large variance and small maximum mean discrepancy, as in TCA, JDA and related methods.

All of them maximise the scatter of the embedded samples under a bound on their discrepancy,

.. math:: \max_W \operatorname{tr} W^\top K H K W \quad \text{s.t. } W^\top (K M K + \lambda I) W = I, \quad
   M = E E^\top,

with E a few contrasts between groups of samples. Because M has the rank of E, the constraint is whitened in closed
form, and a symmetric eigenproblem remains: small and dense where the kernel has explicit features (:class:`Linear`),
an operator applied by two products with K otherwise (:class:`Gram`). No large n x n matrix is ever factored.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from da.estimators.arrays import like, namespace
from da.estimators.features import Axes, Embedding, Kernel, PairedRows
from da.estimators.krylov import Krylov, whitened
from da.estimators.linalg import EPS, leading

DENSE = 600
"""Kernel matrices up to this size are diagonalised completely."""


class ComponentSpace(Protocol):
    """Protocol of a space in which components are computed, for ``n`` samples of both domains."""

    n: int

    def solve(self, groups: np.ndarray | None, contrasts: np.ndarray, regularization: float, k: int) -> None:
        """Compute ``k`` components for contrasts ``(G, c)`` between groups, given the group of each of ``n`` samples.

        Without groups, each domain is a group.
        """

    def embedded(self) -> Any:
        """``(n, k)`` components of the samples, source first."""

    def embedding(self, normalize: bool) -> Embedding:
        """The map of any rows to the components."""


class Linear:
    r"""Components linear in explicit features ``z``, from their second moments, in one pass over blocks of rows.

    In the dual (:math:`K = Z Z^\top`) the optimum is :math:`W = Z A`; with :math:`Z^\top Z = Q D Q^\top` the problem
    is the primal one (a penalty on the map itself) in the coordinates :math:`Z Q D^{1/2}`. Costs :math:`O(n r^2)` once,
    and :math:`O(r^3 + n r c)` a solution, with r the smaller of n and the number of features.

    Args:
        rows: both domains as features x.
        dual: penalise W, not the map.
        frame: of the dual, ``(d, r)`` columns T of features :math:`z = T^\top x` to be used in place of x; the
            moments are still those of x.
    """

    shift: Any
    sums: Any
    scatter: Any
    mean: Any
    basis: Any

    def __init__(self, rows: PairedRows, *, dual: bool, frame: Any = None):
        if rows.n < rows.width:  # the solution is in the span of the rows
            axes, _ = namespace(rows.all()).linalg.qr(rows.all().T)
            rows = PairedRows(*rows.parts, Axes(axes, rows.encode), rows.n)
        self.rows, self.n, self.basis = rows, rows.n, None
        self._moments()
        if dual:
            second = self.scatter + rows.n * self.mean[:, None] * self.mean[None, :]
            second = second if frame is None else frame.T @ second @ frame
            values, q = leading((second + second.T) / 2.0, second.shape[0])
            xp = namespace(values)
            size = xp.sum(xp.astype(values > EPS * len(values) * xp.clip(values[0], 0.0), xp.int64))
            size = max(int(size), 1)  # where all samples are zero, any direction
            basis = q[:, :size] * xp.sqrt(xp.clip(values[:size], 0.0))
            self.basis = basis if frame is None else frame @ basis
            self.scatter = self.basis.T @ self.scatter @ self.basis

    def _moments(self) -> None:
        """Sums of the domains and scatter, about a point near the rows, so that a distant origin costs no digits."""
        n_s = self.rows.sizes[0]
        self.shift = None
        for place, z in self.rows:
            if self.shift is None:
                xp = namespace(z)
                self.shift = xp.mean(z, axis=0)
                self.scatter = 0.0
                self.sums = xp.zeros((z.shape[1], 2), dtype=z.dtype, device=z.device)
            moved = z - self.shift
            self.sums[:, int(place.start >= n_s)] += xp.sum(moved, axis=0)
            self.scatter = self.scatter + moved.T @ moved
        total = xp.sum(self.sums, axis=1)
        self.scatter -= total[:, None] * total[None, :] / self.n
        self.mean = self.shift + total / self.n

    def project(self, groups: np.ndarray | None, contrasts: np.ndarray) -> Any:
        """``(r, c)`` sums of the samples' coordinates, weighted by the contrasts of their groups."""
        if groups is None:
            contrast = like(contrasts, self.sums)
            sizes = like(np.array(self.rows.sizes), self.sums)
            r = self.sums @ contrast + self.shift[:, None] * (sizes @ contrast)
        else:
            r = like(np.zeros((self.rows.width, contrasts.shape[1])), self.sums)
            for place, z in self.rows:
                e = like(contrasts[groups[place]], z)
                r += (z - self.shift).T @ e + self.shift[:, None] * namespace(e).sum(e, axis=0)
        return r if self.basis is None else self.basis.T @ r

    def solve(self, groups: np.ndarray | None, contrasts: np.ndarray, regularization: float, k: int) -> None:
        values, v = whitened(self.scatter, self.project(groups, contrasts), regularization, k)
        self.use(scaled(values, v, self.n))

    def coordinates(self) -> Any:
        """``(n, r)`` samples in the coordinates of the problem."""
        return self.rows.all() if self.basis is None else self.rows.all() @ self.basis

    def use(self, v: Any) -> None:
        """Set the ``(r, k)`` components in these coordinates."""
        self.map = v if self.basis is None else self.basis @ v

    def embedded(self) -> Any:
        mapped = [z @ self.map for _, z in self.rows]
        return namespace(mapped[0]).concat(mapped)

    def embedding(self, normalize: bool) -> Embedding:
        return Embedding(self.rows.encode, self.map, normalize)


class Gram:
    r"""Components in the span of all samples under an exact Gaussian kernel, from products with K only.

    Costs :math:`O(n^2 d)` once, and :math:`O(n^2 k)` a step of the block Lanczos method; further solutions start from
    the one before.
    """

    def __init__(self, rows: PairedRows, bandwidth: float):
        self.kernel = Kernel(rows.all(), bandwidth, rows.encode)
        self.sizes, self.n = rows.sizes, rows.n
        self.k = self.kernel.whole()
        self.space = Krylov(self._scatter, self.n)

    def _scatter(self, v: Any) -> Any:
        v = self.k @ v
        return self.k @ (v - namespace(v).mean(v, axis=0))

    def solve(self, groups: np.ndarray | None, contrasts: np.ndarray, regularization: float, k: int) -> None:
        groups = np.repeat([0, 1], self.sizes) if groups is None else groups
        u = self.k @ like(contrasts[groups], self.k)
        if self.n <= DENSE:
            c = self._scatter(namespace(u).eye(self.n, dtype=u.dtype, device=u.device))
            values, v = whitened((c + c.T) / 2.0, u, regularization, k)
        else:
            values, v = self.space.solve(u, regularization, min(k, self.n))
        self.map = scaled(values, v, self.n)

    def embedded(self) -> Any:
        return self.k @ self.map

    def embedding(self, normalize: bool) -> Embedding:
        return Embedding(self.kernel, self.map, normalize)


def scaled(values: Any, v: Any, n: int) -> Any:
    """Drop components without variance, and scale the others by one factor such that the first has unit variance."""
    first = float(values[0])
    if first <= 0.0:
        return v[:, :1]
    return v[:, values > EPS * v.shape[0] * first] / (first / n) ** 0.5
