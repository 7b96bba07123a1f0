"""Fine-tuning with gradual unfreezing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from da.bounds import Fraction
from da.domain import Batch
from da.errors import DataError
from da.files import File, weights_of
from da.methods.base import Method, Phase, Spec, Terms
from da.nn import weights
from da.search_space import uniform
from da.setting import FEW, Access


class FineTune(Method):
    """Fine-tune pretrained weights, unfreezing the network's blocks from the last to the first.

    Args:
        checkpoint: the weights of an earlier run, or that run's folder; None trains from scratch, nothing frozen.
        keep_head: load the checkpoint's classifier too, where the number of classes is the same.
        unfreeze_from: progress at which the last block of the encoder is unfrozen; before, only the head is trained.
        unfreeze_to: progress at which the first block is unfrozen.

    Reference: Howard & Ruder, Universal language model fine-tuning, ACL 2018, section 3.3 (gradual unfreezing).

    Deviates: blocks are unfrozen at fractions of training, not one block an epoch; one learning rate for all blocks.
    """

    needs = Access(source_x=False, target_y=FEW)
    search_space = {"unfreeze_from": uniform(0.0, 0.5), "unfreeze_to": uniform(0.0, 1.0)}

    def __init__(
        self,
        *,
        checkpoint: File | None = None,
        keep_head: bool = True,
        unfreeze_from: Fraction = 0.2,
        unfreeze_to: Fraction = 0.6,
    ):
        super().__init__()
        self.checkpoint, self.keep_head = checkpoint, keep_head
        self.unfreeze_from, self.unfreeze_to = unfreeze_from, unfreeze_to

    def build(self, spec: Spec) -> None:
        super().build(spec)
        if self.checkpoint is not None:
            load_network(self.network, Path(self.checkpoint), keep_head=self.keep_head)

    def groups(self) -> Mapping[str, Iterable[nn.Parameter]]:
        blocks = {f"block{k}": list(block.parameters()) for k, block in enumerate(self.network.encoder)}
        return {name: p for name, p in blocks.items() if p} | {"head": list(self.network.head.parameters())}

    def first_released(self, progress: float) -> int:
        """Index of the first block that is trained; equal to the number of blocks while all are frozen."""
        blocks = len(self.network.encoder)
        if self.checkpoint is None:
            return 0
        if progress < self.unfreeze_from:
            return blocks
        span = max(self.unfreeze_to - self.unfreeze_from, 1e-9)
        share = min((progress - self.unfreeze_from) / span, 1.0)
        return blocks - 1 - int(share * (blocks - 1))

    def phases(self, progress: float) -> list[Phase]:
        first = self.first_released(progress)
        released = [name for name in self.groups() if name == "head" or int(name.removeprefix("block")) >= first]
        return [Phase(self.terms, groups=tuple(released))]

    def terms(self, batch: Batch, progress: float) -> Terms:
        labelled = self.embed(batch.labelled, encoder=lambda x: self.encode(x, self.first_released(progress)))
        return {"task": cross_entropy(labelled.logits, labelled.y)}

    def encode(self, x: Tensor, first: int) -> Tensor:
        """Features of the inputs; the blocks before ``first`` run without gradients, in evaluation mode."""
        for k, block in enumerate(self.network.encoder):
            block.train(self.training and k >= first)
            with torch.set_grad_enabled(torch.is_grad_enabled() and k >= first):
                x = block(x)
        return x


def load_network(network: nn.Module, path: Path, *, keep_head: bool) -> None:
    """Copy the ``network`` weights of a saved method into ``network``.

    Raises:
        DataError: the file is missing, or its encoder has other shapes.
        ConfigError: it holds no tensors.
    """
    file = (weights_of(path) or path) if path.is_dir() else path
    if not file.is_file():
        raise DataError(f"There is no checkpoint at {file}; give method.checkpoint=RUN_FOLDER of a finished deep run.")
    saved = weights.read(file, "method.checkpoint")
    own = network.state_dict()
    loaded = {name.removeprefix("network."): v for name, v in saved.items() if name.startswith("network.")}
    matching = {name: v for name, v in loaded.items() if name in own and own[name].shape == v.shape}
    missing = [name for name in own if name.startswith("encoder.") and name not in matching]
    if missing:
        raise DataError(
            f"The checkpoint {file} does not fit the network (at {missing[0]}); use the network it was trained with."
        )
    if not keep_head:
        matching = {name: v for name, v in matching.items() if name.startswith("encoder.")}
    network.load_state_dict(own | matching)
