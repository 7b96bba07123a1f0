"""Information-theoretical learning of discriminative clusters."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.optimize import minimize

from da.bounds import Count, NonNegative, Positive
from da.domain import Domain
from da.estimators.arrays import as_numpy, like, namespace
from da.estimators.base import FeatureMapping, labels_of, matched, matrix
from da.estimators.kernels import squared_distances
from da.estimators.linalg import leading, principal, signed
from da.estimators.subspace.rounds import above_zero, at_least_zero, warn_of_steps
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class ITL(FeatureMapping):
    r"""Learn a metric under which the target clusters by source classes and the domains are hard to discriminate.

    .. math:: \max_L I_t(\hat Y) - \lambda I_{st}(\hat Q) \quad \text{s.t. } \operatorname{tr} L^\top L = k,
              \qquad x \mapsto x L

    L is ``(d, k)``. A random neighbour j of i is drawn with :math:`p_{ij} \propto e^{-\|L^\top (x_i - x_j)\|^2 / s^2}`:
    :math:`\hat Y` is the class of a target sample's neighbour in the source, :math:`\hat Q` the domain of any sample's
    neighbour in either domain, and I the mutual information (nats) of these with the sample, that is, the entropy of
    the mean posterior less the mean entropy of posteriors. Maximised by L-BFGS from the target's principal directions.
    Costs :math:`O((n_s + n_t)^2 k)` a step, and memory for a few times :math:`(n_s + n_t)^2` numbers.

    Args:
        n_components: k, at most the rank of the samples; None is one less than the number of classes.
        domain_weight: :math:`\lambda`.
        scale: s, in units of the inputs; None is the median distance of a target sample to its nearest source sample
            in the first subspace.
        max_iter: largest number of steps of L-BFGS.

    Reference: Shi & Sha, Information-theoretical learning of discriminative clusters for unsupervised domain
    adaptation, ICML 2012.

    Deviates: distances are in units of s, where in the paper their scale depends on preprocessing; L-BFGS replaces
    gradient descent. The authors' public code computes the first term on the source; this is the paper's, on the
    target.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"n_components": choice(None, 5, 10, 20, 40), "domain_weight": log_uniform(1e-2, 1e2)}

    def __init__(
        self,
        *,
        n_components: Count | None = None,
        domain_weight: NonNegative = 1.0,
        scale: Positive | None = None,
        max_iter: Count = 50,
    ):
        self.n_components, self.domain_weight, self.scale, self.max_iter = n_components, domain_weight, scale, max_iter

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``map_`` ``(d, k)``, its columns along the principal axes of the mapped samples, and ``objective_``.

        ``converged_`` is False, with a warning, if ``max_iter`` steps do not reach a local optimum.
        """
        above_zero(self, "n_components", "scale", "max_iter")
        at_least_zero(self, "domain_weight")
        x_s, x_t = matched(source, target)
        y_s, n_s = labels_of(source), len(x_s)
        xp = namespace(x_s)
        both = xp.concat([x_s, x_t])
        both = both - xp.mean(both, axis=0)
        basis = principal(both, min(both.shape))
        z = both @ basis
        classes = np.unique(y_s)
        start = principal(z[n_s:] - xp.mean(z[n_s:], axis=0), self.n_components or max(len(classes) - 1, 1))
        k = start.shape[1]
        scale = self.scale or spacing(z[n_s:] @ start)
        z = z / scale
        labels = like(y_s[:, None] == classes, x_s)
        is_source = np.arange(len(z)) < n_s
        domains = like(np.c_[is_source, ~is_source], x_s)

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            scaling = (k / max(float(flat @ flat), 1e-300)) ** 0.5
            l_map = like(flat.reshape(-1, k) * scaling, x_s)
            gain, up = information(l_map, z[n_s:], z[:n_s], labels)
            leak, down = information(l_map, z, None, domains)
            grad = self.domain_weight * down - up
            grad = (grad - l_map * (xp.sum(l_map * grad) / k)) * scaling
            return self.domain_weight * leak - gain, as_numpy(grad).ravel()

        options = {"maxiter": self.max_iter}
        optimum = minimize(loss, as_numpy(start).ravel(), jac=True, method="L-BFGS-B", options=options)
        best = like(optimum.x.reshape(-1, k) * (k**0.5 / np.linalg.norm(optimum.x)), x_s)
        self.objective_, self.converged_ = -float(optimum.fun), bool(optimum.success)
        warn_of_steps(self)
        axes = z @ best
        self.map_ = basis @ signed(best @ leading(axes.T @ axes, k)[1])
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        return x @ like(self.map_, x)


def spacing(z: Any) -> float:
    r""":math:`\sqrt 2 h` with the bandwidth h that Scott's rule gives ``(n, k)`` samples; 1 where these are equal."""
    xp = namespace(z)
    n, k = z.shape
    variance = float(xp.mean(xp.var(z, axis=0)))
    return (2.0 * variance) ** 0.5 * n ** (-1.0 / (k + 4.0)) or 1.0


def information(l_map: Any, samples: Any, neighbours: Any | None, groups: Any) -> tuple[float, Any]:
    """Mutual information (nats) of samples and the group of a random neighbour, and its gradient ``(d, k)`` by L.

    Args:
        l_map: ``(d, k)`` L.
        samples: ``(m, d)``.
        neighbours: ``(n, d)``; None is the samples, each without itself.
        groups: ``(n, C)`` one-hot.
    """
    xp = namespace(l_map)
    y = samples @ l_map
    y_n, x_n = (y, samples) if neighbours is None else (neighbours @ l_map, neighbours)
    shares = -squared_distances(y, y_n)
    m = shares.shape[0]
    if neighbours is None:
        shares[xp.arange(m), xp.arange(m)] = -1e300
    shares = xp.exp(shares - xp.max(shares, axis=1, keepdims=True))
    shares = shares / xp.sum(shares, axis=1, keepdims=True)
    posterior = shares @ groups
    surprise = xp.log(xp.clip(posterior, 1e-300)) - xp.log(xp.clip(xp.mean(posterior, axis=0), 1e-300))
    mean = xp.sum(posterior * surprise, axis=1, keepdims=True)
    pull = shares * (surprise @ groups.T - mean) / m  # the derivative by minus the squared distances
    grad = samples.T @ (xp.sum(pull, axis=1)[:, None] * y - pull @ y_n)
    grad = grad + x_n.T @ (xp.sum(pull, axis=0)[:, None] * y_n - pull.T @ y)
    return float(xp.sum(mean)) / m, -2.0 * grad
