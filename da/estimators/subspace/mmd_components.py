"""Base classes of estimators that learn components of large variance and small maximum mean discrepancy."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from da.domain import Domain
from da.errors import UsageError, nearest
from da.estimators.base import FeatureMapping
from da.estimators.features import Encode, Kernel, PairedRows, check_widths, landmark_index, nystroem, plain
from da.estimators.kernels import median_bandwidth
from da.estimators.linalg import unit_rows
from da.estimators.subspace.contrasts import to_unit_norm
from da.estimators.subspace.mmd_spaces import ComponentSpace, Gram, Linear
from da.estimators.subspace.rounds import Labeller, above_zero

KERNELS = ("primal", "linear", "rbf")
EXACT = 12_000
"""Largest number of samples of both domains whose Gaussian kernel matrix is formed (1.2 GB)."""
LANDMARKS = 1000
"""Number of landmarks of the approximate kernel of larger problems."""


class MMDComponents(FeatureMapping):
    """Base class that chooses the space of components by the parameters and the number of samples."""

    n_components: int
    regularization: float
    kernel: str
    bandwidth: float | None
    features: int | None
    normalize: bool
    random_state: int

    def _rows(self, source: Domain, target: Domain) -> PairedRows:
        """Check both domains, and scale their rows to unit length if ``normalize`` is set."""
        if self.kernel not in KERNELS:
            raise UsageError(f"There is no kernel '{self.kernel}'; {nearest(self.kernel, KERNELS)}")
        above_zero(self, "n_components", "regularization", "bandwidth", "features")
        check_widths(source, target)
        encode: Encode = unit_rows if self.normalize else plain
        return PairedRows(source.x, target.x, encode, int(np.prod(source.x.shape[1:])))

    def _space(self, source: Domain, target: Domain) -> ComponentSpace:
        """The space in which to compute components."""
        rows = self._rows(source, target)
        if self.kernel != "rbf":
            return Linear(rows, dual=self.kernel == "linear")
        bandwidth = self._bandwidth(rows)
        if self.features is None and rows.n <= EXACT:
            return Gram(rows, bandwidth)
        return self._approximate(rows, bandwidth, self.features or LANDMARKS)

    def _bandwidth(self, rows: PairedRows) -> float:
        return median_bandwidth(rows.sample(1000)) if self.bandwidth is None else self.bandwidth

    def _approximate(self, rows: PairedRows, bandwidth: float, size: int) -> Linear:
        """The space of a Gaussian kernel's Nyström approximation with ``size`` landmarks."""
        landmarks = rows.take(landmark_index(rows.n, size, self.random_state))
        kernel = Kernel(landmarks, bandwidth, rows.encode)
        return Linear(PairedRows(*rows.parts, kernel, landmarks.shape[0]), dual=True, frame=nystroem(kernel))

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        return self.embedding_(x)


class JointComponents(MMDComponents):
    """Base class that computes components and pseudo-labels of the target in turns."""

    rounds: int
    classifier: BaseEstimator | None

    def _contrasts(self, counts_s: np.ndarray, counts_t: np.ndarray) -> np.ndarray:
        """``(2 C, c)`` contrasts between the domains' classes, given their sizes."""
        raise NotImplementedError

    def _alternate(self, space: ComponentSpace, y: np.ndarray, guess: np.ndarray | None) -> None:
        """Compute components and pseudo-labels until the rounds are done or the labels no longer change.

        Args:
            space: of both domains.
            y: ``(n_s,)`` labels of the source.
            guess: ``(n_t,)`` first pseudo-labels; None matches the marginal distributions only in the first round.
        """
        above_zero(self, "rounds")
        self.n_rounds_, label = 0, Labeller(self.classifier)
        while self.n_rounds_ < self.rounds:
            self.n_rounds_ += 1
            classes, of_s, of_t = self._numbered(y, guess, space.n - len(y))
            groups = np.concatenate([of_s, len(classes) + of_t])
            counts = np.bincount(groups, minlength=2 * len(classes))
            contrasts = self._contrasts(*np.split(counts, 2))
            space.solve(groups, to_unit_norm(contrasts, counts), self.regularization, self.n_components)
            if self.n_rounds_ == self.rounds:
                break
            z = space.embedded()
            z = unit_rows(z) if self.normalize else z
            labels = label(z[: len(y), :], y, z[len(y) :, :])
            if guess is not None and np.array_equal(labels, guess):
                break
            guess = labels
        self.embedding_ = space.embedding(self.normalize)

    @staticmethod
    def _numbered(y: np.ndarray, guess: np.ndarray | None, n_t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Classes and the index of each sample's class; a single class if there is no guess."""
        if guess is None:
            return np.zeros(1), np.zeros(len(y), dtype=int), np.zeros(n_t, dtype=int)
        classes, numbers = np.unique(y, return_inverse=True)
        return classes, numbers, np.searchsorted(classes, guess)
