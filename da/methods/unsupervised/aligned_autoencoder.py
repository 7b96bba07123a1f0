"""Auto-encoder with aligned codes, whose source clusters are transferred to the target."""

from __future__ import annotations

import math

import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from da.bounds import Count, NonNegative
from da.divergences.mmd import mk_mmd
from da.domain import Batch
from da.methods.base import Method, Spec, Terms
from da.nn.networks import Output
from da.schedules import sigmoid_ramp
from da.search_space import log_uniform
from da.setting import Access


class AlignedAutoencoder(Method):
    r"""Auto-encode both domains with codes aligned by MMD, and transfer k-means clusters from source to target.

    .. math:: \| x^s - \hat x^s \|^2 + \| x^t - \hat x^t \|^2 + \lambda \, \mathrm{MMD}_K^2(z^s, z^t)

    Before each evaluation k-means clusters the source's codes; a target sample is assigned to the nearest centre, so
    that both domains share the numbering of clusters. Scored by cluster accuracy (ACC) and NMI.

    Args:
        weight: factor of the alignment term; the mean squared errors are in units of the inputs' variance.
        hidden: width of the decoder's hidden layer.

    Reference: Kan et al., Bi-shifting auto-encoder for unsupervised domain adaptation, ICCV 2015, for the shared code;
    Dai et al., Self-taught clustering, ICML 2008, for the setting.

    Deviates: our own combination of these parts: one encoder, an MMD term, clustering after training.
    """

    needs = Access(target_x=True)
    search_space = {"weight": log_uniform(1e-2, 1e1)}
    metrics = {"accuracy": "cluster_accuracy", "nmi": "cluster_information"}
    centres: Tensor

    def __init__(self, *, weight: NonNegative = 1.0, hidden: Count = 256):
        super().__init__()
        self.weight, self.hidden = weight, hidden

    def build(self, spec: Spec) -> None:
        super().build(spec)
        features = self.network.features
        self.decoder = nn.Sequential(
            nn.Linear(features, self.hidden), nn.ReLU(), nn.Linear(self.hidden, math.prod(spec.shape))
        )
        self.register_buffer("centres", torch.zeros(spec.n_classes, features))

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        align = self.weight * sigmoid_ramp(progress) * mk_mmd(source.z, target.z)
        return {
            "task": self.reconstruct(source.z, batch.source.x) + self.reconstruct(target.z, batch.target.x),
            "align": align,
        }

    def reconstruct(self, z: Tensor, x: Tensor) -> Tensor:
        """Mean squared error of the decoded ``z``, as a fraction of the variance of ``x``."""
        x = self.gather(x).flatten(1)
        return mse_loss(self.decoder(z), x) / x.var(0).mean().clamp_min(1e-6)

    def before_evaluation(self) -> None:
        codes = self.predict(self.data.granted.source)[0]
        clusters = KMeans(len(self.centres), n_init=10, random_state=0).fit(codes)
        self.centres.copy_(torch.as_tensor(clusters.cluster_centers_))

    def forward(self, x: Tensor) -> Output:
        z = self.network.encoder(x)
        return Output(z, -torch.cdist(z.float(), self.centres).square())
