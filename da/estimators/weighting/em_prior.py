"""Class priors by expectation maximisation."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator

from da.bounds import Count, NonNegative, ProperFraction
from da.domain import Domain
from da.errors import UsageError, nearest
from da.estimators.arrays import as_numpy
from da.estimators.base import matched
from da.estimators.classifiers.choice import settled
from da.estimators.weighting.label_shift import LabelShift, cross_outputs, fitted, outputs
from da.search_space import choice
from da.setting import ALL, Access

CALIBRATIONS = ("none", "temperature", "bias_corrected")
TINY = 1e-12


class EMPrior(LabelShift):
    r"""Estimate the target's class priors by maximum likelihood from a classifier's probabilities.

    .. math:: q^{(s + 1)}(y) = \frac{1}{n_t} \sum_j
       \frac{q^{(s)}(y) / p(y) \, f_y(x^t_j)}{\sum_{y'} q^{(s)}(y') / p(y') \, f_{y'}(x^t_j)}

    from :math:`q^{(0)} = p`, the source's priors. The likelihood is concave, so that the start does not matter. Costs
    :math:`O(n_t K)` an iteration.

    Args:
        classifier: f, which must predict probabilities; None is the run's classifier, or, outside a run, logistic
            regression on standardised inputs.
        calibration: correction of f's probabilities, fitted to its predictions in five-fold cross-validation on the
            source: ``none``; ``temperature`` divides their logarithms by one number; ``bias_corrected`` then adds a
            bias to every class. The method needs calibrated probabilities, which networks do not give.
        tol: stop when the priors change by less (sum of absolute changes).
        max_iter: largest number of iterations.
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).

    Reference: Saerens, Latinne & Decaestecker, Adjusting the outputs of a classifier to new a priori probabilities: a
    simple procedure, Neural Computation 2002; calibration: Alexandari, Kundaje & Shrikumar, Maximum likelihood with
    bias-corrected calibration is hard-to-beat at label shift adaptation, ICML 2020.

    Deviates: the papers correct a classifier's outputs by the new priors; here a new classifier is trained on the
    weighted source.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"calibration": choice(*CALIBRATIONS)}

    def __init__(
        self,
        *,
        classifier: BaseEstimator | None = None,
        calibration: Literal["none", "temperature", "bias_corrected"] = "bias_corrected",
        tol: NonNegative = 1e-8,
        max_iter: Count = 1000,
        min_effective: ProperFraction | Literal["auto"] = "auto",
    ):
        self.classifier, self.calibration, self.tol, self.max_iter = classifier, calibration, tol, max_iter
        self.min_effective = min_effective

    def fit(self, source: Domain, target: Domain) -> Self:
        """Learn ``class_weights_``, ``target_priors_``, ``weights_`` and ``n_iter_``.

        Raises:
            UsageError: the calibration is unknown.
        """
        if self.calibration not in CALIBRATIONS:
            raise UsageError(f"There is no calibration '{self.calibration}'; {nearest(self.calibration, CALIBRATIONS)}")
        x_s, x_t = matched(source, target)
        index, priors = self._classes(source)
        classifier = settled(self.classifier, as_numpy(x_s), index)
        model = fitted(classifier, as_numpy(x_s), index)
        proba = outputs(model, as_numpy(x_t), len(priors), soft=True)
        if self.calibration != "none":
            held_out = cross_outputs(classifier, x_s, index, x_t, soft=True).source
            scale, bias = calibrate(held_out, index, biased=self.calibration == "bias_corrected")
            proba = softmax(scale * np.log(np.maximum(proba, TINY)) + bias, axis=1)
        proba = np.maximum(proba, TINY)
        ratio = np.ones(len(priors))
        self.n_iter_ = 0
        for _ in range(self.max_iter):
            self.n_iter_ += 1
            posterior = proba * ratio
            new = (posterior / posterior.sum(1, keepdims=True)).mean(0) / priors
            change = priors @ np.abs(new - ratio)
            ratio = new
            if change < self.tol:
                break
        self._set_class_weights(ratio, index, priors, x_s, x_t)
        return self


def calibrate(proba: np.ndarray, index: np.ndarray, *, biased: bool) -> tuple[float, np.ndarray]:
    """Inverse temperature and ``(K,)`` biases (0 unless ``biased``) of maximum likelihood on ``(n, K)`` outputs."""
    logits = np.log(np.maximum(proba, TINY))
    n, k = logits.shape
    hot = np.eye(k)[index]

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scores = log_softmax(parameters[0] * logits + parameters[1:], axis=1)
        slope = (np.exp(scores) - hot) / n
        value = -np.sum(scores * hot) / n
        return float(value), np.r_[np.sum(slope * logits), slope.sum(0) if biased else np.zeros(k)]

    bounds = [(1e-3, 1e2), *[(-20.0, 20.0)] * k]  # finite even if all predictions are right, or a class never is
    optimum = minimize(
        loss, np.r_[1.0, np.zeros(k)], jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14}
    )
    return float(optimum.x[0]), np.asarray(optimum.x[1:])
