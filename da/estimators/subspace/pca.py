"""Principal components of both domains together."""

from __future__ import annotations

from typing import Any, Self

from da.bounds import Count
from da.domain import Domain
from da.estimators.arrays import like, namespace
from da.estimators.base import FeatureMapping, matched, matrix
from da.estimators.linalg import principal
from da.search_space import choice
from da.setting import ALL, Access


class PCA(FeatureMapping):
    r"""Principal components of source and target as one sample: the baseline of the subspace methods.

    .. math:: x \mapsto P^\top (x - \bar x), \qquad
       \max_{P^\top P = I} \operatorname{tr} P^\top X^\top H X P, \quad X = [X_s; X_t]

    solved exactly, as a randomised method changes 1-nearest-neighbour accuracies by several points. Costs
    :math:`O(n d \min(n, d))`.

    Args:
        n_components: dimension of the result; at most the number of directions with variance.

    Reference: the "PCA" rows of Long et al., Transfer feature learning with joint distribution adaptation, ICCV 2013.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"n_components": choice(10, 20, 50, 100)}
    exempt = {"beats_its_baseline": "PCA knows nothing of domains; it is itself the baseline of the subspace methods."}

    def __init__(self, *, n_components: Count = 100):
        self.n_components = n_components

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``mean_`` and ``map_``."""
        x_s, x_t = matched(source, target)
        x = namespace(x_s).concat([x_s, x_t])
        self.mean_ = namespace(x).mean(x, axis=0)
        self.map_ = principal(x - self.mean_, max(min(self.n_components, *x.shape), 1))
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        return (x - like(self.mean_, x)) @ like(self.map_, x)
