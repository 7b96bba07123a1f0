"""Pipelines whose last step is trained with sample weights."""

from __future__ import annotations

from typing import Any, Self

from sklearn import config_context  # type: ignore[attr-defined]  # scikit-learn is untyped
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


class WeightedPipeline(Pipeline):  # type: ignore[misc]  # scikit-learn is untyped
    """A pipeline whose last step is trained with the sample weights passed to ``fit``."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit all steps, the last with the weights."""
        weights = {} if sample_weight is None else {f"{self.steps[-1][0]}__sample_weight": sample_weight}
        with config_context(enable_metadata_routing=False):  # else the step would have to ask for its weights
            super().fit(X, y, **weights)
        return self


def weighable(classifier: BaseEstimator) -> BaseEstimator:
    """Wrap a pipeline whose last step takes sample weights so that it takes them too; others are returned unchanged."""
    if not isinstance(classifier, Pipeline):
        return classifier
    *steps, (name, last) = classifier.steps
    last = weighable(last)
    if not has_fit_parameter(last, "sample_weight"):
        return classifier
    return WeightedPipeline([*steps, (name, last)], memory=classifier.memory)
