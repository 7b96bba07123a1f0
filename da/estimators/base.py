"""Base classes of closed-form estimators.

An estimator states ``needs``, keeps hyper-parameters as they were given (scikit-learn's ``clone`` and ``set_params``
work), and implements :meth:`Estimator.fit`. What it learns decides what it is: a :class:`Weighting` leaves
``weights_``, a :class:`FeatureMapping` implements ``transform``, a :class:`Predictor` answers for the target by itself.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import KNeighborsClassifier

from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.arrays import as_numpy, matrix, rows
from da.estimators.sample_size import effective_sample_size
from da.search_space import Space
from da.setting import Access

PER_FEATURE = 10
LEAST, MOST = 0.1, 0.9

__all__ = ["Estimator", "FeatureMapping", "Predictor", "Weighting", "classify", "matched", "matrix"]


class Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base class of all closed-form estimators.

    Attributes:
        needs: what ``fit`` may look at.
        search_space: ranges to search hyper-parameters in.
        corrects: the shifts of :class:`~da.data.toy.Toy` that it is built for; on one of them at least it must beat
            the same classifier without transfer.
        exempt: names of common checks that cannot hold by the method's definition, each with its reason.
        single_step: it learns in one step, from whole domains.
        trains_weighted: whether the run's classifier is trained with sample weights, so that it must accept them.
        regression: True for regressors; they have no YAML, as the catalogue's data sets are for classification.
    """

    needs: ClassVar[Access]
    search_space: ClassVar[Space] = {}
    corrects: ClassVar[tuple[str, ...]] = ("rotation", "subspace")
    exempt: ClassVar[dict[str, str]] = {}
    trains_weighted: ClassVar[bool] = False
    single_step: ClassVar[bool] = True

    def fit(self, *domains: Any, **_: Any) -> Self:
        """Learn from domains; inputs and labels beyond ``needs`` are not used.

        Implemented as ``fit(source, target)``, or ``fit(source, target, labelled)`` where ``needs`` has
        ``target_y=FEW``: the source is a :class:`~da.domain.Domain` (a tuple of them where ``needs`` has
        ``sources=MANY``), the target has no labels, and the few labelled target samples are a domain of their own.
        """
        raise NotImplementedError


class Weighting(Estimator):
    """Estimator of source weights ``weights_``, ``(n_s,)``, at least 0, with mean 1, that match source and target.

    Where domains hardly overlap, a few samples have nearly all of the weight, and a classifier trained on them has a
    large variance. A weighting with the parameter ``min_effective`` shrinks its weights towards 1 until the effective
    sample size is at least this share of the source.

    Attributes:
        min_effective: smallest effective sample size as a share of the source, in [0, 1), or ``"auto"`` for ten
            samples per feature (:func:`share_of`); 0 does not shrink weights.
        trust_: factor by which the weights' differences from 1 were shrunk, in [0, 1].
        estimated_sample_size_: effective sample size of the weights before shrinkage.
    """

    corrects = ("covariate",)
    trains_weighted = True
    min_effective: float | Literal["auto"] = 0.0
    weights_: np.ndarray

    def _set_weights(self, raw: Any, x: Any) -> None:
        """Set the weights of ``(n, d)`` source inputs, scaled to mean 1 and shrunk towards it by ``min_effective``."""
        least = share_of(self.min_effective, *x.shape)
        raw = np.maximum(np.asarray(as_numpy(raw), dtype=np.float64), 0.0)
        if not np.isfinite(raw).all() or raw.sum() <= 0.0:
            raise DataError(
                f"{type(self).__name__} found no finite positive weight: source and target do not overlap under its "
                "kernel or model; widen the bandwidth, regularise more, or standardize the features."
            )
        raw = raw / raw.max()  # so that the sum of huge weights is finite
        raw = raw * (len(raw) / raw.sum())
        self.estimated_sample_size_ = effective_sample_size(raw)
        self.weights_, self.trust_ = limited(raw, least)

    @property
    def effective_sample_size_(self) -> float:
        r"""Kish's :math:`(\sum w)^2 / \sum w^2`, in samples: at most ``n_s``, and near 1 for a degenerate weighting."""
        return effective_sample_size(self.weights_)


class FeatureMapping(Estimator):
    """Estimator of a map of both domains into a common space.

    Attributes:
        target_stays: whether target inputs are unchanged, and the source is mapped to them.
    """

    target_stays: ClassVar[bool] = False

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        """Map ``(n, d)`` inputs of the ``source`` or the ``target`` to ``(n, d')``."""
        raise NotImplementedError

    def unmoved(self, x: Any) -> Any:
        """Source inputs before they were mapped to the target; None where both domains are mapped by the same map.

        A classifier that chooses its C by cross-validation does so on these inputs. Mapped samples would bias the
        choice: the map is learnt from all of them, so that held-out ones are as easy to classify as the others, and
        directions that alignment scaled down need a C that is far too large for the target, where they are not small.
        """
        return rows(x) if self.target_stays else None


