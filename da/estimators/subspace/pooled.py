"""Source and few target labels together."""

from __future__ import annotations

from typing import Any, Self

from da.domain import Domain
from da.estimators.base import FeatureMapping, matched, matrix
from da.setting import ALL, FEW, Access


class Pooled(FeatureMapping):
    """Train on the source and the few labelled target samples together: a baseline without adaptation.

    The baseline of methods that use a few target labels.

    Reference: the "All" rows of Daumé, Frustratingly easy domain adaptation, ACL 2007, table 2.
    """

    needs = Access(source_y=ALL, target_y=FEW)

    def fit(self, source: Domain, target: Any, labelled: Any = None) -> Self:
        """Check that the spaces match."""
        self.n_features_ = matched(source, labelled)[0].shape[1]
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        return matrix(x)
