"""Domain adaptation support vector machine."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from scipy.special import softmax
from sklearn.svm import SVC

from da.bounds import Count, Fraction, NonNegative, Positive, PositiveFraction
from da.domain import Domain
from da.errors import UsageError, nearest
from da.estimators.base import Predictor, matched
from da.estimators.kernels import KERNELS, median_bandwidth
from da.estimators.labelling.parts import dense, labels_to_tell_apart
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class DASVM(Predictor):
    r"""Replace source samples by self-labelled target samples in a support vector machine, a few at a time.

    Each iteration trains a support vector machine f on the remaining source samples and on the target samples labelled
    so far, removes the labels for which :math:`\operatorname{sign} f` has changed, and on either side of the boundary

    .. math:: \text{labels the } \rho \text{ of } \{x_t : 0 \le \pm f(x_t) < 1\} \text{ nearest to the margin},
        \qquad \text{drops as many } x_s \text{ of largest } \pm f(x_s)

    (:math:`\rho` where the margin is empty), until no source samples are left and few labels are new or changed. The
    cost of a source sample falls and that of a labelled target sample grows quadratically over g iterations i (counted
    for a target sample from when it was labelled):

    .. math:: C_s(i) = C \max(w,\, 1 - (1 - w) (i / g)^2), \qquad C_t(i) = C \min(1,\, w + (1 - w) (i / g)^2)

    One machine per class against the rest. Costs about :math:`n_s / 2\rho` trainings per class, each between
    :math:`O(n^2 d)` and :math:`O(n^3)`.

    Args:
        C: cost of an error, on inputs that are centred and divided by one common scale (the root mean square of all
            entries), so that units do not matter.
        kernel: ``linear`` or ``rbf``.
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the scaled inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is their median distance.
        share: :math:`\rho` as a share of the target samples.
        weakest: w, the smallest cost of a sample as a share of C.
        growth: g, iterations from the smallest cost to the full one.
        tol: share of target samples that may be new or changed when it stops.
        max_iter: largest number of iterations.

    Reference: Bruzzone & Marconcini, Domain adaptation problems: a DASVM classification technique and a circular
        validation strategy, IEEE TPAMI 32(5), 2010.

    Deviates: inputs are centred and scaled as described; the adaptation ends before a class would lose its last
        training sample; the schedule of costs starts and ends at C and w C, the paper's at costs of its own choice. The
        probabilities are the softmax of the margins, and not calibrated.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"C": log_uniform(1e-2, 1e2), "share": log_uniform(0.01, 0.2), "kernel": choice("linear", "rbf")}

    def __init__(
        self,
        *,
        C: Positive = 1.0,
        kernel: Literal["linear", "rbf"] = "linear",
        bandwidth: Positive | None = None,
        share: PositiveFraction = 0.05,
        weakest: Fraction = 0.1,
        growth: Count = 10,
        tol: NonNegative = 0.03,
        max_iter: Count = 100,
    ):
        self.C, self.kernel, self.bandwidth, self.share = C, kernel, bandwidth, share
        self.weakest, self.growth, self.tol, self.max_iter = weakest, growth, tol, max_iter

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``machines_``, one per class (a single one for two classes), and set ``iterations_`` of each.

        Raises:
            UsageError: the kernel is unknown, ``share`` is outside (0, 1], or ``growth`` or ``max_iter`` is below 1.
        """
        if self.kernel not in KERNELS:
            raise UsageError(f"There is no kernel '{self.kernel}'; {nearest(self.kernel, KERNELS)}")
        if not 0 < self.share <= 1 or self.growth < 1 or self.max_iter < 1:
            raise UsageError(
                "dasvm needs a share in (0, 1] and at least one iteration of growth and in all, got "
                f"share={self.share}, growth={self.growth} and max_iter={self.max_iter}."
            )
        x_s, x_t = map(dense, matched(source, target))
        y = labels_to_tell_apart(source)
        self.classes_ = np.unique(y)
        order = np.lexsort(np.c_[x_s, y].T)  # the solver's approximate solution depends on the order of samples
        x_s, y, x_t = x_s[order], y[order], x_t[np.lexsort(x_t.T)]
        both = np.vstack([x_s, x_t])
        self.mean_ = both.mean(axis=0)
        self.scale_ = float(np.sqrt(np.square(both - self.mean_).mean())) or 1.0
        x_s, x_t = self._scaled(x_s), self._scaled(x_t)
        sigma = self.bandwidth or (median_bandwidth(np.vstack([x_s, x_t])) if self.kernel == "rbf" else 1.0)
        self.gamma_ = 1.0 / (2.0 * sigma**2)
        positives = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        adapted = [self._adapt(x_s, np.where(y == c, 1, -1), x_t) for c in positives]
        self.machines_, self.iterations_ = [list(part) for part in zip(*adapted, strict=True)]
        return self

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        return (x - self.mean_) / self.scale_

    def _adapt(self, x_s: np.ndarray, y_s: np.ndarray, x_t: np.ndarray) -> tuple[SVC, int]:
        """The machine of one class against the rest, and the number of iterations."""
        size = max(int(np.ceil(self.share * len(x_t))), 1)
        few = int(np.ceil(self.tol * len(x_t)))
        remaining, age, labels = np.ones(len(x_s), dtype=bool), np.zeros(len(x_t)), np.zeros(len(x_t), dtype=int)
        machine = self._machine(x_s, y_s, np.ones(len(x_s)))
        for i in range(1, self.max_iter + 1):
            f_s, f_t = machine.decision_function(x_s), machine.decision_function(x_t)
            new, drop = exchange(f_s, f_t, remaining, age > 0, size)
            signs = np.where(f_t >= 0, 1, -1)
            changed = (age > 0) & (signs != labels)
            if not remaining.any() and new.sum() <= few and changed.sum() <= few:
                break
            remaining, labels = remaining & ~drop, signs
            age = np.where(changed, 0.0, np.where(age > 0, age + 1, new))
            x, y = np.vstack([x_s[remaining], x_t[age > 0]]), np.r_[y_s[remaining], labels[age > 0]]
            if len(np.unique(y)) < 2:
                break
            rising = self.weakest + (1 - self.weakest) * ((age[age > 0] - 1) / self.growth) ** 2
            falling = np.full(remaining.sum(), max(self.weakest, 1 - (1 - self.weakest) * (i / self.growth) ** 2))
            machine = self._machine(x, y, np.r_[falling, np.minimum(rising, 1.0)])
        return machine, i

    def _machine(self, x: np.ndarray, y: np.ndarray, cost: np.ndarray) -> SVC:
        return SVC(C=self.C, kernel=self.kernel, gamma=self.gamma_).fit(x, y, sample_weight=cost)

    def decision_function(self, x: Any) -> np.ndarray:
        """``(n, K)`` margins, the largest that of the predicted class."""
        margins = np.column_stack([m.decision_function(self._scaled(dense(x))) for m in self.machines_])
        return np.hstack([-margins, margins]) / 2.0 if len(self.classes_) == 2 else margins

    def predict_proba(self, x: Any) -> np.ndarray:
        proba: np.ndarray = softmax(self.decision_function(x), axis=1)
        return proba


def exchange(
    f_s: np.ndarray, f_t: np.ndarray, remaining: np.ndarray, labelled: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Select the target samples to label, and the source samples to drop in exchange.

    Args:
        f_s: ``(n_s,)`` values of the machine on the source.
        f_t: ``(n_t,)`` values on the target.
        remaining: ``(n_s,)`` whether a source sample is still in use.
        labelled: ``(n_t,)`` whether a target sample is already labelled.
        size: largest number of samples on each side of the boundary.
    """
    new, drop = np.zeros(len(f_t), dtype=bool), np.zeros(len(f_s), dtype=bool)
    candidates = [np.flatnonzero(~labelled & ((f_t >= 0) == (side > 0)) & (np.abs(f_t) < 1)) for side in (1, -1)]
    empty = not any(map(len, candidates))
    for side, inside in zip((1, -1), candidates, strict=True):
        new[inside[np.argsort(-np.abs(f_t[inside]), kind="stable")[:size]]] = True
        there = np.flatnonzero(remaining & ((f_s >= 0) == (side > 0)))
        drop[there[np.argsort(-np.abs(f_s[there]), kind="stable")[: size if empty else min(size, len(inside))]]] = True
    return new, drop
