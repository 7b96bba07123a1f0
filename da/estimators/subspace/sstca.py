"""Semi-supervised transfer component analysis."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from da.bounds import Count, Fraction, NonNegative, Positive, Seed
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import labels_of
from da.estimators.linalg import leading
from da.estimators.subspace.contrasts import grouped, to_unit_norm
from da.estimators.subspace.mmd_components import LANDMARKS, MMDComponents
from da.estimators.subspace.mmd_spaces import Linear, scaled
from da.search_space import choice, log_uniform, uniform
from da.setting import ALL, Access

EXACT = 2000


class SSTCA(MMDComponents):
    r"""Learn transfer components that also depend on source labels and preserve local neighbourhoods.

    .. math:: \max_W \operatorname{tr} W^\top K H (\gamma K_y + (1 - \gamma) I) H K W \quad
       \text{s.t. } W^\top \Big(K \frac{M_0 + \nu / n^2 \, L}{\|M_0\|_F} K + \lambda I\Big) W = I

    with :math:`K_y` 1 between source samples of one class and 0 elsewhere (the Hilbert-Schmidt dependence on labels),
    and :math:`L = D - A` the Laplacian of the graph that joins each sample of either domain to its nearest neighbours
    with :math:`A_{ij} = e^{-\|x_i - x_j\|^2 / 2 \sigma^2}`. Without both, :math:`\gamma = \nu = 0`, it is
    :class:`~da.estimators.subspace.tca.TCA`. L stays sparse; costs :math:`O(n r^2 + r^3)`, with r the number of
    features, or n where that is smaller, and the search for neighbours.

    Args:
        n_components: k, dimension of the result; at most the number of directions with variance.
        regularization: :math:`\lambda`, in units of the squared kernel matrix.
        dependence: :math:`\gamma`, from 0 (variance alone) to 1 (dependence on labels alone).
        smoothness: :math:`\nu`, weight of the differences between neighbours.
        n_neighbors: number of neighbours of each sample.
        kernel: ``linear``, ``rbf`` or ``primal``, as in TCA.
        bandwidth: :math:`\sigma` of the graph, and of ``rbf``, :math:`e^{-\|a - b\|^2 / 2 \sigma^2}`, in units of the
            inputs (scikit-learn's ``gamma`` is :math:`1 / 2 \sigma^2`); None is the median distance of pooled samples.
        features: of ``rbf``, number of Nyström landmarks; None is exact up to 2000 samples and 1000 beyond.
        normalize: scale the rows of inputs and result to unit length.
        random_state: of the random landmarks.

    Reference: Pan, Tsang, Kwok & Yang, Domain adaptation via transfer component analysis, IEEE TNN 2011, section on
    semi-supervised TCA.

    Deviates: scale and norm as in TCA.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {
        "regularization": log_uniform(1e-3, 1e3),
        "n_components": choice(10, 20, 50, 100),
        "dependence": uniform(0.0, 1.0),
        "smoothness": log_uniform(1e-2, 1e4),
    }

    def __init__(
        self,
        *,
        n_components: Count = 100,
        regularization: Positive = 1.0,
        dependence: Fraction = 0.5,
        smoothness: NonNegative = 100.0,
        n_neighbors: Count = 10,
        kernel: Literal["primal", "linear", "rbf"] = "linear",
        bandwidth: Positive | None = None,
        features: Count | None = None,
        normalize: bool = False,
        random_state: Seed = 0,
    ):
        self.n_components, self.regularization, self.dependence = n_components, regularization, dependence
        self.smoothness, self.n_neighbors, self.kernel, self.bandwidth = smoothness, n_neighbors, kernel, bandwidth
        self.features, self.normalize, self.random_state = features, normalize, random_state

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``embedding_``.

        Raises:
            UsageError: ``dependence`` is outside [0, 1], ``smoothness`` below 0, or ``n_neighbors`` below 1.
        """
        if not 0.0 <= self.dependence <= 1.0:
            raise UsageError(f"SSTCA needs `dependence` from 0 to 1, got {self.dependence}.")
        if self.smoothness < 0.0 or self.n_neighbors < 1:
            raise UsageError(
                f"SSTCA needs `smoothness` at least 0 and `n_neighbors` above 0, got {self.smoothness} and "
                f"{self.n_neighbors}."
            )
        rows = self._rows(source, target)
        bandwidth = self._bandwidth(rows)
        inputs, n = rows.all(), rows.n
        if self.kernel == "rbf":
            size = self.features or (n if n <= EXACT else LANDMARKS)
            space = self._approximate(rows, bandwidth, size)
        else:
            space = Linear(rows, dual=self.kernel == "linear")
        sizes = np.array([len(source), len(target)])
        contrasts = to_unit_norm(grouped(sizes[:1], sizes[1:]), sizes)
        r = space.project(None, contrasts)
        penalty = r @ r.T
        if self.smoothness > 0:
            z = space.coordinates()
            smooth = like(laplacian(as_numpy(inputs), self.n_neighbors, bandwidth) @ as_numpy(z), z)
            penalty = penalty + z.T @ smooth * (self.smoothness / n**2 / (1 / sizes).sum())
        g = space.project(*self._labels(labels_of(source), n))
        scatter = (1.0 - self.dependence) * space.scatter + self.dependence * (g @ g.T)
        xp = namespace(penalty)
        values, q = xp.linalg.eigh((penalty + penalty.T) / 2.0)
        white = q / xp.sqrt(xp.clip(values, 0.0) + self.regularization)
        a = white.T @ scatter @ white
        values, v = leading((a + a.T) / 2.0, self.n_components)
        space.use(scaled(values, white @ v, n))
        self.embedding_ = space.embedding(self.normalize)
        return self

    @staticmethod
    def _labels(y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Groups (the target is the last) and ``(C + 1, C)`` centred columns Y with :math:`H K_y H = Y Y^T`."""
        classes, of_s = np.unique(y, return_inverse=True)
        groups = np.concatenate([of_s, np.full(n - len(y), len(classes))])
        member = np.eye(len(classes) + 1, len(classes))
        return groups, member - np.bincount(of_s, minlength=len(classes)) / n


def laplacian(x: np.ndarray, n_neighbors: int, bandwidth: float) -> Any:
    """``(n, n)`` sparse Laplacian of the graph in which either of two samples is among the other's nearest."""
    n = len(x)
    distance, index = NearestNeighbors(n_neighbors=min(n_neighbors, n - 1)).fit(x).kneighbors()
    near = np.exp(-np.square(distance / bandwidth) / 2.0)
    place = (np.repeat(np.arange(n), index.shape[1]), index.ravel())
    affinity = sparse.coo_array((near.ravel(), place), shape=(n, n)).tocsr()
    affinity = affinity.maximum(affinity.T)
    return sparse.diags_array(affinity.sum(axis=1)) - affinity
