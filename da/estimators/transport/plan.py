"""What the transport estimators share: costs, plans by POT's solvers, and the barycentric map of a plan."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from da.errors import DataError, UsageError, nearest
from da.estimators.arrays import like, namespace
from da.estimators.base import Mapping, matrix
from da.estimators.kernels import squared_distances
from da.estimators.linalg import unit_rows

COST_NORMS = ("max", "mean", "median", "none")
METRICS = ("sqeuclidean", "cityblock", "cosine")
STEEP = 500.0
"""From this ratio of costs to entropy on, scaling vectors may overflow, and potentials take their place."""
PIVOTS = 100_000_000
MASSES = 0.01
"""A plan whose masses are further off is not the one that was asked for: 1 per cent of a sample's."""
FALLING = 1e-3
"""A solver whose objective still falls by a larger share at its last step is not near its end."""


def pot() -> Any:
    """The package POT, imported when the first estimator needs it, since that takes seconds.

    Raises:
        UsageError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of its docstrings, when they are compiled
            import ot
    except ImportError as error:
        raise UsageError(
            "Optimal transport needs the package POT, which is not installed; install it with `pip install 'da[ot]'`."
        ) from error
    return ot


@contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Keep the warnings of a solver to the list that is given, instead of showing them."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        yield caught


def uniform(x: Any) -> Any:
    """``(n,)`` the same mass for every row, 1 in all."""
    return like(np.full(x.shape[0], 1.0 / x.shape[0]), x)


def unit_of(cost: Any, norm: str) -> float:
    """What costs are divided by: their ``max``, ``mean`` or ``median``, or 1 for ``none``; 1 where that is 0."""
    if norm not in COST_NORMS:
        raise UsageError(f"There is no cost_norm '{norm}'; {nearest(norm, COST_NORMS)}")
    xp = namespace(cost)
    if norm == "none":
        return 1.0
    if norm == "median":
        ordered = xp.sort(xp.reshape(cost, (-1,)))
        unit = float(xp.mean(ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]))
    else:
        unit = float(xp.max(cost) if norm == "max" else xp.mean(cost))
    return unit if unit > 0.0 else 1.0


def costs(x_s: Any, x_t: Any, norm: str, metric: str = "sqeuclidean") -> Any:
    """``(n_s, n_t)`` costs of a metric in :data:`METRICS`, in units of :func:`unit_of`."""
    if metric not in METRICS:
        raise UsageError(f"There is no metric '{metric}'; {nearest(metric, METRICS)}")
    if metric == "sqeuclidean":
        cost = squared_distances(x_s, x_t)
    elif metric == "cosine":
        cost = namespace(x_s).clip(1.0 - unit_rows(x_s) @ unit_rows(x_t).T, 0.0)
    else:
        cost = sum(abs(x_s[:, k, None] - x_t[None, :, k]) for k in range(x_s.shape[1]))  # a matrix at a time
    return cost / unit_of(cost, norm)


def exact(a: Any, b: Any, cost: Any) -> Any:
    """``(n_s, n_t)`` the plan of least cost between two masses, by the network simplex on the CPU.

    Raises:
        DataError: the solver gave up.
    """
    with quiet():
        plan, log = pot().emd(a, b, cost, numItermax=PIVOTS, log=True, check_marginals=False)
    if log["warning"] is not None:
        raise DataError(
            f"Exact optimal transport found no plan ({str(log['warning']).rstrip('.')}); look for values that are "
            "not finite or of very different size, and standardize the features."
        )
    return plan


class Entropic(NamedTuple):
    """A plan by Sinkhorn's iterations.

    Args:
        plan: ``(n_s, n_t)``.
        converged: whether the target's masses are met to the tolerance.
        error: the largest relative error of a sample's mass, of either domain.
    """

    plan: Any
    converged: bool
    error: float


def entropic(a: Any, b: Any, cost: Any, entropy: float, max_iter: int, tolerance: float) -> Entropic:
    """The plan of least cost less ``entropy`` times its entropy."""
    if entropy <= 0.0:
        raise UsageError(f"entropy={entropy} is not above 0; ot_emd is the transport without entropy.")
    xp = namespace(cost)
    cost = cost - xp.min(cost, axis=1, keepdims=True)  # changes no plan, and leaves no row of the kernel empty
    cost = cost - xp.min(cost, axis=0, keepdims=True)
    method = "sinkhorn" if float(xp.max(cost)) <= STEEP * entropy else "sinkhorn_stabilized"
    for way in (method, "sinkhorn_log"):  # the last is the slowest by far, and never overflows
        with quiet() as caught:
            plan, log = pot().sinkhorn(
                a, b, cost, entropy, method=way, numItermax=max_iter, stopThr=tolerance, log=True, warn=False
            )
        if not caught and abs(float(xp.sum(plan)) - 1.0) < 1e-6:  # else mass was lost to under- or overflow
            break
    error = marginal_error(plan, a, b)
    return Entropic(plan, float(log["err"][-1]) <= tolerance and error <= MASSES, error)


def marginal_error(plan: Any, a: Any, b: Any) -> float:
    """The largest relative error of a sample's mass in a plan between two masses; infinite if it is not finite."""
    xp = namespace(plan)
    off = max(float(xp.max(abs(xp.sum(plan, axis=axis) - mass) / mass)) for axis, mass in ((1, a), (0, b)))
    return off if math.isfinite(off) else math.inf


