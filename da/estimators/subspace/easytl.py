"""Easy transfer learning."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from scipy.optimize import linear_sum_assignment

from da.domain import Domain
from da.errors import UsageError, nearest
from da.estimators.arrays import as_numpy, like
from da.estimators.base import FeatureMapping, Predictor, labels_of, matched, matrix
from da.estimators.kernels import squared_distances
from da.estimators.subspace.coral import CORAL
from da.estimators.subspace.gfk import GFK
from da.estimators.subspace.unadapted import Unadapted
from da.search_space import choice
from da.setting import ALL, Access

ALIGNMENTS: dict[str, type[FeatureMapping]] = {"none": Unadapted, "coral": CORAL, "gfk": GFK}


class EasyTL(Predictor):
    r"""Assign target samples to source class centres by a linear programme in which no class is empty.

    .. math:: \min_M \sum_{j=1}^{n_t} \sum_{c=1}^{K} D_{cj} M_{cj} \quad \text{such that} \quad
        0 \le M_{cj} \le 1, \; \sum_c M_{cj} = 1, \; \sum_j M_{cj} \ge 1

    with :math:`D_{cj}` the Euclidean distance of target sample j to the mean of the aligned source samples of class c.

    The linear programme is equivalent to an assignment problem: at the optimum every class has one sample assigned to
    it, chosen so that the sum of additional distances over the nearest centres is smallest, and all others are assigned
    to their nearest centre. It is solved exactly in this way. Its dual variables :math:`u_c` are prices of the classes
    that would be empty; a sample, also a new one, is assigned to the class of least :math:`D_c(x) - u_c`, which equals
    M on the target of ``fit`` (except that equal samples always have equal labels).

    Where no class is empty under nearest centres, this *is* the nearest class mean. Costs :math:`O(n_t (d K + K^2))`
    after alignment.

    Args:
        alignment: transformation of the features before: ``coral``, ``gfk``, or ``none``, each at its defaults.

    Reference: Wang, Chen, Yu, Huang & Yang, Easy transfer learning by exploiting intra-domain structures, ICME 2019.

    Deviates: a target with fewer samples than classes, for which no M exists, is assigned to its nearest centres.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"alignment": choice(*ALIGNMENTS)}

    def __init__(self, *, alignment: Literal["none", "coral", "gfk"] = "coral"):
        self.alignment = alignment

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``centres_`` ``(K, d')``, ``prices_`` ``(K,)`` in units of distance, and ``aligned_``.

        Raises:
            UsageError: the alignment is unknown.
        """
        if self.alignment not in ALIGNMENTS:
            raise UsageError(f"There is no alignment '{self.alignment}'; {nearest(self.alignment, ALIGNMENTS)}")
        matched(source, target)
        y = labels_of(source)
        self.classes_ = np.unique(y)
        self.aligned_ = ALIGNMENTS[self.alignment]().fit(source, target)
        z_s = matrix(self.aligned_.transform(source.x, domain="source"))
        member = like(y[:, None] == self.classes_, z_s)
        self.centres_ = (member.T @ z_s) / member.sum(0)[:, None]
        self.prices_ = prices(self._distances(target.x))
        return self

    def _distances(self, x: Any) -> np.ndarray:
        z = matrix(self.aligned_.transform(x))
        return np.sqrt(as_numpy(squared_distances(z, like(self.centres_, z))))

    def predict_proba(self, x: Any) -> np.ndarray:
        choice_of = (self._distances(x) - self.prices_).argmin(1)
        return np.eye(len(self.classes_))[choice_of]


def prices(distance: np.ndarray) -> np.ndarray:
    """``(K,)`` dual prices of the programme for ``(n, K)`` distances: 0 for classes with more than one sample.

    Optimal prices form a polytope; this is a point in its interior, for which all avoidable ties are broken.
    """
    n, classes = distance.shape
    if n < classes:
        return np.zeros(classes)
    label = distance.argmin(1)
    detour = distance - distance.min(1, keepdims=True)
    owner, sample = linear_sum_assignment(detour.T)
    label[sample] = owner
    # lengths from b to c bound u_c - u_b: if the difference were larger, a sample of b would be assigned to c;
    # an additional node has price 0, below every price and equal to those of classes with more than one sample
    length = np.array([(distance[label == b] - distance[label == b, b, None]).min(0) for b in range(classes)])
    alone = np.bincount(label, minlength=classes) == 1
    length = np.block([[length, np.zeros((classes, 1))], [np.where(alone, np.inf, 0.0), np.zeros(1)]])
    for k in range(classes + 1):
        length = np.minimum(length, length[:, k, None] + length[k])
    # shortest paths from any node are prices, and those from c leave slack in all upper bounds on c
    inside: np.ndarray = np.maximum(length[:-1, :-1] - length[:-1, -1:], 0.0).mean(axis=0)
    return inside
