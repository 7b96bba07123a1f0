"""Convergence criteria of transport solvers, and warnings where they are not met."""

from __future__ import annotations

import math
import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from da.estimators.arrays import namespace

MASSES = 0.01
"""Largest relative error of a sample's mass in a converged plan: 1 per cent."""
GAP = 0.01
"""Largest relative suboptimality of a converged objective: 1 per cent of its value."""


def marginal_error(plan: Any, a: Any, b: Any) -> float:
    """The largest relative error of a sample's mass in a plan between two masses; infinite if it is not finite."""
    xp = namespace(plan)
    off = [float(xp.max(abs(xp.sum(plan, axis=axis) - mass) / mass)) for axis, mass in ((1, a), (0, b))]
    return max(off) if all(map(math.isfinite, off)) else math.inf


def warn_of_masses(estimator: Any, steps: int, remedy: str = "raise `entropy` or `max_iter`, or use ot_emd") -> None:
    """Warn if the ``marginal_error_`` of an estimator is above :data:`MASSES` after ``steps`` steps of its solver."""
    _warn(estimator, estimator.marginal_error_, MASSES, "the mass of a sample is off", steps, "max_iter", remedy)


def warn_of_gap(estimator: Any, steps: int, most: str = "max_iter") -> None:
    """Warn if the ``gap_`` of an estimator is above :data:`GAP`; ``most`` is the parameter that limits steps."""
    _warn(estimator, estimator.gap_, GAP, "the objective may still fall", steps, most, f"raise `{most}`")


def warn_of_change(estimator: Any, change: float, what: str, steps: int, remedy: str = "raise `max_iter`") -> None:
    """Warn if ``what``, the unknown of the solver, changed by more than ``tol``, relatively, in the last step."""
    _warn(estimator, change, estimator.tol, what, steps, "max_iter", remedy)


def _warn(estimator: Any, error: float, limit: float, what: str, steps: int, most: str, remedy: str) -> None:
    if error <= limit:
        return
    if steps < getattr(estimator, most):  # it stopped by its own tolerance
        remedy = f"lower `tol`, which ended it; if that does not help, {remedy}"
    warnings.warn(
        f"{type(estimator).__name__} did not converge within {steps} iterations: {what} by {error:.2g} of its value, "
        f"and {limit:.2g} is the limit; {remedy}.",
        ConvergenceWarning,
        stacklevel=4,
    )
