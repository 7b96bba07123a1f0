"""One optimisation step in any precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytorch_lightning import LightningModule
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor

from da.errors import TrainingError

LOOK_EVERY = 50
"""Steps between looks at the loss on an accelerator: each look waits for it."""


def update(
    module: LightningModule, optimizers: Sequence[LightningOptimizer], loss: Tensor, clip: float | None = None
) -> None:
    """Minimise a loss by one step of each optimiser.

    A gradient scaler (16-mixed) scales the loss, so the bound on the norm is scaled by the same factor; as this factor
    may change with each optimiser's step, the gradients of the optimisers that have not stepped yet are rescaled.

    Args:
        module: a module in manual optimisation.
        optimizers: of disjoint parameters.
        loss: a scalar.
        clip: largest norm of each optimiser's gradient; None is no bound.
    """
    for optimizer in optimizers:
        optimizer.zero_grad()
    module.manual_backward(loss)
    scaler = getattr(module.trainer.precision_plugin, "scaler", None)
    scale = at_backward = 1.0 if scaler is None else scaler.get_scale()
    for optimizer in optimizers:
        if scale != at_backward:
            for gradient in gradients_of(optimizer):
                gradient.mul_(scale / at_backward)
        if clip is not None:
            module.clip_gradients(optimizer.optimizer, clip * scale, "norm")
        optimizer.step()
        scale = 1.0 if scaler is None else scaler.get_scale()


def check_finite(method: str, terms: Mapping[str, Tensor], loss: Tensor, step: int) -> None:
    """Refuse a loss that is NaN or infinite: at every step on the CPU, at some of them where a look waits for a device.

    Args:
        method: what the message begins with.
        terms: the summands of the loss by name; those that are not finite are named.
        loss: their sum.
        step: number of steps done.

    Raises:
        TrainingError: the loss is not finite.
    """
    due = loss.device.type == "cpu" or step % LOOK_EVERY == 0
    if due and not loss.isfinite():
        bad = ", ".join(name for name, value in terms.items() if not value.isfinite()) or "their sum"
        raise TrainingError(
            f"{method}: the loss is not finite at step {step} (term: {bad}); "
            "lower optimizer.lr or the term's weight, or set `clip`."
        )


def gradients_of(optimizer: LightningOptimizer) -> Iterator[Tensor]:
    """The gradients that an optimiser's step would use."""
    for group in optimizer.param_groups:
        yield from (parameter.grad for parameter in group["params"] if parameter.grad is not None)
