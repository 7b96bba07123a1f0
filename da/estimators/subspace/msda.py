"""Marginalised stacked denoising autoencoder."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.linalg

from da.bounds import Count, NonNegative, OpenFraction, Seed
from da.domain import Domain
from da.errors import UsageError
from da.estimators.arrays import as_numpy, is_tensor, like, namespace
from da.estimators.base import FeatureMapping, matched, matrix
from da.search_space import choice, uniform
from da.setting import ALL, Access


class MSDA(FeatureMapping):
    r"""Learn features that reconstruct corrupted inputs, in closed form and in stacked layers.

    Each layer is the linear map that reconstructs z from x (in the first layer both are the inputs of both domains,
    then both are the layer before) after each feature was set to 0 with probability p, in expectation:

    .. math:: W = \arg\min_W E\, \| Z - \tilde X W \|^2 = (E[\tilde X^\top \tilde X] + r I)^{-1} E[\tilde X^\top Z],
        \qquad h = \tanh([x, 1] W)

    .. math:: E[\tilde X^\top \tilde X]_{ij} = S_{ij} q_i q_j \text{ or } S_{ii} q_i \text{ for } i = j, \qquad
        E[\tilde X^\top Z]_{ij} = q_i (X^\top Z)_{ij}, \qquad S = X^\top X, \quad q = 1 - p

    A constant feature 1, neither corrupted (q = 1) nor penalised, is the bias. The result is the input concatenated
    with all layers, :math:`(n, d + L d)`. Words of different domains that occur with the same other words have similar
    reconstructions. Costs :math:`O(n d^2 + d^3)` a layer, linear in n and without iterations.

    Args:
        corruption: p, in (0, 1), the probability that a feature is set to 0.
        layers: L.
        frequent: reconstruct only this many features, those that are non-zero in most samples, from random subsets of
            the features of about this size each, whose reconstructions are averaged; for inputs too wide for
            :math:`d^3`. None reconstructs all features from all.
        regularization: r, added to the sums of squares over samples, and so in squared units of the input.
        random_state: of the subsets, where there are several.

    Reference: Chen, Xu, Weinberger & Sha, Marginalized denoising autoencoders for domain adaptation, ICML 2012,
        section 3 and, for ``frequent``, its extension to high dimensional data.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"corruption": uniform(0.1, 0.9), "layers": choice(1, 2, 3, 5)}

    def __init__(
        self,
        *,
        corruption: OpenFraction = 0.5,
        layers: Count = 5,
        frequent: Count | None = None,
        regularization: NonNegative = 1e-5,
        random_state: Seed = 0,
    ):
        self.corruption, self.layers, self.frequent = corruption, layers, frequent
        self.regularization, self.random_state = regularization, random_state

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``maps_``, a list of matrices for each layer, and ``parts_``, the subsets of features of the first.

        Raises:
            UsageError: ``corruption`` is outside (0, 1).
        """
        if not 0.0 < self.corruption < 1.0:
            raise UsageError(f"msda needs a corruption between 0 and 1, got {self.corruption}; 0.5 is usual.")
        x_s, x_t = matched(source, target)
        h = namespace(x_s).concat([x_s, x_t])
        d = h.shape[1]
        restored, self.parts_ = h, [np.arange(d)]
        if self.frequent is not None and self.frequent < d:
            count = as_numpy(namespace(h).sum(h != 0, axis=0))
            restored = h[:, np.argsort(-count, kind="stable")[: self.frequent]]
            order = np.random.default_rng(self.random_state).permutation(d)
            self.parts_ = [np.sort(part) for part in np.array_split(order, -(-d // self.frequent))]
        self.maps_: list[list[Any]] = []
        for _ in range(self.layers):
            maps = [denoiser(x, restored, self.corruption, self.regularization) for x in self._split(h)]
            self.maps_.append(maps)
            h = restored = self._layer(h, maps)
        return self

    def _split(self, h: Any) -> list[Any]:
        return [h[:, part] for part in self.parts_] if not self.maps_ and len(self.parts_) > 1 else [h]

    def _layer(self, h: Any, maps: list[Any]) -> Any:
        parts = [h] if len(maps) == 1 else [h[:, part] for part in self.parts_]
        total = sum(part @ w[:-1] + w[-1] for part, w in zip(parts, maps, strict=True))
        return namespace(h).tanh(total / len(maps))

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        stack = [matrix(x)]
        for maps in self.maps_:
            stack.append(self._layer(stack[-1], [like(w, stack[0]) for w in maps]))
        return namespace(*stack).concat(stack, axis=1)


def denoiser(x: Any, z: Any, corruption: float, regularization: float) -> Any:
    """``(d + 1, r)`` map that reconstructs ``(n, r)`` z from corrupted ``(n, d)`` x; the last row is the bias."""
    xp = namespace(x)
    biased = xp.concat([x, xp.ones_like(x[:, :1])], axis=1)
    q = xp.full_like(biased[0], 1.0 - corruption)
    q[-1] = 1.0
    left = biased.T @ biased
    cross = left[:, :-1] if z is x else biased.T @ z
    squares = xp.linalg.diagonal(left) * q
    squares[:-1] += regularization
    scale = xp.where(squares > 0, xp.sqrt(squares), xp.ones_like(squares))  # a unit diagonal bounds the condition
    left = left * (q / scale)[:, None] * (q / scale)[None, :]  # number by about d^2 / corruption in any units
    every = xp.arange(len(q))
    left[every, every] = 1.0
    right = (q / scale)[:, None] * cross
    if is_tensor(left):
        import torch

        solved = torch.cholesky_solve(right, torch.linalg.cholesky(left))
    else:
        solved = scipy.linalg.cho_solve(scipy.linalg.cho_factor(left, overwrite_a=True), right, overwrite_b=True)
    return solved / scale[:, None]
