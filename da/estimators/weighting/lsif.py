"""Least-squares importance fitting: algebra shared by uLSIF and RuLSIF."""

from __future__ import annotations

from typing import Any, NamedTuple

from da.errors import UsageError
from da.estimators.arrays import namespace
from da.estimators.kernels import gaussian
from da.estimators.weighting.basis import bandwidths, shuffle

RIDGES = tuple(10.0 ** (k / 2.0) for k in range(-6, 3))

Candidates = list[tuple[float, tuple[float, ...]]]


class Design(NamedTuple):
    """Values of kernels around centres.

    Args:
        source: ``(n_s, b)`` values at the source.
        target: ``(n_t, b)`` values at the target.
    """

    source: Any
    target: Any


def shuffled(x_s: Any, x_t: Any, random_state: int) -> tuple[Any, Any]:
    """Both domains in random orders that depend on the samples only."""
    return x_s[shuffle(x_s, random_state)], x_t[shuffle(x_t, random_state + 1)]


def design(x_s: Any, x_t: Any, centres: Any, bandwidth: float) -> Design:
    """Values of all kernels on both domains."""
    return Design(gaussian(x_s, centres, bandwidth), gaussian(x_t, centres, bandwidth))


def moments(values: Design, mix: float = 0.0) -> tuple[Any, Any]:
    r""":math:`\hat H`, ``(b, b)``, of the source mixed with a share ``mix`` of target, and :math:`\hat h`, ``(b,)``."""
    source, target = values
    second = (1.0 - mix) / source.shape[0] * (source.T @ source)
    if mix > 0.0:
        second = second + mix / target.shape[0] * (target.T @ target)
    return second, namespace(target).mean(target, axis=0)


def solve(second: Any, first: Any, ridge: float) -> Any:
    r""":math:`(\hat H + \lambda I)^{-1} \hat h`."""
    xp = namespace(second)
    return xp.linalg.solve(second + ridge * xp.eye(second.shape[0], dtype=second.dtype, device=second.device), first)


def candidates(x_s: Any, x_t: Any, bandwidth: float | None, ridge: float | None) -> Candidates:
    """Candidate bandwidths, each with the candidate ridges.

    Raises:
        UsageError: a given bandwidth or ridge is not above 0.
    """
    if (bandwidth is not None and bandwidth <= 0) or (ridge is not None and ridge <= 0):
        raise UsageError(f"Bandwidth and ridge must be above 0, got {bandwidth} and {ridge}; None chooses them.")
    sigmas = bandwidths(x_s, x_t) if bandwidth is None else [float(bandwidth)]
    return [(sigma, RIDGES if ridge is None else (float(ridge),)) for sigma in sigmas]
