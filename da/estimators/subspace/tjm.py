"""Transfer joint matching."""

from __future__ import annotations

from typing import Any, Literal, Self

from da.bounds import Count, Positive
from da.domain import Domain
from da.estimators.arrays import like, namespace
from da.estimators.base import FeatureMapping, matched, matrix
from da.estimators.linalg import EPS, leading, signed, unit_rows
from da.estimators.subspace.contrasts import marginal
from da.estimators.subspace.rounds import above_zero
from da.estimators.subspace.span import Span, whitening
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class TJM(FeatureMapping):
    r"""Match the domains' means in a shared subspace while down-weighting irrelevant source samples.

    .. math:: \min_A \operatorname{tr} A^\top K M K A + \lambda (\|A_s\|_{2,1} + \|A_t\|_F^2)
              \quad \text{s.t. } A^\top K H K A = I

    K ``(n, n)`` is the kernel of all :math:`n = n_s + n_t` samples, M the matrix of the marginal MMD at Frobenius norm
    1, H centres, and :math:`A_s, A_t` are the rows of A ``(n, k)`` that belong to source and target samples. Solved by
    turns for A and the diagonal G that majorises the second term: :math:`1 / (2 \|a_i\|)` for source samples, 1 for
    target samples. Costs :math:`O(n d^2 + d^3)` a round with the linear kernel (n in place of d where it is smaller),
    :math:`O(n^3)` with the Gaussian one.

    Args:
        n_components: k.
        regularization: :math:`\lambda`, in units of the squared kernel matrix.
        kernel: ``linear``, or ``rbf``, the Gaussian.
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the (normalised) inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance of pooled samples.
        rounds: number of solutions for A.
        constrained: scale columns of A by the constraint, so that the objective falls in every round; otherwise their
            length is 1.
        normalize: scale the rows of inputs and result to unit length.

    Reference: Long et al., Transfer joint matching for unsupervised domain adaptation, CVPR 2014.

    Deviates: unless ``constrained``, columns of A have length 1, which reproduces the results published with JGSA and
    JPDA, and not the length of the constraint; on the SURF tasks of Office-Caltech10 that gains 2.4 points. With the
    constraint, the penalty gives nearly all of the source no weight where the target's samples span enough directions.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"n_components": choice(10, 20, 40), "regularization": log_uniform(1e-2, 1e2)}

    def __init__(
        self,
        *,
        n_components: Count = 20,
        regularization: Positive = 1.0,
        kernel: Literal["linear", "rbf"] = "linear",
        bandwidth: Positive | None = None,
        rounds: Count = 10,
        constrained: bool = False,
        normalize: bool = True,
    ):
        self.n_components, self.regularization, self.kernel, self.bandwidth = (
            n_components,
            regularization,
            kernel,
            bandwidth,
        )
        self.rounds, self.constrained, self.normalize = rounds, constrained, normalize

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``map_``, which is applied to ``features_``, and ``norms_`` ``(n,)`` of the rows of A."""
        above_zero(self, "n_components", "regularization", "bandwidth", "rounds")
        x_s, x_t = matched(source, target)
        n_s = len(x_s)
        xp = namespace(x_s)
        both = xp.concat([x_s, x_t])
        span = Span(unit_rows(both) if self.normalize else both, self.kernel, self.bandwidth)
        n = len(both)
        centred = span.rows - xp.mean(span.rows, axis=0)
        scatter = centred.T @ centred
        gap = like(marginal(n_s, n - n_s), x_s)
        gap = span.rows.T @ (gap / xp.sqrt(xp.sum(gap * gap)))
        ease = xp.ones_like(both[:, 0])  # the inverse of G's diagonal
        for _ in range(self.rounds):
            root = xp.sqrt(ease)[:, None]
            w, scatters, coefficients = solutions(
                span.rows * root, gap, scatter, self.regularization, self.n_components
            )
            coefficients = root * coefficients
            size = xp.clip(scatters, 0.0) if self.constrained else xp.sum(coefficients * coefficients, axis=0)
            size = xp.sqrt(xp.where(size > EPS * size[0], size, xp.ones_like(size)))
            w, coefficients = w / size, coefficients / size
            self.norms_ = xp.sqrt(xp.sum(coefficients * coefficients, axis=1))
            ease = xp.concat([2.0 * self.norms_[:n_s] + EPS, ease[n_s:]])
        self.features_, self.map_ = span.features, span.directions @ signed(w)
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        z = self.features_(unit_rows(x) if self.normalize else x) @ like(self.map_, x)
        return unit_rows(z) if self.normalize else z


def solutions(scaled: Any, gap: Any, scatter: Any, regularization: float, k: int) -> tuple[Any, Any, Any]:
    r"""The k best directions for a given G.

    With :math:`G^{-1/2} Z = U S R^\top` the solution is :math:`A = G^{-1/2} U B`, for which
    :math:`\operatorname{tr} A^\top G A = \|B\|_F^2` and :math:`K A = Z R S B`.

    Args:
        scaled: ``(n, r)`` :math:`G^{-1/2} Z`.
        gap: ``(r,)`` :math:`Z^\top e` with :math:`M = e e^\top`.
        scatter: ``(r, r)`` of the rows of Z.

    Returns:
        :math:`R S B` ``(r, k)``; the scatter of each embedded column ``(k,)``, falling, where discrepancy and
        penalty sum to 1; :math:`U B` ``(n, k)``.
    """
    xp = namespace(scaled)
    values, turn = xp.linalg.eigh(scaled.T @ scaled)
    nonzero = values > EPS * scaled.shape[0] * max(float(xp.max(values)), 1e-300)
    nonzero = nonzero if bool(xp.any(nonzero)) else xp.ones_like(nonzero)
    length = xp.sqrt(xp.clip(values[nonzero], 1e-300))
    lift = turn[:, nonzero] * length
    whiten, _ = whitening(regularization * xp.ones_like(length), (lift.T @ gap)[:, None], like([[1.0]], scaled))
    lifted = lift @ whiten
    reduced = lifted.T @ scatter @ lifted
    scatters, b = leading((reduced + reduced.T) / 2.0, k)
    b = whiten @ b
    return lift @ b, scatters, scaled @ (turn[:, nonzero] @ (b / length[:, None]))
