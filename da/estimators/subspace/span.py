"""Kernel methods in the span of their samples, with as many unknowns as the rank of K."""

from __future__ import annotations

from typing import Any

import numpy as np

from da.estimators.arrays import like, namespace
from da.estimators.kernels import gram, median_bandwidth
from da.estimators.linalg import EPS, leading, principal, signed

DOUBLINGS = 60


class SpanFeatures:
    """Features that an embedding is linear in: the samples themselves, or their kernel values with anchors."""

    def __init__(self, anchors: Any, kernel: str, bandwidth: float | None):
        self.kernel, self.anchors, self.bandwidth = kernel, None, 1.0
        if kernel != "linear":
            self.anchors, self.bandwidth = anchors, bandwidth or median_bandwidth(anchors)

    def __call__(self, x: Any) -> Any:
        return x if self.anchors is None else gram(x, like(self.anchors, x), self.kernel, self.bandwidth)


class Span:
    r"""The span of :math:`K a`, for the linear or the Gaussian kernel of n samples.

    With :math:`K = U S^2 U^\top = Z Z^\top`, coefficients of least norm are :math:`a = U b`, so that a problem in n
    unknowns is reduced to r. A linear kernel is never formed: r is then at most d, and the cost
    :math:`O(n d \min(n, d))` in place of :math:`O(n^3)`.

    Args:
        x: ``(n, d)`` samples.
        kernel: ``linear`` or ``rbf``.
        bandwidth: of ``rbf``; None is the median distance.

    Attributes:
        rows: ``(n, r)`` Z, with orthogonal columns in the order of falling length.
        lengths: ``(r,)`` lengths of these columns: S.
        features: map of new samples to features.
        directions: ``(..., r)`` matrix by which features are multiplied to give rows.
    """

    def __init__(self, x: Any, kernel: str = "linear", bandwidth: float | None = None):
        xp = namespace(x)
        self.features = SpanFeatures(x, kernel, bandwidth)
        if kernel == "linear":
            self.directions = principal(x, min(x.shape))
            self.rows = x @ self.directions
            self.lengths = xp.sqrt(xp.sum(self.rows * self.rows, axis=0))
            return
        values, vectors = xp.linalg.eigh(self.features(x))
        nonzero = values > EPS * x.shape[0] * float(xp.max(values))
        values, vectors = xp.flip(values[nonzero]), signed(xp.flip(vectors[:, nonzero], axis=1))
        self.lengths = xp.sqrt(values)
        self.rows, self.directions = vectors * self.lengths, vectors / self.lengths


def whitening(diagonal: Any, factor: Any, core: Any) -> tuple[Any, float]:
    r"""X with :math:`X^\top P X = I` for :math:`P = D + G W G^\top`, a positive diagonal plus a low-rank matrix.

    Returns:
        X ``(r, r)``, and the smallest eigenvalue of :math:`D^{-1/2} P D^{-1/2}` (at most 1). Where that is not
        positive, P is not positive definite and X is undefined.
    """
    xp = namespace(diagonal, factor)
    scale = 1.0 / xp.sqrt(diagonal)
    basis, triangle = xp.linalg.qr(factor * scale[:, None])
    small = triangle @ core @ triangle.T
    values, turn = xp.linalg.eigh((small + small.T) / 2.0)
    directions = basis @ turn
    shrink = 1.0 / xp.sqrt(xp.clip(1.0 + values, EPS)) - 1.0
    update = (scale[:, None] * directions * shrink) @ directions.T
    one = xp.eye(scale.shape[0], dtype=scale.dtype, device=scale.device)
    return one * scale + update, min(1.0 + float(xp.min(values)), 1.0)


def smallest(ridge: float, factor: Any, core: Any, span: Span, k: int) -> Any | None:
    r"""``(r, k)`` solutions of least :math:`\phi` of :math:`P b = \phi\, Q b` for :math:`P = \lambda I + G W G^\top`.

    :math:`Q = S^4 - n\, S m m^\top S`, with m the mean of the span's rows, is the scatter of :math:`K U b`. W may be
    indefinite: then :math:`P + \sigma Q`, which has the same solutions in the same order, is positive definite for some
    :math:`\sigma`, or there is no least :math:`\phi` and the result is None.
    """
    xp = namespace(factor)
    n = span.rows.shape[0]
    spread, centre = span.lengths**4, (span.lengths * xp.mean(span.rows, axis=0) * n**0.5)[:, None]
    joint = xp.concat([factor, centre], axis=1)
    padded = like(np.zeros((joint.shape[1], joint.shape[1])), factor)
    padded[:-1, :-1] = core
    shift, step = 0.0, ridge / max(float(xp.max(spread)), float(np.finfo(float).tiny))
    for _ in range(DOUBLINGS):
        padded[-1, -1] = -shift
        whiten, least = whitening(ridge + shift * spread, joint, padded)
        if least > 1e-6:
            pulled = centre.T @ whiten
            reduced = (whiten.T * spread) @ whiten - pulled.T @ pulled
            return whiten @ leading((reduced + reduced.T) / 2.0, k)[1]
        shift = 2.0 * shift or step
    return None
