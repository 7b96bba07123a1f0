"""Quadratic programs over weights, each within [0, limit] and with a bounded sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from da.estimators.arrays import namespace
from da.estimators.linalg import definite_solution

CHECK_EVERY = 5
FIRST = 30  # steps of the gradient before the first exchanges
EXCHANGES = 30
PATIENCE = 3
NEAR = 1e-6


class Solution(NamedTuple):
    """Result of :func:`minimise`.

    Args:
        weights: ``(n,)``.
        residual: the largest change by one more projected gradient step, in mean weights; 0 at the optimum.
        gap: bound on the suboptimality of the objective, as a share of the decrease from weights of 1 (the duality gap
            of Frank & Wolfe, Naval Research Logistics Quarterly 3, 1956).
        n_iter: number of steps, of the gradient and of exchanges.
    """

    weights: Any
    residual: float
    gap: float
    n_iter: int


def minimise(
    times: Callable[[Any], Any],
    linear: Any,
    limit: float,
    low: float,
    high: float,
    accuracy: float,
    max_iter: int,
    matrix: Any = None,
) -> Solution:
    r"""Minimise a quadratic by projected gradients with momentum, from weights of 1, and exchanges of active bounds.

    .. math:: \min_\beta \tfrac12 \beta^\top K \beta - \kappa^\top \beta
       \quad \text{s.t. } 0 \le \beta_i \le B, \; l \le \textstyle\sum_i \beta_i \le h

    The largest eigenvalue of a kernel matrix is far above the others, and its eigenvector nearly constant, so that
    steps of length :math:`1 / \lambda_1` converge slowly. They are taken in the metric
    :math:`s I + \frac{c}{n} 1 1^\top` instead, with s just above the largest eigenvalue of K on vectors of sum 0 and c
    so large that the metric dominates K. Its projection is still one equation in one unknown. Each step takes one
    product with K.

    Where K is given, :func:`exchanged` is started from the iterates after 30, 120, 480, ... steps. Its solution is
    returned if the sum is within its bounds and the residual small enough. It costs :math:`O(m^3)` for m weights that
    are not at their bounds.

    Args:
        times: multiplies a vector by K, ``(n, n)`` and positive semi-definite.
        linear: :math:`\kappa`, ``(n,)``.
        limit: B.
        low: l.
        high: h.
        accuracy: the residual to stop at, for a step of length :math:`1 / \lambda_1`, divided by the mean weight.
        max_iter: largest number of steps.
        matrix: K itself, where it is stored.
    """
    xp = namespace(linear)
    n = linear.shape[0]
    one = xp.ones_like(linear)
    product = times(one)
    level, tilt, spread, top = _spectrum(times, product)
    s = 1.2 * spread + 1e-6 * level
    c = max(level - s, 0.0) + tilt / (s - spread)  # so that the metric dominates K
    shift, momentum, residual, step, extra, trial = 0.0, 1.0, float("inf"), 0, 0, FIRST
    weights = look = one
    image = ahead = product  # K times each
    for step in range(1, max_iter + 1):
        new, shift = _nearest(look - (ahead - linear) / s, float(xp.sum(look)), c / (s * n), limit, low, high, shift)
        after = times(new)
        if step % CHECK_EVERY == 0 or step == max_iter:
            residual = _residual(new, after - linear, top, limit, low, high)
            if residual <= accuracy:
                weights = new
                break
        if matrix is not None and step == trial:
            trial *= 4
            exact, taken = exchanged(matrix, linear, limit, new)
            extra += taken
            if exact is not None and low <= float(xp.sum(exact)) <= high:
                left = _residual(exact, times(exact) - linear, top, limit, low, high)
                if left <= accuracy:
                    weights, residual = exact, left
                    break
        move, back = new - look, weights - new
        curved, sum_move = float(move @ (after - ahead)), float(xp.sum(move))
        if curved > 1.001 * (s * float(move @ move) + c / n * sum_move**2):  # the metric did not dominate K
            s, c = 2.0 * s, c + s
        if s * float(move @ back) + c / n * sum_move * float(xp.sum(back)) > 0.0:  # ascent direction: restart momentum
            momentum = 1.0
        following = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        carry = (momentum - 1.0) / following
        look, ahead = new + carry * (new - weights), after + carry * (after - image)
        weights, image, momentum = new, after, following
    image = times(weights)
    above = float((image - linear) @ weights) - _least(image - linear, limit, low, high)
    gained = float((0.5 * product - linear) @ one) - float((0.5 * image - linear) @ weights)
    return Solution(weights, residual, above / max(gained, 1e-12 * float(xp.sum(linear)), 1e-300), step + extra)


def exchanged(matrix: Any, linear: Any, limit: float, start: Any) -> tuple[Any, int]:
    r"""The minimum under the bounds of single weights, by block pivoting; and the number of exchanges.

    .. math:: \beta \leftarrow \arg\min_{0 \le b_i \le B} \tfrac12 b^\top K b - \kappa^\top b
       + \tfrac{\delta}{2} \|b - \beta\|^2

    twice, with :math:`\delta` of 1e-6 of the mean diagonal of K: a proximal step, which is exact where the solution is
    unique, and stays near the start where K is singular (repeated samples). Each is solved for a set of free weights,
    with the others fixed at 0 or B. All free weights that violate their bounds become fixed, and all fixed ones whose
    gradient points inside become free. After three exchanges in a row without a new least number of these, one weight
    is exchanged at a time (that of the largest :math:`\kappa`), until there is one. None after 30 exchanges.

    Reference: Júdice & Pires, A block principal pivoting algorithm for large-scale strictly monotone linear
    complementarity problems, Computers & Operations Research 21, 1994.
    """
    xp = namespace(linear)
    near = NEAR * float(xp.linalg.trace(matrix)) / linear.shape[0]
    goal = 1e-10 * float(xp.max(xp.abs(linear)))
    upper = start >= limit
    free = (start > 0.0) & ~upper
    total, beta = 0, start
    for _ in range(2):
        pull = linear + near * beta
        fewest, left = linear.shape[0] + 1, PATIENCE
        while True:
            total += 1
            beta = limit * xp.astype(upper, linear.dtype)
            inside = xp.nonzero(free)[0]
            if inside.shape[0] > 0:
                part = matrix[inside[:, None], inside[None, :]]
                part = part + near * xp.eye(part.shape[0], dtype=part.dtype, device=part.device)
                rest = pull - matrix @ beta if bool(xp.any(upper)) else pull
                solution = definite_solution(part, rest[inside])
                if solution is None:
                    return None, total
                beta[inside] = solution
            gradient = matrix @ beta + near * beta - pull
            above = free & (beta > limit)
            wrong = above | (free & (beta < 0.0)) | (upper & (gradient > goal)) | (~free & ~upper & (gradient < -goal))
            count = int(xp.sum(xp.astype(wrong, xp.int64)))
            if count == 0:
                break
            if total >= EXCHANGES:
                return None, total
            fewest, left = (count, PATIENCE) if count < fewest else (fewest, left - 1)
            if left < 0:
                ranked = xp.where(wrong, linear, xp.full_like(linear, -float("inf")))
                wrong = xp.arange(linear.shape[0], device=linear.device) == xp.argmax(ranked)
            free, upper = free ^ wrong, (upper & ~wrong) | (above & wrong)
    return beta, total


def _spectrum(times: Callable[[Any], Any], product: Any) -> tuple[float, float, float, float]:
    """Quantities of the metric, computed from products with K.

    Returns:
        u'Ku for the constant unit vector u, the squared norm of the rest of Ku, and lower estimates of the largest
        eigenvalues, on vectors of sum 0 and on all vectors.
    """
    xp = namespace(product)
    n = product.shape[0]
    mean = float(xp.mean(product))
    rest = product - mean
    # a start with components in all directions that does not depend on the order of the samples
    v = xp.cos(40.0 * product / max(abs(mean), 1e-300))
    spread = 0.0
    for _ in range(15):
        v = v - xp.mean(v)
        norm = float(v @ v) ** 0.5
        if norm <= 1e-12:
            break
        v = v / norm
        image = times(v)
        spread, v = max(spread, float(v @ image)), image
    v, top = product, mean
    for _ in range(4):
        norm = float(v @ v) ** 0.5
        if norm <= 1e-300:
            break
        v = v / norm
        image = times(v)
        top, v = max(top, float(v @ image)), image
    return mean, float(rest @ rest) / n, spread, max(top, 1e-300)


def _least(gradient: Any, limit: float, low: float, high: float) -> float:
    """The minimum of a linear function over the feasible weights: the smallest entries have the largest weights."""
    xp = namespace(gradient)
    entries = xp.sort(gradient)
    ends = limit * xp.arange(1, entries.shape[0] + 1, dtype=entries.dtype, device=entries.device)
    most = xp.where(
        entries < 0.0, xp.full_like(entries, high), xp.full_like(entries, low)
    )  # above low only to lower it
    return float(entries @ xp.clip(most - (ends - limit), 0.0, limit))


def _residual(weights: Any, gradient: Any, top: float, limit: float, low: float, high: float) -> float:
    xp = namespace(weights)
    projected, _ = _nearest(weights - gradient / top, 0.0, 0.0, limit, low, high, 0.0)
    return float(xp.max(xp.abs(weights - projected))) / max(float(xp.mean(weights)), 1e-300)


def _nearest(
    point: Any, total: float, pull: float, limit: float, low: float, high: float, start: float
) -> tuple[Any, float]:
    r"""The feasible minimiser of :math:`\|\beta - z\|^2 + p (1^\top \beta - t)^2`, and the shift that gives it.

    All unclipped entries are shifted by the same number, the root of one monotone equation.

    Args:
        point: z, ``(n,)``.
        total: t.
        pull: p.
        limit: the largest entry.
        low: the smallest sum.
        high: the largest sum; at most ``n * limit`` can be reached.
        start: initial guess of the shift.
    """
    xp = namespace(point)
    nearest, shift, reached = point, 0.0, 0.0
    n = point.shape[0]
    if pull > 0.0:
        nearest, shift, reached = _root(
            point, 1.0, pull, total, limit, -pull * total, pull * (limit * n - total), start
        )
    else:
        nearest = point.clip(0.0, limit)
        reached = float(xp.sum(nearest))
    if low <= reached <= high:
        return nearest, shift
    goal = min(low if reached < low else high, limit * n)
    lowest, highest = float(xp.min(point)) - limit - 1.0, float(xp.max(point)) + 1.0
    nearest, shift, _ = _root(point, 0.0, 1.0, goal, limit, lowest, highest, shift)
    return nearest, shift


def _root(
    point: Any, own: float, pull: float, goal: float, limit: float, below: float, above: float, start: float
) -> tuple[Any, float, float]:
    """The shift with ``own * shift == pull * (sum of clipped entries - goal)``, by Newton steps within a bracket."""
    xp = namespace(point)
    shift = min(max(start, below), above)
    for _ in range(100):
        moved = point - shift
        clipped = moved.clip(0.0, limit)
        reached = float(xp.sum(clipped))
        excess = own * shift - pull * (reached - goal)  # increases with the shift
        if abs(excess) <= 1e-12 * (own * abs(shift) + pull * abs(goal)):
            break
        below, above = (shift, above) if excess < 0.0 else (below, shift)
        slope = own + pull * float(xp.sum(xp.astype(moved == clipped, moved.dtype)))
        newton = shift - excess / slope if slope > 0.0 else below
        newton = newton if below < newton < above else 0.5 * (below + above)
        if newton == shift:
            break
        shift = newton
    return clipped, shift, reached
