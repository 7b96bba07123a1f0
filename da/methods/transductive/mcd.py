"""Maximum classifier discrepancy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from da.bounds import Count, NonNegative
from da.divergences.prediction import discrepancy
from da.domain import Batch
from da.methods.base import Method, Phase, Spec, Terms
from da.nn.networks import Output
from da.search_space import choice, log_uniform
from da.setting import ALL, Access


class MCD(Method):
    r"""Maximise the disagreement of two classifiers on the target, and train the features to minimise it.

    Each step has three phases: A. features and classifiers minimise the task loss; B. the classifiers minimise the
    task loss minus the discrepancy on the target; C. the features minimise the discrepancy, ``generator_steps`` times.

    Args:
        weight: factor of the discrepancy in phases B and C.
        generator_steps: updates of phase C in a step.

    Reference: Saito et al., Maximum classifier discrepancy, CVPR 2018, eq. 3 to 6.

    Deviates: linear classifiers, predictions averaged over both for evaluation, and no class-balance term.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {"weight": log_uniform(0.1, 10.0), "generator_steps": choice(1, 2, 3, 4)}

    def __init__(self, *, weight: NonNegative = 1.0, generator_steps: Count = 4):
        super().__init__()
        self.weight, self.generator_steps = weight, generator_steps

    def build(self, spec: Spec) -> None:
        super().build(spec)
        self.second_head = nn.Linear(self.network.features, spec.n_classes)

    def groups(self) -> Mapping[str, Iterable[nn.Parameter]]:
        heads = [*self.network.head.parameters(), *self.second_head.parameters()]
        return {"encoder": self.network.encoder.parameters(), "heads": heads}

    def phases(self, progress: float) -> list[Phase]:
        return [
            Phase(self.fit_source, groups=("encoder", "heads")),
            Phase(self.disagree, groups=("heads",)),
            Phase(self.agree, groups=("encoder",), repeat=self.generator_steps),
        ]

    def both(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the two classifiers."""
        return self.network.head(z), self.second_head(z)

    def fit_source(self, batch: Batch, progress: float) -> Terms:
        source = self.embed(batch.source)
        return {"task": sum_of(source.y, self.both(source.z))}

    def disagree(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        z_s, z_t = source.z.detach(), target.z.detach()  # only the classifiers are updated
        return {"task_heads": sum_of(source.y, self.both(z_s)), "disagree": -self.weight * discrepancy(*self.both(z_t))}

    def agree(self, batch: Batch, progress: float) -> Terms:
        target = self.embed(batch.target)
        return {"agree": self.weight * discrepancy(*self.both(target.z))}

    def forward(self, x: Tensor) -> Output:
        z = self.network.encoder(x)
        first, second = self.both(z)
        return Output(z, 0.5 * (first + second))


def sum_of(y: Tensor, logits: tuple[Tensor, Tensor]) -> Tensor:
    """Sum of the cross-entropies of both classifiers."""
    return cross_entropy(logits[0], y) + cross_entropy(logits[1], y)
