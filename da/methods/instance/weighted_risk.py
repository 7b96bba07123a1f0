"""Importance-weighted risk minimisation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from torch.nn.functional import cross_entropy

from da.domain import Batch, Domain
from da.estimators.base import Weighting
from da.estimators.weighting.kmm import KMM
from da.inference import predict
from da.methods.base import Method, Terms
from da.setting import ALL, Access
from da.space import choice

DEGENERATE = 0.02


class WeightedRisk(Method):
    r"""Train on the source with each sample weighted by an estimate of the density ratio.

    .. math:: \min_\theta \frac{1}{n_s} \sum_i w(x_i) \, \ell(x_i, y_i; \theta), \quad w(x) \approx p_t(x) / p_s(x)

    Args:
        weighting: a closed-form weighting, by the name of its entry (``kmm``, ``logistic_ratio``, ...) or as an
            object; None is KMM with its defaults.
        on_features: weigh by the network's own features instead of the inputs.
        refresh: epochs after which weights on features are estimated anew.

    Reference: Shimodaira, Improving predictive inference under covariate shift, JSPI 2000, eq. 2.1.

    The effective sample size is recorded; a weighting that leaves less than 2 % of the samples warns.
    """

    needs = Access(source_y=ALL, target_x=True)
    space = {"refresh": choice(1, 2, 5)}

    def __init__(self, *, weighting: Weighting | None = None, on_features: bool = False, refresh: int = 1):
        super().__init__()
        self.weighting = KMM() if weighting is None else weighting
        self.on_features, self.refresh = on_features, refresh
        self.weights: np.ndarray | None = None

    def on_train_start(self) -> None:
        if self.weights is not None:  # resumed, maybe in the middle of an epoch
            self.apply_weights(self.weights)

    def on_train_epoch_start(self) -> None:
        due = self.on_features and self.trainer.current_epoch % self.refresh == 0
        if self.weights is None or due:
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]  # set by Lightning
            source, target = data.sources[0].without_labels(), data.target
            if self.on_features:
                source, target = (Domain(predict(self, domain)[0]) for domain in (source, target))
            self.weights = self.weighting.fit(source, target).weights_
            self.apply_weights(self.weights)

    def apply_weights(self, weights: np.ndarray) -> None:
        """Hand the weights to the data module, and record how many samples they amount to."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]  # set by Lightning
        data.reweight(weights)
        size = float(weights.sum() ** 2 / np.square(weights).sum())
        self.diagnostics = {"effective_sample_size": size}
        if size < DEGENERATE * len(weights):
            warnings.warn(
                f"The weighting is degenerate: an effective {size:.1f} of {len(weights)} source samples remain; "
                "regularise it, limit its weights, or widen its kernel.",
                stacklevel=2,
            )

    def terms(self, batch: Batch, progress: float) -> Terms:
        source = self.view(batch.source)
        loss = cross_entropy(source.logits, source.y, reduction="none")
        return {"task": loss.mean() if source.weight is None else (source.weight * loss).mean()}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["source_weights"] = None if self.weights is None else self.weights.tolist()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.weights = None if checkpoint["source_weights"] is None else np.array(checkpoint["source_weights"])
