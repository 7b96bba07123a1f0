"""Joint geometrical and statistical alignment."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from da.bounds import Count, Positive
from da.domain import Domain
from da.estimators.arrays import like, namespace
from da.estimators.base import FeatureMapping, labels_of, matched, matrix
from da.estimators.linalg import leading, power, principal, signed
from da.estimators.subspace.contrasts import conditional, marginal
from da.estimators.subspace.rounds import Labeller, above_zero, refine
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class JGSA(FeatureMapping):
    r"""Learn coupled projections that keep target variance, separate source classes and match the domains' means.

    .. math:: \max_{A, B} \frac{\mu \operatorname{tr} B^\top S_t B + \beta \operatorname{tr} A^\top S_b A}
              {\sum_{c=0}^{C} \|A^\top X_s^\top e_s^c + B^\top X_t^\top e_t^c\|^2 + \alpha \|A - B\|_F^2
              + \mu \|B\|_F^2 + \beta \operatorname{tr} A^\top S_w A}, \qquad X_s \mapsto X_s A, \; X_t \mapsto X_t B

    A and B are ``(d, k)``, :math:`S_t` is the scatter of the target, :math:`S_b, S_w` are those between and within the
    classes of the source (sums, not means), and :math:`e^0, \dots, e^C` the vectors of the marginal and the
    class-conditional MMD. The target's labels are predicted again in each round. Costs :math:`O(n d^2 + d^3)` once and
    :math:`O(d^3)` a round (n in place of d where it is smaller), and the classifier.

    Args:
        n_components: k.
        alpha: weight of the distance between the two maps.
        mu: weight of the target's variance.
        beta: weight of the source's discrimination.
        rounds: largest number of rounds; it stops earlier when the labels no longer change.
        classifier: predicts the pseudo-labels of the target, first from the original inputs; None is
            1-nearest-neighbour.

    Reference: Zhang, Li & Ogunbona, Joint geometrical and statistical alignment for visual domain adaptation, CVPR
    2017.

    Deviates: as in the authors' code and not in the paper's text, the marginal MMD counts C times, all of the MMD is
    divided by the norm of that part, and columns of A stacked on B have length 1; the published results need all three,
    and also samples of unit length.
    """

    needs = Access(source_y=ALL, target_x=True)
    exempt = {
        "equal_domains_map_alike": "the map of the source is asked for classes and that of the target for variance; "
        "they differ on equal domains too"
    }
    search_space = {
        "n_components": choice(10, 30, 100),
        "alpha": log_uniform(1e-2, 1e2),
        "mu": log_uniform(1e-2, 1e2),
        "beta": log_uniform(1e-3, 1e1),
    }

    def __init__(
        self,
        *,
        n_components: Count = 30,
        alpha: Positive = 1.0,
        mu: Positive = 1.0,
        beta: Positive = 0.1,
        rounds: Count = 10,
        classifier: BaseEstimator | None = None,
    ):
        self.n_components, self.alpha, self.mu, self.beta = n_components, alpha, mu, beta
        self.rounds, self.classifier = rounds, classifier

    def fit(self, source: Domain, target: Domain) -> Self:
        r"""Learn ``source_map_`` A, ``target_map_`` B and the pseudo-labels ``labels_``.

        The numerator is :math:`F F^\top`, of low rank, and the denominator :math:`P + E E^\top`, where only E, of
        C + 1 columns, changes between rounds: its inverse is a low-rank update of the inverse of P.
        """
        above_zero(self, "n_components", "alpha", "mu", "beta", "rounds")
        x_s, x_t = matched(source, target)
        y_s = labels_of(source)
        xp = namespace(x_s)
        basis = principal(xp.concat([x_s, x_t]), min(len(x_s) + len(x_t), x_s.shape[1]))
        z_s, z_t = x_s @ basis, x_t @ basis
        classes, n_s, n_t, r = np.unique(y_s), len(x_s), len(x_t), basis.shape[1]
        gain, within = self._numerator(z_s, y_s, z_t, classes)
        share = self.alpha / (self.alpha + self.mu)
        inner = power(self.beta * within, -1.0, share * self.mu)

        def solve(v: Any) -> Any:
            top = inner @ (v[:r] + share * v[r:])
            return xp.concat([top, (v[r:] + self.alpha * top) / (self.alpha + self.mu)])

        solved = solve(gain)
        fixed = gain.T @ solved
        weight = (len(classes) * (1.0 / n_s + 1.0 / n_t)) ** -0.5
        first = len(classes) ** 0.5 * marginal(n_s, n_t)

        label = Labeller(self.classifier)

        def step(guess: np.ndarray) -> np.ndarray:
            contrasts = like(weight * np.c_[first, conditional(y_s, guess, classes)], x_s)
            drift = xp.concat([z_s.T @ contrasts[:n_s], z_t.T @ contrasts[n_s:]])
            moved, seen = solve(drift), solved.T @ drift
            bend = drift.T @ moved
            middle = power((bend + bend.T) / 2.0, -1.0, 1.0)
            reduced = fixed - seen @ middle @ seen.T
            _, u = leading((reduced + reduced.T) / 2.0, min(self.n_components, r))
            maps = solved @ u - moved @ (middle @ (seen.T @ u))
            size = xp.sqrt(xp.sum(maps * maps, axis=0))
            maps = signed(maps / xp.where(size > 0, size, xp.ones_like(size)))
            a, b = maps[:r], maps[r:]
            self.source_map_, self.target_map_ = basis @ a, basis @ b
            return label(z_s @ a, y_s, z_t @ b)

        self.labels_, self.n_rounds_ = refine(step, Labeller(self.classifier)(x_s, y_s, x_t), self.rounds)
        return self

    def _numerator(self, z_s: Any, y_s: np.ndarray, z_t: Any, classes: np.ndarray) -> tuple[Any, Any]:
        r"""F ``(2r, ...)`` with :math:`F F^\top` the numerator's matrix, and :math:`S_w` ``(r, r)``."""
        xp = namespace(z_s)
        member = like(y_s[:, None] == classes, z_s)
        counts = xp.sum(member, axis=0)
        means = (member.T @ z_s) / counts[:, None]
        apart = z_s - member @ means
        between = ((means - xp.mean(z_s, axis=0)) * xp.sqrt(self.beta * counts)[:, None]).T
        centred = (z_t - xp.mean(z_t, axis=0)) * self.mu**0.5
        spread = power(centred.T @ centred, 0.5) if len(z_t) > z_t.shape[1] else centred.T
        top = xp.concat([between, 0.0 * between])
        bottom = xp.concat([0.0 * spread, spread])
        return xp.concat([top, bottom], axis=1), apart.T @ apart

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        x = matrix(x)
        return x @ like(self.source_map_ if domain == "source" else self.target_map_, x)
