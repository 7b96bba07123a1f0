"""The contract of a closed-form estimator.

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
    """What all closed-form estimators share.

    Attributes:
        needs: what ``fit`` may look at.
        search_space: ranges to search hyper-parameters in.
        corrects: the shifts of :class:`~da.data.toy.Toy` that it is built for; on one of them at least it must beat
            the same classifier without transfer.
        exempt: names of common checks that cannot hold by the method's definition, each with its reason.
        single_step: it learns in one step, from whole domains.
        trains_weighted: the classifier of the run is trained with sample weights, so it must take them.
        regression: stated as True by what predicts numbers; it has no YAML, as data of the catalogue are of classes.
    """

    needs: ClassVar[Access]
    search_space: ClassVar[Space] = {}
    corrects: ClassVar[tuple[str, ...]] = ("rotation", "subspace")
    exempt: ClassVar[dict[str, str]] = {}
    trains_weighted: ClassVar[bool] = False
    single_step: ClassVar[bool] = True

    def fit(self, *domains: Any, **_: Any) -> Self:
        """Learn from domains; nothing beyond ``needs`` is touched.

        Implemented as ``fit(source, target)``, or ``fit(source, target, labelled)`` where ``needs`` says
        ``target_y=FEW``: the source is a :class:`~da.domain.Domain` (a tuple of them where ``needs`` says
        ``sources=MANY``), the target has no labels, and the few labelled target samples come apart.
        """
        raise NotImplementedError


class Weighting(Estimator):
    """Learns ``weights_``: ``(n_s,)``, at least 0, with mean 1; the source so weighted resembles the target.

    Estimated ratios rest on few samples where domains hardly overlap, and so does what is trained on them. A weighting
    that takes ``min_effective`` draws its weights towards 1 until so large a share of the source is in effect.

    Attributes:
        min_effective: smallest effective sample size as a share of the source, in [0, 1), or ``"auto"``, which asks for
            ten samples a feature (:func:`share_of`); 0 leaves weights alone.
        trust_: share of the estimated weights' distance from 1 that is left, in [0, 1].
        estimated_sample_size_: effective sample size of the weights as they were estimated.
    """

    corrects = ("covariate",)
    trains_weighted = True
    min_effective: float | Literal["auto"] = 0.0
    weights_: np.ndarray

    def _set_weights(self, raw: Any, x: Any) -> None:
        """Keep the weights of ``(n, d)`` source inputs, brought to mean 1 and drawn towards it as far as asked."""
        least = share_of(self.min_effective, *x.shape)
        raw = np.maximum(np.asarray(as_numpy(raw), dtype=np.float64), 0.0)
        if not np.isfinite(raw).all() or raw.sum() <= 0.0:
            raise DataError(
                f"{type(self).__name__} found no finite positive weight: source and target do not overlap under its "
                "kernel or model; widen the bandwidth, regularise more, or standardize the features."
            )
        raw = raw / raw.max()  # the sum of huge weights stays finite
        raw = raw * (len(raw) / raw.sum())
        self.estimated_sample_size_ = effective_sample_size(raw)
        self.weights_, self.trust_ = limited(raw, least)

    @property
    def effective_sample_size_(self) -> float:
        r"""Kish's :math:`(\sum w)^2 / \sum w^2`, in samples: at most ``n_s``, and near 1 for a degenerate weighting."""
        return effective_sample_size(self.weights_)


class FeatureMapping(Estimator):
    """Learns to bring both domains into one space.

    Attributes:
        target_stays: target inputs are left as they are, and the source is moved to them.
    """

    target_stays: ClassVar[bool] = False

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        """Map ``(n, d)`` inputs of the ``source`` or the ``target`` to ``(n, d')``."""
        raise NotImplementedError

    def unmoved(self, x: Any) -> Any:
        """Source inputs as they were before they were moved to the target; None where both domains are mapped alike.

        A classifier that chooses its C does so on these. Among samples that were all moved by what was learnt from all
        of them, those held out are as easy to tell apart as the others, and directions that alignment made small are
        told by a C that is far too large for the target, in which they are not.
        """
        return rows(x) if self.target_stays else None


