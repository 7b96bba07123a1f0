"""The contract of a deep transfer method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, cast

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from da.domain import Batch, Domain
from da.errors import ConfigError
from da.methods.inference import predict
from da.methods.parts import Embedded, Optimization, Phase, Spec, Terms, TrainingData
from da.metrics import ACCURACY, Prediction
from da.nn.gather import gather_rows
from da.nn.networks import Network, Output
from da.nn.update import check_finite, update
from da.search_space import Space
from da.setting import Access

__all__ = ["Embedded", "Method", "Optimization", "Phase", "Spec", "Terms"]


class Method(LightningModule):
    """A transfer method: says what it needs, builds modules, and names the terms of its loss.

    A subclass states ``needs`` and ``search_space``, has a keyword-only constructor of hyper-parameters, and implements
    :meth:`terms`; it may extend :meth:`build` (modules that depend on data), :meth:`phases` and :meth:`groups`.

    Raises:
        ConfigError: by ``configure_optimizers``, where a group has no parameters in the network.
    """

    needs: Access
    single_step: ClassVar[bool] = False  # learns batch by batch, not in one step from whole domains
    tells_probabilities: ClassVar[bool] = True
    search_space: ClassVar[Space] = {}
    metrics: ClassVar[Mapping[str, str]] = ACCURACY  # reported name: one of da.metrics; the main first
    exempt: ClassVar[Mapping[str, str]] = {}  # common checks that cannot hold by the method's definition: why
    network: Network

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.optimization = Optimization(torch.optim.SGD)
        self.embedding = "joint"
        self.steps_done = 0
        self.term_sums: dict[str, Tensor | float] = {}
        self.diagnostics: dict[str, float] = {}

    def build(self, spec: Spec) -> None:
        """Make the modules; the network comes first, so that equal seeds give all methods equal networks."""
        self.network = spec.network(spec.shape, spec.n_classes)

    def terms(self, batch: Batch, progress: float) -> Terms:
        """The named summands of the loss on a batch, weighted; ``progress`` is in [0, 1]."""
        raise NotImplementedError(f"{type(self).__name__} must implement `terms` or `phases`.")

    def phases(self, progress: float) -> list[Phase]:
        """The updates of one step, in order."""
        return [Phase(self.terms)]

    def groups(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """Named groups of parameters, an optimiser each; constant while training."""
        return {"all": self.parameters()}

    def forward(self, x: Tensor) -> Output:
        """Features and logits of *target* inputs; what is evaluated."""
        return self.network(x)

    def forward_source(self, x: Tensor) -> Output:
        """Features and logits of source inputs; the same unless the domains have networks of their own."""
        return self(x)

    def before_evaluation(self) -> None:
        """Called before predictions are evaluated; for what is learnt from whole domains."""

    @property
    def data(self) -> TrainingData:
        """All training samples that were granted, while a trainer trains on them."""
        return cast(TrainingData, self.trainer.datamodule)  # type: ignore[attr-defined]  # set by Lightning

    def predict(self, domain: Domain, *, source: bool = False) -> Prediction:
        """``(n, d)`` features and ``(n, k)`` logits of a domain's samples, in order, as NumPy arrays."""
        return predict(self, domain, self.forward_source if source else None)

    def embed(self, domain: Domain, encoder: Callable[[Tensor], Tensor] | None = None) -> Embedded:
        """Pass one domain's samples through the network, with its encoder or another."""
        z = self.gather((encoder or self.network.encoder)(domain.x))
        return Embedded(z, self.network.head(z), self.gather(domain.y), self.gather(domain.weight))

    def embed_pair(self, batch: Batch) -> tuple[Embedded, Embedded]:
        """Embed source and target: in one forward over the concatenated batch, or apart, as ``embedding`` says.

        In one forward batch normalisation mixes the domains' statistics. Apart, each is normalised by its own, and the
        source's features are those that training without the target gives; running statistics follow both in turn.
        """
        source, target = batch.source, batch.target
        if self.embedding == "apart":
            return self.embed(source), self.embed(target)
        z = self.network.encoder(torch.cat([source.x, target.x]))
        z_s, z_t = (self.gather(part) for part in z.split([len(source), len(target)]))
        logits = self.network.head(torch.cat([z_s, z_t]))
        return (
            Embedded(z_s, logits[: len(z_s)], self.gather(source.y), self.gather(source.weight)),
            Embedded(z_t, logits[len(z_s) :], self.gather(target.y), self.gather(target.weight)),
        )

    def gather(self, value: Any) -> Any:
        """The rows of all processes, with gradients, so that a loss over the batch sees the global batch."""
        return value if value is None or self._trainer is None or self.trainer.world_size == 1 else gather_rows(value)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        groups = {name: list(parameters) for name, parameters in self.groups().items()}
        if empty := [name for name, parameters in groups.items() if not parameters]:
            raise ConfigError(
                f"{type(self).__name__} updates '{empty[0]}', which has no parameters in this network; use another."
            )
        return [self.optimization.optimizer(parameters) for parameters in groups.values()]

    @property
    def progress(self) -> float:
        """Fraction of training done, in [0, 1)."""
        return self.steps_done / max(1, (self.trainer.max_epochs or 1) * int(self.trainer.num_training_batches))

    def training_step(self, batch: Batch, index: int) -> None:
        progress = self.progress
        opened: Any = self.optimizers()
        optimizers = dict(zip(self.groups(), opened if isinstance(opened, list) else [opened], strict=True))
        self.optimization.set_rates(optimizers.values(), progress)
        for phase in self.phases(progress):
            for _ in range(phase.repeat):
                terms = phase.terms(batch, progress)
                if not phase.groups:  # a bank or a teacher that follows: nothing is minimised
                    continue
                loss = torch.stack(list(terms.values())).sum()
                for name, value in terms.items():
                    self.term_sums[name] = self.term_sums.get(name, 0.0) + value.detach() / phase.repeat
                check_finite(type(self).__name__, terms, loss, self.steps_done)
                update(self, [optimizers[name] for name in phase.groups], loss, clip=self.optimization.clip)
        self.steps_done += 1

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["steps_done"] = self.steps_done
        checkpoint["term_sums"] = {name: float(value) for name, value in self.term_sums.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.steps_done, self.term_sums = checkpoint["steps_done"], checkpoint["term_sums"]
