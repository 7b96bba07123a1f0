"""Feature maps of domains of any size, a block of rows at a time.

Inputs may be memory-mapped; they are never copied whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse

from da.domain import Domain
from da.estimators.arrays import is_tensor, like, matrix, namespace
from da.estimators.base import matched
from da.estimators.linalg import unit_rows

BLOCK = 4_000_000
"""Numbers in a block (32 MB)."""
HELD = 100_000_000
"""Features of both domains are kept rather than read again up to so many numbers (800 MB)."""
RANK = 1e-8
"""Eigenvalues of a kernel matrix of landmarks below this share of the largest are taken as zero."""
STRIP = 256
"""Rows of a kernel matrix that are computed at a time."""

Encode = Callable[[Any], Any]


def blocks(x: Any, width: int = 1) -> Iterator[tuple[int, Any]]:
    """The rows of inputs, dense, with the index of the first; few at a time if their features are ``width`` wide."""
    if sparse.issparse(x):
        x = x.tocsr()
    n, size = x.shape[0], max(math.prod(x.shape[1:]), width, 1)
    step = max(BLOCK // size, 1)
    for start in range(0, n, step):
        stop = min(start + step, n)
        sliceable = isinstance(x, np.ndarray) or is_tensor(x) or sparse.issparse(x)
        yield start, matrix(x[start:stop] if sliceable else x[np.arange(start, stop)])


def check_widths(source: Domain, target: Domain) -> None:
    """Refuse an empty domain or different numbers of features, by a look at one sample of each.

    Raises:
        DataError: see :func:`~da.estimators.base.matched`.
    """
    matched(*(Domain(domain.x[np.arange(min(len(domain), 1))]) for domain in (source, target)))


class PairedRows:
    """The rows of source and target as features, to be gone through as often as it takes.

    Args:
        source, target: ``(n, ...)`` inputs.
        encode: maps dense rows to features; None leaves them.
        width: number of features.
    """

    def __init__(self, source: Any, target: Any, encode: Encode, width: int):
        self.parts, self.encode, self.width = (source, target), encode, width
        self.sizes = (source.shape[0], target.shape[0])
        self.n = sum(self.sizes)
        self.held: list[tuple[slice, Any]] | None = None

    def __iter__(self) -> Iterator[tuple[slice, Any]]:
        """Where a block stands among all ``n`` rows, source first, and its ``(b, width)`` features."""
        if self.n * self.width > HELD:
            return self._read()
        if self.held is None:
            self.held = list(self._read())
        return iter(self.held)

    def _read(self) -> Iterator[tuple[slice, Any]]:
        offset = 0
        for x, size in zip(self.parts, self.sizes, strict=True):
            for start, block in blocks(x, self.width):
                features = self.encode(block)
                yield slice(offset + start, offset + start + features.shape[0]), features
            offset += size

    def all(self) -> Any:
        """``(n, width)`` features of all rows."""
        encoded = [block for _, block in self]
        return namespace(encoded[0]).concat(encoded)

    def sample(self, size: int) -> Any:
        """At most ``size`` evenly spaced rows of both."""
        return self.take(np.arange(0, self.n, -(-self.n // size)))

    def take(self, index: np.ndarray) -> Any:
        """The features of the rows at increasing positions."""
        first = self.sizes[0]
        inside = (index[index < first], index[index >= first] - first)
        encoded = [self.encode(matrix(x[i])) for x, i in zip(self.parts, inside, strict=True) if len(i)]
        return namespace(encoded[0]).concat(encoded)


class Kernel:
    """Rows to their Gaussian kernel values with fixed rows: ``(b, d)`` to ``(b, m)``.

    Args:
        landmarks: ``(m, d)``, encoded.
        bandwidth: in units of the inputs.
        encode: applied to rows first.
    """

    def __init__(self, landmarks: Any, bandwidth: float, encode: Encode):
        self.bandwidth, self.encode = bandwidth, encode
        self.centre = namespace(landmarks).mean(landmarks, axis=0)
        self.landmarks, self.half = self._scaled(landmarks)

    def _scaled(self, x: Any) -> tuple[Any, Any]:
        x = (x - like(self.centre, x)) / self.bandwidth
        return x, namespace(x).sum(x * x, axis=1) / 2.0

    def __call__(self, x: Any) -> Any:
        scaled, half = self._scaled(self.encode(x))
        return falling(scaled, half, like(self.landmarks, scaled), like(self.half, half))

    def whole(self) -> Any:
        """``(m, m)`` values between the fixed rows, each pair computed once."""
        x, half = self.landmarks, self.half
        m = x.shape[0]
        k = namespace(x).empty((m, m), dtype=x.dtype, device=x.device)
        for start in range(0, m, STRIP):
            stop = min(start + STRIP, m)
            strip = falling(x[start:stop, :], half[start:stop], x[start:, :], half[start:])
            k[start:stop, start:] = strip
            k[stop:, start:stop] = strip[:, stop - start :].T
        return k


def falling(a: Any, half_a: Any, b: Any, half_b: Any) -> Any:
    r"""``(n, m)`` values :math:`e^{-\|a - b\|^2 / 2}`, given half the squared norms; in place for speed."""
    xp = namespace(a)
    k = a @ b.T
    k -= half_a[:, None]
    k -= half_b[None, :]
    return xp.exp(xp.clip(k, max=0.0))


def nystroem(kernel: Kernel) -> Any:
    r"""``(m, r)`` columns T that turn kernel values with landmarks into features of an approximate kernel.

    .. math:: z(x) = T^\top k(L, x), \quad T T^\top = K_{mm}^{+} \quad \Rightarrow \quad z(a)^\top z(b) \approx k(a, b)

    exactly so between landmarks, but for directions whose eigenvalue is below :math:`10^{-8}` of the largest.

    Reference: Williams & Seeger, Using the Nyström method to speed up kernel machines, NeurIPS 2000.
    """
    k = kernel.whole()
    xp = namespace(k)
    values, vectors = xp.linalg.eigh(k)
    nonzero = values > RANK * float(xp.max(values))
    return vectors[:, nonzero] / xp.sqrt(values[nonzero])


class Axes:
    """Features to their coordinates along ``(d, r)`` columns."""

    def __init__(self, axes: Any, encode: Encode):
        self.axes, self.encode = axes, encode

    def __call__(self, x: Any) -> Any:
        return self.encode(x) @ like(self.axes, x)


class Embedding:
    """Rows to ``(n, k)`` components, a block at a time.

    Args:
        encode: rows to ``(n, r)`` features.
        map: ``(r, k)``.
        normalize: whether rows of the result have unit length.
    """

    def __init__(self, encode: Encode, map: Any, normalize: bool):
        self.axes, self.normalize = Axes(map, encode), normalize

    def __call__(self, x: Any) -> Any:
        mapped = [self.axes(block) for _, block in blocks(x, self.axes.axes.shape[0])]
        if not mapped:
            return like(np.empty((0, self.axes.axes.shape[1])), matrix(x))
        z = namespace(mapped[0]).concat(mapped) if len(mapped) > 1 else mapped[0]
        return unit_rows(z) if self.normalize else z


def plain(x: Any) -> Any:
    """Rows as they are."""
    return x


def landmark_index(n: int, size: int, random_state: int) -> np.ndarray:
    """Increasing positions of ``size`` of ``n`` rows, drawn evenly; all where there are no more."""
    return np.sort(np.random.default_rng(random_state).permutation(n)[:size])
