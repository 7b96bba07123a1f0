"""Joint probability domain adaptation."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.errors import DataError
from da.estimators.arrays import like, namespace
from da.estimators.base import FeatureMapping, labels_of, matched, matrix
from da.estimators.linalg import signed, unit_rows
from da.estimators.subspace.rounds import Labeller, above_zero, at_least_zero, refine
from da.estimators.subspace.span import Span, smallest
from da.search_space import choice, log_uniform, uniform
from da.setting import ALL, Access


class JPDA(FeatureMapping):
    r"""Match joint distributions and separate different classes in a shared subspace, with target pseudo-labels.

    .. math:: \min_A \operatorname{tr} A^\top K (R_\min / \|R_\min\|_F - \mu R_\max / \|R_\max\|_F) K A
              + \lambda \|A\|_F^2 \quad \text{s.t. } A^\top K H K A = I

    K ``(n, n)`` is the kernel of all :math:`n = n_s + n_t` samples, A is ``(n, k)``, H centres, and with :math:`N_s^c,
    N_t^c` ``(n,)`` the indicators of class c in one domain, divided by that domain's number of samples, the discrepancy
    of joint probabilities and its discriminative counterpart are

    .. math:: \operatorname{tr} A^\top K R_\min K A = \sum_c \|A^\top K (N_s^c - N_t^c)\|^2, \qquad
              \operatorname{tr} A^\top K R_\max K A = \sum_{c \ne c'} \|A^\top K (N_s^c - N_t^{c'})\|^2.

    The target's labels are predicted again in each round; in the first round its part is absent. Costs
    :math:`O(n d^2)` once and :math:`O(d^3)` a round with the linear kernel (n in place of d where it is smaller),
    :math:`O(n^3)` a round with the Gaussian one, and the classifier.

    Args:
        n_components: k.
        regularization: :math:`\lambda`, in units of the squared kernel matrix.
        mu: weight of the discriminative part; 0 uses the discrepancy of joint probabilities only.
        kernel: ``linear``, or ``rbf``, the Gaussian.
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the (normalised) inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance of pooled samples.
        rounds: largest number of rounds; it stops earlier when the labels no longer change.
        classifier: predicts the pseudo-labels of the target; None is 1-nearest-neighbour.
        normalize: scale the rows of inputs and result to unit length.

    Reference: Zhang & Wu, Discriminative joint probability maximum mean discrepancy (DJP-MMD) for domain adaptation,
    IJCNN 2020.

    Deviates: the Frobenius norms are those of the authors' code, and so is the length of A's columns, 1, on which
    distances depend; with that of the constraint, accuracies differ from the published ones by 2.4 points.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "n_components": choice(10, 30, 100),
        "regularization": log_uniform(1e-2, 1e2),
        "mu": uniform(0.0, 0.2),
    }

    def __init__(
        self,
        *,
        n_components: Count = 100,
        regularization: Positive = 1.0,
        mu: NonNegative = 0.1,
        kernel: Literal["linear", "rbf"] = "linear",
        bandwidth: Positive | None = None,
        rounds: Count = 5,
        classifier: BaseEstimator | None = None,
        normalize: bool = True,
    ):
        self.n_components, self.regularization, self.mu = n_components, regularization, mu
        self.kernel, self.bandwidth, self.rounds = kernel, bandwidth, rounds
        self.classifier, self.normalize = classifier, normalize

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``map_``, which is applied to the ``features_`` of samples, and set ``n_rounds_``.

        Raises:
            DataError: the objective is unbounded, as classes can be separated without limit.
        """
        above_zero(self, "n_components", "regularization", "bandwidth", "rounds")
        at_least_zero(self, "mu")
        x_s, x_t = matched(source, target)
        y_s, n_s = labels_of(source), len(x_s)
        xp = namespace(x_s)
        both = xp.concat([x_s, x_t])
        span = Span(unit_rows(both) if self.normalize else both, self.kernel, self.bandwidth)
        classes = np.unique(y_s)

        label = Labeller(self.classifier)

        def solve(guess: np.ndarray | None) -> np.ndarray:
            parts, core = contrast(y_s, guess, len(x_t), classes, self.mu)
            factor = span.lengths[:, None] * (span.rows.T @ like(parts, x_s))
            b = smallest(self.regularization, factor, like(core, x_s), span, self.n_components)
            if b is None:
                raise DataError(
                    f"JPDA has no solution with mu={self.mu}: pushing classes apart outweighs "
                    f"regularization={self.regularization}; lower mu, regularise more, or centre the inputs."
                )
            w = signed(span.lengths[:, None] * (b / xp.sqrt(xp.sum(b * b, axis=0))))
            self.map_ = span.directions @ w
            z = span.rows @ w
            z = unit_rows(z) if self.normalize else z
            return label(z[:n_s], y_s, z[n_s:])

        self.features_ = span.features
        self.labels_, self.n_rounds_ = refine(solve, None, self.rounds)
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        z = self.features_(unit_rows(x) if self.normalize else x) @ like(self.map_, x)
        return unit_rows(z) if self.normalize else z


def contrast(
    y_s: np.ndarray, y_t: np.ndarray | None, n_t: int, classes: np.ndarray, mu: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""B ``(n_s + n_t, 2C)`` and W ``(2C, 2C)`` with :math:`R_\min/\|R_\min\| - \mu R_\max/\|R_\max\| = B W B^\top`.

    Columns of B are the classes' indicators divided by the number of samples, of the source and of the target; the
    target's are 0 while its labels are unknown.
    """
    n_s, c = len(y_s), len(classes)
    parts = np.zeros((n_s + n_t, 2 * c))
    parts[:n_s, :c] = (y_s[:, None] == classes) / n_s
    if y_t is not None:
        parts[n_s:, c:] = (y_t[:, None] == classes) / n_t
    same, other = np.eye(c), 1.0 - np.eye(c)
    near = np.block([[same, -same], [-same, same]])
    far = np.block([[(c - 1) * same, -other], [-other, (c - 1) * same]])
    overlap = parts.T @ parts

    def norm(w: np.ndarray) -> float:
        return float(np.sqrt(max(np.trace(w @ overlap @ w @ overlap), np.finfo(float).tiny)))

    return parts, near / norm(near) - mu * far / norm(far)