def warn_unless_converged(estimator: Any, error: float, limit: float, what: str, remedy: str) -> None:
    """Warn where a solver stopped at its limit of iterations too far from its goal to be relied on.

    Args:
        estimator: has the parameter ``max_iter`` or ``rounds``.
        error: how far it is from it.
        limit: how far it may be.
        what: the error, to be put before its share.
        remedy: what to do.
    """
    if error > limit:
        steps = getattr(estimator, "rounds", None) or estimator.max_iter
        warnings.warn(
            f"{type(estimator).__name__} did not converge within {steps} iterations: {what} by {error:.2g} of its "
            f"value; {remedy}.",
            ConvergenceWarning,
            stacklevel=3,
        )


def warn_of_masses(estimator: Any, error: float) -> None:
    """Warn where a plan does not have the masses that it should have."""
    warn_unless_converged(
        estimator, error, MASSES, "the mass of a sample is off", "raise `entropy` or `max_iter`, or use ot_emd"
    )


class Gibbs:
    r"""The kernel :math:`e^{-C_{ij} / \varepsilon}` between potentials, without overflow however steep the costs are.

    Args:
        cost: ``(n_s, n_t)`` C.
        entropy: :math:`\varepsilon`.
    """

    def __init__(self, cost: Any, entropy: float):
        if entropy <= 0.0:
            raise UsageError(f"entropy={entropy} is not above 0; ot_emd is the transport without entropy.")
        self.xp = namespace(cost)
        lowest = self.xp.min(cost)
        self.shift = -lowest / entropy
        self.logarithm = (lowest - cost) / entropy
        steep = float(-self.xp.min(self.logarithm)) > STEEP
        self.kernel = None if steep else self.xp.exp(self.logarithm)

    def rows(self, g: Any) -> Any:
        r"""``(n_s,)`` :math:`\log \sum_j e^{g_j - C_{ij} / \varepsilon}`."""
        return self._sum(self.kernel, self.logarithm, g)

    def columns(self, f: Any) -> Any:
        r"""``(n_t,)`` :math:`\log \sum_i e^{f_i - C_{ij} / \varepsilon}`."""
        return self._sum(None if self.kernel is None else self.kernel.T, self.logarithm.T, f)

    def plan(self, f: Any, g: Any) -> Any:
        r"""``(n_s, n_t)`` :math:`e^{f_i + g_j - C_{ij} / \varepsilon}`."""
        return self.xp.exp(self.logarithm + f[:, None] + (g + self.shift)[None, :])

    def _sum(self, kernel: Any, logarithm: Any, potential: Any) -> Any:
        xp = self.xp
        if kernel is not None:
            peak = xp.max(potential)
            return xp.log(kernel @ xp.exp(potential - peak)) + peak + self.shift
        terms = logarithm + potential[None, :]
        peak = xp.max(terms, axis=1)
        return xp.log(xp.sum(xp.exp(terms - peak[:, None]), axis=1)) + peak + self.shift


