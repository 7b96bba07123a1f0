"""Density ratio of two fitted Gaussians."""

from __future__ import annotations

from typing import Any, Literal, Self

from da.bounds import NonNegative, ProperFraction
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.arrays import namespace
from da.estimators.base import Weighting, matched
from da.estimators.linalg import EPS, covariance
from da.search_space import log_uniform
from da.setting import ALL, Access


class GaussianRatio(Weighting):
    r"""Weight by the ratio of Gaussian densities fitted to the domains.

    .. math:: w(x) = \left. \mathcal N(x; \mu_t, \Sigma_t + r I) \right/ \mathcal N(x; \mu_s, \Sigma_s + r I)

    on features scaled to unit variance over both domains; computed in logarithms. Costs
    :math:`O((n_s + n_t) d^2 + d^3)`.

    Args:
        regularization: r, in variances of the pooled features: prevents directions in which a domain has little
            variance from dominating the ratio.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).

    Reference: Shimodaira, Improving predictive inference under covariate shift by weighting the log-likelihood
    function, Journal of Statistical Planning and Inference 90, 2000.

    Deviates: the paper assumes known densities; here they are Gaussians with fitted means and covariances.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"regularization": log_uniform(1e-6, 1.0)}

    def __init__(
        self,
        *,
        regularization: NonNegative = 1e-3,
        min_effective: ProperFraction | Literal["auto"] = "auto",
    ):
        self.regularization = regularization
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``weights_``.

        Raises:
            UsageError: ``regularization`` is below 0.
        """
        if self.regularization < 0:
            raise UsageError(f"`regularization` must be at least 0, got {self.regularization}.")
        x_s, x_t = matched(source, target)
        xp = namespace(x_s)
        pooled = xp.concat([x_s, x_t])
        centre = xp.mean(pooled, axis=0)
        scale = xp.std(pooled, axis=0)
        scale = xp.where(scale > 10.0 * EPS * xp.max(xp.abs(pooled), axis=0), scale, xp.ones_like(scale))
        z_s, z_t = (x_s - centre) / scale, (x_t - centre) / scale
        log_ratio = self._log_density(z_t, z_s, "target") - self._log_density(z_s, z_s, "source")
        self._set_weights(xp.exp(log_ratio - xp.max(log_ratio)), x_s)
        return self

    def _log_density(self, fitted: Any, queries: Any, name: str) -> Any:
        """``(m,)`` log-density of queries under the Gaussian of some rows, up to a constant."""
        xp = namespace(fitted)
        values, vectors = xp.linalg.eigh(covariance(fitted))
        values = xp.clip(values, 0.0) + self.regularization
        if float(xp.min(values)) <= EPS * values.shape[0] * float(xp.max(values)):
            raise DataError(
                f"The covariance of the {name} is singular ({fitted.shape[0]} samples, {fitted.shape[1]} features), so "
                "its Gaussian has no density; raise `regularization`, or reduce the features first."
            )
        rotated = (queries - xp.mean(fitted, axis=0)) @ (vectors / xp.sqrt(values))
        return -0.5 * xp.sum(rotated * rotated, axis=1)
