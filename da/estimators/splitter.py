"""Cross-validation of transfer: test folds of labelled samples, and the unlabelled target in every training fold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from da.errors import UsageError, few
from da.estimators.roles import TARGET, missing, read


class TransferKFold(BaseCrossValidator):  # type: ignore[misc]  # scikit-learn is untyped
    """K folds of the labelled samples, stratified by domain and label; unlabelled target samples are always trained on.

    A label of an unlabelled target sample only fills its place in ``y``. Other splitters put such samples into test
    folds, where a score takes the filler for the truth.

    It is the ``cv`` of scikit-learn's ``cross_val_score``, ``GridSearchCV``, ``CalibratedClassifierCV`` and the like.
    With metadata routing, ``domain`` is passed once, and reaches both the splitter and the model, in nested
    cross-validation too; without, the splitter is made with it, and scikit-learn's own scores answer held-out source
    samples as the target's (a :class:`~da.analysis.scorers.TransferScorer` does not). ``cross_val_predict`` wants each
    sample in one test fold: give it ``partition=True``.

    Args:
        n_splits: number of folds.
        domain: ``(n,)`` domain of each sample, where none is passed to :meth:`split`.
        convention: meaning of ``domain``, see :class:`~da.estimators.adapter.TransferClassifier`.
        partition: deal the unlabelled target samples out to the test folds as well, while all of them stay in training
            (no label of theirs is used). For predictions of every sample; scores of such folds are worth nothing.
        shuffle: draw the folds; otherwise samples of a domain and label are dealt out in their order.
        random_state: seed of the draw.

    >>> X, y, domain = np.zeros((6, 2)), [0, 0, 1, 1, -1, -1], ["source"] * 4 + ["target"] * 2
    >>> for train, test in TransferKFold(2, domain=domain).split(X, y):
    ...     print(train.tolist(), test.tolist())
    [1, 3, 4, 5] [0, 2]
    [0, 2, 4, 5] [1, 3]
    """

    __metadata_request__split = {"domain": True}  # scikit-learn reads it of the class

    def __init__(
        self,
        n_splits: int = 5,
        *,
        domain: Any = None,
        convention: str = "da",
        partition: bool = False,
        shuffle: bool = False,
        random_state: Any = None,
    ):
        self.n_splits, self.domain, self.convention, self.partition = n_splits, domain, convention, partition
        self.shuffle, self.random_state = shuffle, random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None, domain: Any = None) -> int:
        """The number of folds; the arguments are not looked at."""
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None, domain: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the sorted indices of the training and of the test samples of each fold.

        Args:
            X: ``(n, ...)`` samples.
            y: ``(n,)`` labels or values; those of unlabelled target samples are not looked at.
            groups: not supported.
            domain: ``(n,)`` domain of each sample; None is the one that the splitter was made with.

        Raises:
            UsageError: labels, domains or samples are missing, or do not make so many folds.
        """
        if groups is not None:
            raise UsageError("TransferKFold keeps no groups together; give the domains as `domain`.")
        roles = self._roles(X, y, domain)
        labelled, unlabelled = np.flatnonzero(roles != TARGET), np.flatnonzero(roles == TARGET)
        if not 2 <= self.n_splits <= len(labelled):
            raise UsageError(
                f"{len(labelled)} labelled samples do not make {self.n_splits} folds; give n_splits from 2 to "
                f"{len(labelled)}."
            )
        fold = np.full(len(roles), -1)
        fold[self._dealt(np.asarray(y), roles, labelled)] = np.arange(len(labelled)) % self.n_splits
        tested = fold.copy()
        if self.partition:
            tested[unlabelled] = np.arange(len(unlabelled)) % self.n_splits
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(tested == k)

    def _dealt(self, y: np.ndarray, roles: np.ndarray, labelled: np.ndarray) -> np.ndarray:
        """The labelled samples in the order in which they are dealt out to folds: by domain, then by label."""
        known = y[labelled].tolist()
        if without := [int(i) for i, label in zip(labelled, known, strict=True) if missing(label)]:
            raise UsageError(
                f"Samples {few(without)} have no label and are not of the unlabelled target; give their labels, or "
                "leave them out."
            )
        if self.shuffle:
            order = check_random_state(self.random_state).permutation(len(labelled))
            labelled, known = labelled[order], [known[i] for i in order]
        label = np.unique(np.array(known), return_inverse=True)[1]
        dealt: np.ndarray = labelled[np.lexsort((label, roles[labelled]))]
        return dealt

    def _roles(self, X: Any, y: Any, domain: Any) -> np.ndarray:
        domain = self.domain if domain is None else domain
        if y is None or domain is None:
            lacking = "labels" if y is None else "domains"
            raise UsageError(
                f"TransferKFold was given no {lacking}; it splits by labels and domains: make it with `domain`, or "
                "pass `domain` through metadata routing, and pass `y`."
            )
        roles = read(domain, y, self.convention, few=True, masked=lambda label: label == -1, partial=True)
        assert roles is not None
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        if not len(roles) == n == len(y):
            raise UsageError(
                f"TransferKFold knows the domains of {len(roles)} samples and splits {n} with {len(y)} labels; made "
                "with `domain` it splits that table only, and inside another cross-validation it takes `domain` "
                "through metadata routing."
            )
        return roles