def descend(
    a: Any,
    b: Any,
    cost: Any,
    value: Callable[[Any], Any],
    gradient: Callable[[Any], Any],
    linear: Callable[[Any, Any, Any], Any],
    search: Callable[..., float],
    max_iter: int,
    tolerance: float,
) -> tuple[Any, float]:
    r"""Conditional gradient for :math:`\min_\gamma \langle \gamma, C \rangle + f(\gamma)` between two masses.

    Args:
        a: ``(n_s,)`` masses of the source.
        b: ``(n_t,)`` masses of the target.
        cost: ``(n_s, n_t)`` C.
        value: f.
        gradient: of f, or of the part of it that is linearised.
        linear: solves the transport for a linearised cost.
        search: the step in [0, 1], from the objective, a plan, a direction and the cost linearised there.
        max_iter: steps at most.
        tolerance: stop when the objective falls by no more, absolutely or relatively.

    Returns:
        the plan, and how much the objective fell in the last step, relative to it (of 1, where that is more).
    """
    losses: list[float] = []

    def step(total: Any, plan: Any, direction: Any, linearised: Any, current: Any, _: Any, **__: Any) -> Any:
        size = search(total, plan, direction, linearised)
        after = total(plan + size * direction)
        losses.append(float(current) - float(after))
        return size, 1, after

    with quiet():
        plan = pot().optim.generic_conditional_gradient(
            a, b, cost, value, gradient, 1.0, None, lambda a, b, c, **_: (linear(a, b, c), {}), step,
            numItermax=max_iter, stopThr=tolerance, stopThr2=tolerance,
        )  # fmt: skip
        scale = max(1.0, abs(float(namespace(cost).sum(plan * cost) + value(plan))))
    return plan, losses[-1] / scale


def quadratic_step(bend: float, slope: float) -> float:
    r"""The t in [0, 1] at which :math:`b t^2 + s t` is least."""
    return min(1.0, max(0.0, -slope / (2.0 * bend))) if bend > 0.0 else float(slope < 0.0)


class Barycentric(Mapping):
    r"""Sends every source sample to the mean of where its mass goes; the target stays.

    .. math:: T(x^s_i) = \frac{\sum_j \gamma_{ij} x^t_j}{\sum_j \gamma_{ij}}

    Source samples that were not fitted on move as the nearest one that was.
    """

    target_stays = True

    def _learn(self, x_s: Any, x_t: Any, plan: Any) -> None:
        """Set ``plan_`` ``(n_s, n_t)``, ``source_`` and the ``images_`` of the source; rows without mass stay."""
        xp = namespace(plan)
        mass = xp.sum(plan, axis=1)[:, None]
        moved = mass > np.finfo(np.float64).tiny
        centre = xp.mean(x_t, axis=0)  # an offset shared by all rows would cost digits
        images = centre + plan @ (x_t - centre) / xp.where(moved, mass, xp.ones_like(mass))
        if not bool(xp.all(xp.isfinite(images))):
            raise DataError(
                f"{type(self).__name__} found no finite plan; raise the entropy, or standardize the features."
            )
        self.plan_, self.source_, self.images_ = plan, x_s, xp.where(moved, images, x_s)

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        if domain != "source":
            return x
        source, images = like(self.source_, x), like(self.images_, x)
        xp = namespace(x)
        if x.shape == source.shape and bool(xp.all(x == source)):
            return images
        close = xp.argmin(squared_distances(x, source), axis=1)
        return x - source[close] + images[close]
