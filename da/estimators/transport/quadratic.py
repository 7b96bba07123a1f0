"""Transport with a convex quadratic regularisation, by conditional gradient with exact line search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from da.estimators.arrays import is_tensor, namespace
from da.estimators.transport.plan import exact

NONZERO = 8
"""Plans with at most this many entries a row are multiplied as sparse matrices: exact plans have about two."""
FLOOR = 0.01
"""Suboptimality is relative to the minimum, or, where that is near 0, to this share of the initial objective."""


class Quadratic(NamedTuple):
    r"""A term :math:`w \operatorname{tr} (Z - Z_0)^\top A (Z - Z_0)` of the image Z of rows under a plan.

    Args:
        weight: w.
        apply: multiplies ``(n, d)`` rows by A, which is symmetric and positive semi-definite.
        rows: ``(m, d)`` rows X to map: :math:`Z = \gamma X`, or :math:`\gamma^\top X` if ``back``.
        back: whether the transpose of the plan maps.
        start: ``(n, d)`` :math:`Z_0`, or 0.
    """

    weight: float
    apply: Callable[[Any], Any]
    rows: Any
    back: bool = False
    start: Any = 0.0

    def image(self, plan: Any) -> Any:
        """Z of a plan."""
        return (plan.T if self.back else plan) @ self.rows

    def slope(self, pushed: Any) -> Any:
        """``(n_s, n_t)`` gradient, from ``apply`` of the image minus the start."""
        product = 2.0 * self.weight * (pushed @ self.rows.T)
        return product.T if self.back else product


class Minimum(NamedTuple):
    """A plan that minimises an objective up to a gap.

    Args:
        plan: ``(n_s, n_t)``.
        gap: bound on the suboptimality of the objective, relative to the minimum.
        steps: number of steps.
    """

    plan: Any
    gap: float
    steps: int


def minimise(a: Any, b: Any, cost: Any, terms: Sequence[Quadratic], max_iter: int, tol: float) -> Minimum:
    r"""Minimise :math:`\langle \gamma, C \rangle` plus terms over plans, starting from the independent plan.

    Images are updated incrementally, and the vertices of the steps are sparse plans, so that a step costs an exact
    transport and the product of a gradient for each term. The objective is convex: the minimum of the tangent at every
    step is a lower bound on the minimum, and the highest of these gives the gap.

    Args:
        a: ``(n_s,)`` masses of the source.
        b: ``(n_t,)`` masses of the target.
        cost: ``(n_s, n_t)`` C.
        terms: of the objective.
        max_iter: largest number of steps.
        tol: it stops at a step that lowers the objective by less, absolutely or relatively.
    """
    xp = namespace(cost)
    plan = a[:, None] * b[None, :]
    images = [term.image(plan) - term.start for term in terms]
    pushed = [term.apply(image) for term, image in zip(terms, images, strict=True)]
    linear = float(xp.sum(plan * cost))
    curved = [term.weight * float(xp.sum(z * p)) for term, z, p in zip(terms, images, pushed, strict=True)]
    first = value = linear + sum(curved)
    below, fall, steps = -np.inf, np.inf, 0
    while fall > tol and steps < max(max_iter, 1):
        steps += 1
        gradient = cost
        for term, p in zip(terms, pushed, strict=True):
            gradient = gradient + term.slope(p)
        goal = exact(a, b, gradient)
        thin = _thin(goal)
        moves = [term.image(thin) - term.start - z for term, z in zip(terms, images, strict=True)]
        pushes = [term.apply(move) for term, move in zip(terms, moves, strict=True)]
        bend = sum(t.weight * float(xp.sum(m * p)) for t, m, p in zip(terms, moves, pushes, strict=True))
        slope = float(xp.sum(gradient * goal)) - float(xp.sum(gradient * plan))
        below = max(below, value + slope)
        size = quadratic_step(bend, slope)
        plan = plan + size * (goal - plan)
        images = [z + size * move for z, move in zip(images, moves, strict=True)]
        pushed = [p + size * push for p, push in zip(pushed, pushes, strict=True)]
        after = value + size * slope + size**2 * bend
        fall, value = (value - after) / max(1.0, abs(after)), after
    gap = max(value - below, 0.0)
    return Minimum(plan, gap and gap / max(value, FLOOR * first), steps)


def quadratic_step(bend: float, slope: float) -> float:
    r"""The t in [0, 1] that minimises :math:`b t^2 + s t`."""
    return min(1.0, max(0.0, -slope / (2.0 * bend))) if bend > 0.0 else float(slope < 0.0)


def _thin(plan: Any) -> Any:
    """Convert a plan to a sparse matrix, if it has few entries and is not a tensor."""
    if is_tensor(plan) or np.count_nonzero(plan) > NONZERO * plan.shape[0]:
        return plan
    return sparse.csr_array(plan)
