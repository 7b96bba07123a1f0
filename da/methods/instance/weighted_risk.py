"""Importance-weighted risk minimisation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from torch.nn.functional import cross_entropy

from da.bounds import Count
from da.domain import Batch
from da.errors import ConfigError
from da.estimators.base import Weighting
from da.estimators.sample_size import effective_sample_size
from da.estimators.weighting.kmm import KMM
from da.methods.base import Method, Spec, Terms
from da.methods.inference import predict
from da.search_space import choice
from da.setting import ALL, MANY, Access


class WeightedRisk(Method):
    r"""Train on the source with each sample weighted by an estimate of the density ratio.

    .. math:: \min_\theta \frac{1}{n_s} \sum_i w(x_i, y_i) \, \ell(x_i, y_i; \theta), \quad
       w(x, y) \approx p_t(x, y) / p_s(x, y)

    which is a ratio of p(x) alone where p(y | x) is unchanged (covariate shift), and of p(y) alone where p(x | y) is
    (label shift).

    Args:
        weighting: a closed-form weighting, by the name of its entry (``kmm``, ``logistic_ratio``, ``bbse``, ...) or as
            an object; None is KMM with its defaults.
        on_features: weigh by the network's own features instead of the inputs.
        refresh: number of epochs after which weights on features are estimated again.

    Raises:
        ConfigError: (``build``) the weighting needs what this method is not granted, such as target labels.

    Reference: Shimodaira, Improving predictive inference under covariate shift, JSPI 2000, eq. 2.1.

    The effective sample size is recorded; a warning is given if it is below 5 % of the samples.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"refresh": choice(1, 2, 5)}
    corrects = ("covariate",)

    def __init__(self, *, weighting: Weighting | None = None, on_features: bool = False, refresh: Count = 1):
        super().__init__()
        self.weighting = KMM() if weighting is None else weighting
        self.on_features, self.refresh = on_features, refresh
        self.weights: np.ndarray | None = None

    def build(self, spec: Spec) -> None:
        super().build(spec)
        if gaps := self.needs.lacks(self.weighting.needs):
            raise ConfigError(
                f"{type(self.weighting).__name__} needs {', '.join(gaps)}, which a weighted risk has not; take another."
            )

    def on_train_start(self) -> None:
        if self.weights is not None:  # resumed, possibly within an epoch
            self.apply_weights(self.weights)

    def on_train_epoch_start(self) -> None:
        due = self.on_features and self.trainer.current_epoch % self.refresh == 0
        if self.weights is None or due:
            source, target = replace(self.data.granted.source, weight=None), self.data.granted.target
            if self.on_features:
                source, target = (replace(domain, x=predict(self, domain)[0]) for domain in (source, target))
            sources = (source,) if self.weighting.needs.sources == MANY else source
            self.weights = self.weighting.fit(sources, target).weights_
            self.apply_weights(self.weights)

    def apply_weights(self, weights: np.ndarray) -> None:
        """Set the weights in the data module, and record their effective sample size."""
        self.data.reweight(weights)
        self.diagnostics = {"effective_sample_size": effective_sample_size(weights)}

    def terms(self, batch: Batch, progress: float) -> Terms:
        source = self.embed(batch.source)
        loss = cross_entropy(source.logits, source.y, reduction="none")
        return {"task": loss.mean() if source.weight is None else (source.weight * loss).mean()}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["source_weights"] = None if self.weights is None else self.weights.tolist()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.weights = None if checkpoint["source_weights"] is None else np.array(checkpoint["source_weights"])
