"""Transfer component analysis."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np

from da.bounds import Count, Positive, Seed
from da.domain import Domain
from da.estimators.subspace.contrasts import grouped, to_unit_norm
from da.estimators.subspace.mmd_components import MMDComponents
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class TCA(MMDComponents):
    r"""Learn components that keep variance and match the domains' means in a kernel space.

    .. math:: \max_W \operatorname{tr} W^\top K H K W \quad
       \text{s.t. } W^\top (K M K + \lambda I) W = I, \quad M = M_0 / \|M_0\|_F, \qquad x \mapsto W^\top k(X, x)

    with K the ``(n, n)`` kernel matrix of both domains, H the centring matrix, and :math:`M_0 = e_0 e_0^\top`, where
    :math:`e_0` is :math:`1 / n_s` on the source and :math:`-1 / n_t` on the target. Solved exactly as a symmetric
    problem: with ``linear`` or ``primal``, or with ``features``, at :math:`O(n r^2 + r^3)` and in bounded memory
    however large n (r is the number of features, or n where that is smaller): ``Domain.x`` may be a
    ``numpy.memmap``, which ``fit`` reads once, in blocks; map its parts by ``transform`` as you need them.
    An exact ``rbf`` kernel costs :math:`O(n^2 (d + k))` a pass and :math:`O(n^2)` memory.

    Args:
        n_components: k, dimension of the result; at most the number of directions with variance.
        regularization: :math:`\lambda`, in units of the squared kernel matrix.
        kernel: ``linear``; ``rbf``, the Gaussian; or ``primal``, in which W is a linear map of the features themselves
            and is penalised as such.
        bandwidth: :math:`\sigma` of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the inputs
            (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance of pooled samples.
        features: of ``rbf``, number of Nyström landmarks of an approximate kernel; None is the exact kernel up to
            12 000 samples and 1000 landmarks beyond.
        normalize: scale the rows of inputs and result to unit length.
        random_state: of the random landmarks.

    Reference: Pan, Tsang, Kwok & Yang, Domain adaptation via transfer component analysis, IEEE TNN 2011.

    Deviates: the paper's M is :math:`M_0`, so its trade-off is :math:`\lambda (1 / n_s + 1 / n_t)` here; with the norm
    of 1, as in the code of JDA's authors, the results of TCA published with JDA are reproduced to the last digit. The
    result is scaled by one factor, so that its first component has unit variance.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"regularization": log_uniform(1e-3, 1e3), "n_components": choice(10, 20, 50, 100)}

    def __init__(
        self,
        *,
        n_components: Count = 100,
        regularization: Positive = 1.0,
        kernel: Literal["primal", "linear", "rbf"] = "linear",
        bandwidth: Positive | None = None,
        features: Count | None = None,
        normalize: bool = False,
        random_state: Seed = 0,
    ):
        self.n_components, self.regularization = n_components, regularization
        self.kernel, self.bandwidth = kernel, bandwidth
        self.features, self.normalize, self.random_state = features, normalize, random_state

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``embedding_``."""
        space = self._space(source, target)
        sizes = np.array([len(source), len(target)])
        contrasts = to_unit_norm(grouped(sizes[:1], sizes[1:]), sizes)
        space.solve(None, contrasts, self.regularization, self.n_components)
        self.embedding_ = space.embedding(self.normalize)
        return self