class Predictor(Estimator):
    """Estimator that predicts labels of target samples itself, without a classifier after it, and sets ``classes_``.

    If it trains classifiers internally, it has a parameter ``classifier``: None is the run's classifier, or, outside a
    run, the one that the method's paper uses.
    """

    classes_: np.ndarray

    def predict_proba(self, x: Any) -> np.ndarray:
        """``(n, K)`` class probabilities (or shares of a vote) of target inputs, in the order of ``classes_``."""
        raise NotImplementedError

    def predict(self, x: Any) -> np.ndarray:
        """``(n,)`` labels of target inputs."""
        labels: np.ndarray = self.classes_[np.asarray(self.predict_proba(x)).argmax(1)]
        return labels


def matched(source: Domain, target: Domain) -> tuple[Any, Any]:
    """Inputs of both domains as matrices, checked to have the same number of columns.

    Raises:
        DataError: the numbers of columns differ, or a domain is empty.
    """
    x_s, x_t = matrix(source.x), matrix(target.x)
    for x, name in ((x_s, "source"), (x_t, "target")):
        if x.shape[0] == 0:
            raise DataError(f"The {name} is empty; every domain needs at least one sample.")
    if x_s.shape[1] != x_t.shape[1]:
        raise DataError(
            f"Source inputs have {x_s.shape[1]} features and target inputs {x_t.shape[1]}; "
            "bring them to one space, or use a heterogeneous method."
        )
    return x_s, x_t


def labels_of(source: Domain, what: str = "source") -> np.ndarray:
    """Labels of a domain, checked to exist.

    Raises:
        DataError: there are none, or not one per sample.
    """
    if source.y is None:
        raise DataError(f"The {what} has no labels, and this estimator learns from them; give `y`.")
    y = as_numpy(source.y)
    if y.shape != (len(source),):
        raise DataError(f"The {what} has {len(source)} samples but labels of shape {y.shape}; give one label each.")
    return y


def classify(classifier: BaseEstimator | None, z: Any, y: np.ndarray, queries: Any) -> np.ndarray:
    """``(m,)`` labels of queries predicted by a new copy of a classifier trained on ``(n, k)`` rows; None is 1-NN."""
    model = KNeighborsClassifier(1) if classifier is None else clone(classifier)
    labels: np.ndarray = model.fit(as_numpy(z), y).predict(as_numpy(queries))
    return labels


def share_of(min_effective: float | str, n: int, d: int) -> float:
    r"""Smallest effective sample size of a weighting as a share of n samples of d features.

    .. math:: s = \min\Big(\max\Big(\frac{10 \, d}{n}, \; 0.1\Big), \; 0.9\Big)

    for ``"auto"``. The error of a classifier of d parameters, trained on weighted samples, is bounded in terms of their
    effective number per parameter (Cortes, Mansour & Mohri, Learning bounds for importance weighting, NeurIPS 2010),
    and ten samples per parameter is the common rule (Peduzzi et al., Journal of Clinical Epidemiology 49, 1996). The
    numbers were chosen on the simulated shifts (2 features) and WISDM (43 features) alone. Under the simulated
    covariate shift any share up to 0.2 keeps the whole gain of weighting, and a share of one half loses most of it; on
    WISDM, where users differ in ways that sample weights do not correct, the mean over twelve weightings was 4.5 points
    below no weighting at 0, 1.4 at 0.5, 0.5 at 0.9, and 0.2 at 0.95 (one split; 7.1, 2.4, 0.8 and 0.6 when the share
    was chosen).

    Raises:
        UsageError: the value is neither "auto" nor in [0, 1).
    """
    if min_effective == "auto":
        return min(max(PER_FEATURE * d / n, LEAST), MOST)
    if not isinstance(min_effective, int | float) or not 0.0 <= min_effective < 1.0:
        raise UsageError(f"`min_effective` must be at least 0 and below 1, or 'auto', got {min_effective!r}.")
    return float(min_effective)


def limited(weights: np.ndarray, least: float) -> tuple[np.ndarray, float]:
    r"""Shrink weights towards 1, as little as needed for an effective sample size of at least a share s of them.

    .. math:: w'_i = 1 + a (w_i - 1), \qquad a = \min\Big(1, \sqrt{\frac{1 / s - 1}{v}}\Big), \quad
       v = \frac{1}{n} \sum_i (w_i - 1)^2, \qquad \frac{n_{\text{eff}}(w')}{n} = \frac{1}{1 + a^2 v}

    The weighted risk becomes a mixture of the weighted and the unweighted one. Powers :math:`w^t` (Shimodaira, Journal
    of Statistical Planning and Inference 90, 2000) leave weights of 0 at 0, and were worse on WISDM at equal effective
    sample sizes.

    Args:
        weights: ``(n,)`` w, with mean 1.
        least: s, in [0, 1).

    Returns:
        ``(n,)`` weights, with mean 1, and a.
    """
    variance = float(np.mean(np.square(weights - 1.0)))
    if least * (1.0 + variance) <= 1.0:
        return weights, 1.0
    trust = math.sqrt((1.0 / least - 1.0) / variance)
    return 1.0 + trust * (weights - 1.0), trust