class Predictor(Estimator):
    """Learns ``classes_`` and answers for target samples by itself, with no classifier after it.

    One that trains classifiers of its own takes ``classifier``: None stands for the classifier of the run, and, used
    alone, for what the method's paper uses.
    """

    classes_: np.ndarray

    def predict_proba(self, x: Any) -> np.ndarray:
        """``(n, K)`` probabilities (or shares of a vote) of target inputs, in the order of ``classes_``."""
        raise NotImplementedError

    def predict(self, x: Any) -> np.ndarray:
        """``(n,)`` labels of target inputs."""
        labels: np.ndarray = self.classes_[np.asarray(self.predict_proba(x)).argmax(1)]
        return labels


def matched(source: Domain, target: Domain) -> tuple[Any, Any]:
    """Both inputs as matrices with the same number of columns.

    Raises:
        DataError: the numbers differ, or a domain is empty.
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
    """The labels of a domain.

    Raises:
        DataError: there are none, or not one a sample.
    """
    if source.y is None:
        raise DataError(f"The {what} has no labels, and this estimator learns from them; give `y`.")
    y = as_numpy(source.y)
    if y.shape != (len(source),):
        raise DataError(f"The {what} has {len(source)} samples but labels of shape {y.shape}; give one label each.")
    return y


def classify(classifier: BaseEstimator | None, z: Any, y: np.ndarray, queries: Any) -> np.ndarray:
    """``(m,)`` labels of queries, by a fresh copy of a classifier trained on ``(n, k)`` rows; None is 1-NN."""
    model = KNeighborsClassifier(1) if classifier is None else clone(classifier)
    labels: np.ndarray = model.fit(as_numpy(z), y).predict(as_numpy(queries))
    return labels


def share_of(min_effective: float | str, n: int, d: int) -> float:
    r"""The share of n samples of d features that a weighting has to leave in effect.

    .. math:: s = \min\Big(\max\Big(\frac{10 \, d}{n}, \; 0.1\Big), \; 0.9\Big)

    where it is ``"auto"``. The error of a classifier of d parameters, trained on weighted samples, is bounded by their
    effective number a parameter (Cortes, Mansour & Mohri, Learning bounds for importance weighting, NeurIPS 2010), and
    ten samples a parameter is the common rule (Peduzzi et al., Journal of Clinical Epidemiology 49, 1996). The numbers
    were chosen on the simulated shifts (2 features) and WISDM (43 features) alone. Under the simulated covariate shift
    any share up to 0.2 keeps all that weights gain, and a half of the source loses most of it; on WISDM, where users
    differ in what weights of samples do not correct, the mean over twelve weightings was 4.5 points below no weighting
    at 0, 1.4 at 0.5, 0.5 at 0.9, and 0.2 at 0.95 (one split; 7.1, 2.4, 0.8 and 0.6 when the share was chosen).

    Raises:
        UsageError: it is neither "auto" nor in [0, 1).
    """
    if min_effective == "auto":
        return min(max(PER_FEATURE * d / n, LEAST), MOST)
    if not isinstance(min_effective, int | float) or not 0.0 <= min_effective < 1.0:
        raise UsageError(f"`min_effective` must be at least 0 and below 1, or 'auto', got {min_effective!r}.")
    return float(min_effective)


def limited(weights: np.ndarray, least: float) -> tuple[np.ndarray, float]:
    r"""Weights drawn towards 1 just so far that their effective sample size is at least a share s of their number.

    .. math:: w'_i = 1 + a (w_i - 1), \qquad a = \min\Big(1, \sqrt{\frac{1 / s - 1}{v}}\Big), \quad
       v = \frac{1}{n} \sum_i (w_i - 1)^2, \qquad \frac{n_{\text{eff}}(w')}{n} = \frac{1}{1 + a^2 v}

    This is the weighted risk mixed with the plain one. Powers :math:`w^t` (Shimodaira, Journal of Statistical Planning
    and Inference 90, 2000) cannot revive weights of 0, and did worse on WISDM at equal effective sample sizes.

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
