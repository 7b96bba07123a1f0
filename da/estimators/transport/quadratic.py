"""Transports with a convex quadratic regularisation, by conditional gradient with exact steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from da.estimators.arrays import is_tensor, namespace
from da.estimators.transport.plan import exact

NONZERO = 8
"""A plan of at most so many entries a row is multiplied as a sparse matrix: exact plans have about two."""
FLOOR = 0.01
"""What is above a minimum is compared with that minimum, or, where it is near 0, with so much of the first value."""


class Quadratic(NamedTuple):
    r"""A term :math:`w \operatorname{tr} (Z - Z_0)^\top A (Z - Z_0)` of what a plan or its transpose maps rows to.

    Args:
        weight: w.
        apply: ``(n, d)`` rows to their products with A, which is symmetric and positive semi-definite.
        rows: ``(m, d)`` what is mapped: :math:`Z = \gamma X`, or :math:`\gamma^\top X` if ``back``.
        back: the transpose of the plan maps.
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
        """``(n_s, n_t)`` gradient, from ``apply`` of the image less the start."""
        product = 2.0 * self.weight * (pushed @ self.rows.T)
        return product.T if self.back else product


class Minimum(NamedTuple):
    """A plan at which an objective is least, or nearly so.

    Args:
        plan: ``(n_s, n_t)``.
        gap: the objective is above its minimum by at most so much, relative to it.
        steps: that were taken.
    """

    plan: Any
    gap: float
    steps: int


def minimise(a: Any, b: Any, cost: Any, terms: Sequence[Quadratic], max_iter: int, tolerance: float) -> Minimum:
    r"""The plan of least :math:`\langle \gamma, C \rangle` and terms between two masses, from the independent plan on.

    Images are carried along, and the plans that directions lead to are sparse, so that a step costs an exact transport
    and the product of a gradient for each term. The objective is convex: at every step the tangent's minimum, which the
    direction leads to, is below that of the objective, and the highest of them says how far it is at most.

    Args:
        a: ``(n_s,)`` masses of the source.
        b: ``(n_t,)`` masses of the target.
        cost: ``(n_s, n_t)`` C.
        terms: of the objective.
        max_iter: steps at most.
        tolerance: the last step is one that lowers the objective by no more, absolutely or relatively.
    """
    xp = namespace(cost)
    plan = a[:, None] * b[None, :]
    images = [term.image(plan) - term.start for term in terms]
    pushed = [term.apply(image) for term, image in zip(terms, images, strict=True)]
    linear = float(xp.sum(plan * cost))
    curved = [term.weight * float(xp.sum(z * p)) for term, z, p in zip(terms, images, pushed, strict=True)]
    first = value = linear + sum(curved)
    below, fall, steps = -np.inf, np.inf, 0
    while fall > tolerance and steps < max(max_iter, 1):
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
    r"""The t in [0, 1] at which :math:`b t^2 + s t` is least."""
    return min(1.0, max(0.0, -slope / (2.0 * bend))) if bend > 0.0 else float(slope < 0.0)


def _thin(plan: Any) -> Any:
    """A plan as a sparse matrix, where it has few entries and is not a tensor."""
    if is_tensor(plan) or np.count_nonzero(plan) > NONZERO * plan.shape[0]:
        return plan
    return sparse.csr_array(plan)
