"""Functions shared by transport estimators: costs, exact plans by POT, and the barycentric map of a plan."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from da.errors import DataError, UsageError, nearest
from da.estimators.arrays import like, namespace
from da.estimators.base import FeatureMapping, matrix
from da.estimators.kernels import squared_distances
from da.estimators.linalg import unit_rows

COST_NORMS = ("max", "mean", "median", "none")
METRICS = ("sqeuclidean", "cityblock", "cosine")
PIVOTS = 100_000_000
NO_TORCH = "POT_BACKEND_DISABLE_PYTORCH"


def pot() -> Any:
    """The package POT, imported when the first estimator needs it.

    It is given NumPy arrays, so where PyTorch is not in use already, POT is told not to import it as a backend.

    Raises:
        UsageError: POT is not installed.
    """
    try:
        with warnings.catch_warnings(), _without_torch():
            warnings.simplefilter("ignore", SyntaxWarning)  # of its docstrings, when they are compiled
            import ot
    except ImportError as error:
        raise UsageError(
            "Optimal transport needs the package POT, which is not installed; install it with `pip install 'da[ot]'`."
        ) from error
    return ot


@contextmanager
def _without_torch() -> Iterator[None]:
    """POT's own switch, while it is imported, unless PyTorch was imported before."""
    if "torch" in sys.modules or NO_TORCH in os.environ:
        yield
        return
    os.environ[NO_TORCH] = "1"
    try:
        yield
    finally:
        del os.environ[NO_TORCH]


@contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Record the warnings of a solver in the list that is yielded, instead of showing them."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        yield caught


def uniform(x: Any) -> Any:
    """``(n,)`` equal masses of the rows, with sum 1."""
    return like(np.full(x.shape[0], 1.0 / x.shape[0]), x)


def unit_of(cost: Any, norm: str) -> float:
    """Divisor of costs: their ``max``, ``mean`` or ``median``, or 1 for ``none``, or if that is 0.

    Raises:
        UsageError: the norm is unknown.
    """
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
    """``(n_s, n_t)`` costs of a metric in :data:`METRICS`, in units of :func:`unit_of`.

    Raises:
        UsageError: the metric or the norm is unknown.
    """
    if metric not in METRICS:
        raise UsageError(f"There is no metric '{metric}'; {nearest(metric, METRICS)}")
    if metric == "sqeuclidean":
        cost = squared_distances(x_s, x_t)
    elif metric == "cosine":
        cost = namespace(x_s).clip(1.0 - unit_rows(x_s) @ unit_rows(x_t).T, 0.0)
    else:
        cost = sum(abs(x_s[:, k, None] - x_t[None, :, k]) for k in range(x_s.shape[1]))  # one matrix at a time
    return cost / unit_of(cost, norm)


def exact(a: Any, b: Any, cost: Any) -> Any:
    """``(n_s, n_t)`` plan of least cost between two masses, by the network simplex on the CPU.

    Raises:
        DataError: the solver failed.
    """
    with quiet():
        plan, log = pot().emd(a, b, cost, numItermax=PIVOTS, log=True, check_marginals=False)
    if log["warning"] is not None:
        raise DataError(
            f"Exact optimal transport found no plan ({str(log['warning']).rstrip('.')}); look for values that are "
            "not finite or of very different size, and standardize the features."
        )
    return plan


class Barycentric(FeatureMapping):
    r"""Map every source sample to the barycentre of the target samples that receive its mass; keep the target.

    .. math:: T(x^s_i) = \frac{\sum_j \gamma_{ij} x^t_j}{\sum_j \gamma_{ij}}

    A source sample that was not in ``fit`` has the displacement of the nearest one that was.
    """

    target_stays = True

    def _learn(self, x_s: Any, x_t: Any, plan: Any) -> None:
        """Set ``plan_`` ``(n_s, n_t)``, ``source_`` and its ``images_``; source samples without mass do not move."""
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
