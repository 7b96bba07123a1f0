"""Leading eigenpairs of large symmetric problems, from products with the operator only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from da.estimators.arrays import like, namespace
from da.estimators.linalg import leading

TOLERANCE = 1e-6
FLOOR = 1e-12
BLOCK = 32
STEPS = 200


class Whitening:
    r""":math:`\sqrt\lambda (\lambda I + U U^\top)^{-1/2}` of ``(n, c)`` U, applied to columns at the cost of U."""

    def __init__(self, u: Any, regularization: float):
        xp = namespace(u)
        self.u, s, _ = xp.linalg.svd(u, full_matrices=False)
        self.shrink = (1.0 - 1.0 / xp.sqrt(1.0 + s * s / regularization))[:, None]

    def __call__(self, v: Any) -> Any:
        return v - self.u @ (self.shrink * (self.u.T @ v))


def whitened(c: Any, u: Any, regularization: float, k: int) -> tuple[Any, Any]:
    r"""The ``k`` largest solutions of :math:`C w = \theta (I + U U^\top / \lambda) w` for a small dense C.

    Returns:
        values :math:`\theta`, descending, and ``(n, k)`` vectors with :math:`W^\top (I + U U^\top / \lambda) W = I`.
    """
    white = Whitening(u, regularization)
    a = white(white(c).T)
    values, v = leading((a + a.T) / 2.0, k)
    return values, white(v)


class Krylov:
    r"""Krylov space for solving :math:`C w = \theta (I + U U^\top / \lambda) w` for one large C and several U.

    Block Lanczos in the form of Rayleigh-Ritz steps: the problem is solved in the current space, which is then extended
    by the leading directions of the whitened residuals and their images. The space depends on U through few directions,
    so it and its products with C are reused for the next U. A pair has converged when its whitened residual is below
    :math:`10^{-6}` of its own value (which is then accurate to :math:`10^{-12}`), or :math:`10^{-12}` of the largest. A
    step costs the products of C with at most 64 columns, and :math:`O(n k^2)`.

    Args:
        apply: ``(n, b)`` columns to their products with C, symmetric and positive semi-definite.
        n: size of C.
    """

    def __init__(self, apply: Callable[[Any], Any], n: int):
        self.apply, self.n = apply, n
        self.basis: Any = None
        self.image: Any = None
        self.small: Any = None

    @property
    def width(self) -> int:
        """Dimension of the space."""
        return 0 if self.basis is None else int(self.basis.shape[1])

    def solve(self, u: Any, regularization: float, k: int) -> tuple[Any, Any]:
        """The ``k`` largest values, descending, and their ``(n, k)`` vectors, normalised as by :func:`whitened`."""
        xp = namespace(u)
        white = Whitening(u, regularization)
        widest = min(5 * k + 4 * BLOCK, self.n)
        if self.basis is None:
            self._extend(like(np.random.default_rng(0).normal(size=(self.n, BLOCK)), u))
            while self.width < min(2 * k, self.n):  # the space is too small for k accurate pairs
                self._extend(white(white(self.image[:, -BLOCK:])))
        for _ in range(STEPS):
            inside = self.basis.T @ u
            values, y = whitened(self.small, inside, regularization, k + BLOCK)
            eigenvalues, w = values[:k], self.basis @ y[:, :k]
            residual = white(self.image @ y[:, :k] - eigenvalues * (w + u @ (inside.T @ y[:, :k]) / regularization))
            size = xp.sqrt(xp.sum(residual * residual, axis=0))
            goal = xp.clip(TOLERANCE * eigenvalues, FLOOR * max(float(eigenvalues[0]), 0.0))
            far = size > goal
            if self.width == self.n or not bool(xp.any(far)):
                break
            if self.width + 2 * BLOCK > widest:
                self._keep(y)
            residual = residual[:, far] / goal[far]
            _, mix = leading(residual.T @ residual, BLOCK)
            self._extend(white(residual @ mix))
            self._extend(white(white(self.image[:, -mix.shape[1] :])))  # cheaper than another solution
        return eigenvalues, w

    def _extend(self, block: Any) -> None:
        """Extend the space by the directions of a block, as far as dimensions are left."""
        xp = namespace(block)
        block = block[:, : self.n - self.width]
        if block.shape[1] == 0:
            return
        if self.basis is None:
            self.basis, _ = xp.linalg.qr(block)
            self.image = self.apply(self.basis)
            self.small = self.basis.T @ self.image
            return
        for _ in range(2):  # the second pass removes what rounding left in the first
            block = block - self.basis @ (self.basis.T @ block)
            block, _ = xp.linalg.qr(block)
        image = self.apply(block)
        side, corner = self.basis.T @ image, block.T @ image
        self.basis, self.image = xp.concat([self.basis, block], axis=1), xp.concat([self.image, image], axis=1)
        self.small = xp.concat([xp.concat([self.small, side], axis=1), xp.concat([side.T, corner], axis=1)])

    def _keep(self, y: Any) -> None:
        """Shrink the space to the span of some of its vectors."""
        turn, _ = namespace(y).linalg.qr(y)
        self.basis, self.image, self.small = self.basis @ turn, self.image @ turn, turn.T @ self.small @ turn
