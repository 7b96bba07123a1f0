"""Predicting whole domains with a method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from da.domain import Domain
from da.metrics import Prediction
from da.nn.networks import Output

if TYPE_CHECKING:
    from da.methods.base import Method


def predict(
    method: Method, domain: Domain, forward: Callable[[Any], Output] | None = None, chunk: int = 512
) -> Prediction:
    """Features and logits of every sample of a domain, in order; processes share the work without repeats.

    Args:
        method: the method, in whatever mode; it is put back into it.
        domain: ``n`` samples, their labels unused.
        forward: ``method`` for target samples (None), ``method.forward_source`` for source samples.
        chunk: samples a forward.
    """
    trainer = method._trainer
    rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
    precision: Any = trainer.precision_plugin.forward_context() if trainer else torch.autocast("cpu", enabled=False)
    mine = np.arange(len(domain))[rank::world]
    outputs: list[Output] = []
    was_training = method.training
    method.eval()
    try:
        with torch.no_grad(), precision:
            for start in range(0, len(mine), chunk):
                part = domain.take(mine[start : start + chunk])
                outputs.append((forward or method)(part.tensors(method.device).x))
    finally:
        method.train(was_training)
    done = [mine, *(torch.cat([o[k] for o in outputs]).float().cpu().numpy() for k in (0, 1))] if outputs else None
    shares: list[Any] = [done]
    if world > 1:
        shares = [None] * world
        torch.distributed.all_gather_object(shares, done)
    filled = [share for share in shares if share is not None]
    order = np.argsort(np.concatenate([share[0] for share in filled]))
    z, logits = (np.concatenate([share[k] for share in filled])[order] for k in (1, 2))
    return z, logits
