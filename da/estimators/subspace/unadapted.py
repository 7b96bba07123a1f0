"""No adaptation."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from da.domain import Domain
from da.estimators.arrays import matrix, rows
from da.estimators.base import FeatureMapping
from da.estimators.features import check_widths
from da.setting import ALL, Access


class Unadapted(FeatureMapping):
    """Leave the features unchanged: the baseline of every closed-form method.

    Reference: the "NA" and "1NN" rows of the field's tables, as in Gong et al., CVPR 2012.
    """

    needs = Access(source_y=ALL, target_x=True)

    def fit(self, source: Domain, target: Domain) -> Self:
        """Check that the feature spaces match; nothing is learnt."""
        check_widths(source, target)
        self.n_features_ = int(np.prod(source.x.shape[1:]))
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        return rows(x) if sparse.issparse(x) else matrix(x)
