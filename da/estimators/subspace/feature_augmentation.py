"""Feature augmentation, the frustratingly easy method."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from da.domain import Domain
from da.estimators.arrays import namespace
from da.estimators.base import FeatureMapping, matched, matrix
from da.setting import ALL, FEW, Access


class FeatureAugmentation(FeatureMapping):
    r"""Give the classifier a shared copy of every feature and one for each domain.

    .. math:: x_s \mapsto (x_s,\ x_s,\ 0), \qquad x_t \mapsto (x_t,\ 0,\ x_t)

    A penalised linear classifier, trained on the source and the few labelled target samples together, then learns which
    weights the domains share. In terms of kernels, :math:`k(x, x')` counts twice within a domain and once across. The
    method is not meant for classifiers based on distances, under which the domains move apart. Costs :math:`O(n d)`.

    Reference: Daumé, Frustratingly easy domain adaptation, ACL 2007.

    Deviates: several sources are pooled into one domain, where in the paper each would have its own copy.
    """

    needs = Access(source_y=ALL, target_y=FEW)
    corrects = ("concept", "rotation")
    exempt: ClassVar[dict[str, str]] = {
        "equal_domains_map_alike": "by definition the domains, even equal ones, are mapped apart"
    }

    def fit(self, source: Domain, target: Any, labelled: Any = None) -> Self:
        """Check that the feature spaces match; nothing is learnt."""
        self.n_features_ = matched(source, labelled)[0].shape[1]
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        xp = namespace(x)
        zero = xp.zeros_like(x)
        return xp.concat([x, x, zero] if domain == "source" else [x, zero, x], axis=1)
