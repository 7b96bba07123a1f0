"""Balanced distribution adaptation."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import Count, Fraction, Positive, Seed
from da.domain import Domain
from da.errors import UsageError
from da.estimators.base import labels_of
from da.estimators.subspace.contrasts import grouped
from da.estimators.subspace.mmd_components import JointComponents
from da.estimators.subspace.rounds import Labeller
from da.search_space import choice, log_uniform, uniform
from da.setting import ALL, Access


class BDA(JointComponents):
    r"""Match marginal and class-conditional means in a shared subspace, with a weight that balances the two.

    .. math:: \max_W \operatorname{tr} W^\top K H K W \quad
       \text{s.t. } W^\top (K M K + \lambda I) W = I, \qquad
       M \propto (1 - \mu) C M_0 + \mu \sum_{c=1}^C M_c, \; \|M\|_F = 1

    with :math:`M_c = e_c e_c^\top` as in :class:`~da.estimators.subspace.jda.JDA`, to which :math:`\mu = 1/2` is equal
    except for the first round: here the first pseudo-labels are predicted in the input space. In the weighted version
    (W-BDA), both parts of :math:`e_c` are multiplied by the square root of the share of class c in their domain, so
    that rare classes count less:
    :math:`e_c = \sqrt{P(y_s = c)} / n_s^c` on the source, :math:`-\sqrt{P(y_t = c)} / n_t^c` on the target. Costs are
    those of JDA.

    Args:
        n_components: k, dimension of the result; at most what has variance.
        regularization: :math:`\lambda`, in units of the squared kernel matrix.
        mu: :math:`\mu`, from 0 (marginal means only) to 1 (class-conditional means only).
        weighted: use W-BDA.
        kernel: ``linear``, ``rbf`` or ``primal``, as in TCA.
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance of pooled samples.
        features: of ``rbf``, number of Nyström landmarks; None is exact up to 12 000 samples and 1000 beyond.
        rounds: largest number of rounds; it stops earlier when the labels no longer change.
        classifier: predicts the pseudo-labels of the target; None is 1-nearest-neighbour.
        normalize: scale the rows of inputs and result to unit length.
        random_state: of the random landmarks.

    Reference: Wang et al., Balanced distribution adaptation for transfer learning, ICDM 2017, algorithm 1.

    Deviates: as in the authors' code, :math:`M_0` counts C times and M has unit Frobenius norm. That code also mixes
    each round's M with the last one's, uses a ratio of class shares in place of the weights above, ignores :math:`\mu`
    where weighted, and has first pseudo-labels only there; none of this is in the paper, and none is done here. The
    scale is that of JDA.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "regularization": log_uniform(1e-3, 1e3),
        "n_components": choice(10, 20, 50, 100),
        "mu": uniform(0.0, 1.0),
    }

    def __init__(
        self,
        *,
        n_components: Count = 100,
        regularization: Positive = 0.1,
        mu: Fraction = 0.5,
        weighted: bool = False,
        kernel: Literal["primal", "linear", "rbf"] = "primal",
        bandwidth: Positive | None = None,
        features: Count | None = None,
        rounds: Count = 10,
        classifier: BaseEstimator | None = None,
        normalize: bool = True,
        random_state: Seed = 0,
    ):
        self.n_components, self.regularization, self.mu, self.weighted = n_components, regularization, mu, weighted
        self.kernel, self.bandwidth, self.features = kernel, bandwidth, features
        self.rounds, self.classifier, self.normalize, self.random_state = rounds, classifier, normalize, random_state

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``embedding_``, and set ``n_rounds_``, the number of rounds.

        Raises:
            UsageError: ``mu`` is outside [0, 1].
        """
        if not 0.0 <= self.mu <= 1.0:
            raise UsageError(f"BDA needs `mu` from 0 to 1, got {self.mu}.")
        y = labels_of(source)
        rows = self._rows(source, target)
        x = rows.all()
        guess = Labeller(self.classifier)(x[: len(y), :], y, x[len(y) :, :])
        self._alternate(self._space(source, target), y, guess)
        return self

    def _contrasts(self, counts_s: np.ndarray, counts_t: np.ndarray) -> np.ndarray:
        return grouped(counts_s, counts_t, len(counts_s) * (1.0 - self.mu), self.mu, priors=self.weighted)
