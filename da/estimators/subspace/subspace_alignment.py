"""Subspace alignment."""

from __future__ import annotations

from typing import Any, Self

from da.bounds import Count
from da.domain import Domain
from da.estimators.arrays import as_numpy, namespace
from da.estimators.base import FeatureMapping, matched, matrix
from da.estimators.linalg import principal
from da.search_space import choice
from da.setting import ALL, Access


class SubspaceAlignment(FeatureMapping):
    r"""Align the source's principal subspace with the target's.

    .. math:: X_s \mapsto X_s P_s P_s^\top P_t, \qquad X_t \mapsto X_t P_t

    with :math:`P` the d leading principal directions of each domain. Costs :math:`O(n d \min(n, d))`.

    Args:
        n_components: dimension of the subspaces; at most the rank of both domains.

    Reference: Fernando et al., Unsupervised visual domain adaptation using subspace alignment, ICCV 2013, eq. 1 to 4.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"n_components": choice(10, 20, 40, 80)}

    def __init__(self, *, n_components: Count = 20):
        self.n_components = n_components

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn means, directions ``source_directions_``, ``source_map_`` and ``target_map_``."""
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        self.source_mean_, self.target_mean_ = xp.mean(x_s, axis=0), xp.mean(x_t, axis=0)
        size = max(min(self.n_components, len(x_s) - 1, len(x_t) - 1, x_s.shape[1]), 1)
        p_s, p_t = principal(x_s - self.source_mean_, size), principal(x_t - self.target_mean_, size)
        self.source_directions_, self.source_map_, self.target_map_ = p_s, p_s @ (p_s.T @ p_t), p_t
        return self

    def unmoved(self, x: Any) -> Any:
        return as_numpy((matrix(x) - self.source_mean_) @ self.source_directions_)

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        if domain == "source":
            return (x - self.source_mean_) @ self.source_map_
        return (x - self.target_mean_) @ self.target_map_
