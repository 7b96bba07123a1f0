"""Gather the rows of all processes, with gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.rows = len(x)
        parts = [torch.empty_like(x) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        # Every process computes the same loss of all rows, so the gradient of one process's rows is the sum over all.
        total = gradients[0].contiguous()
        distributed.all_reduce(total)
        start = distributed.get_rank() * ctx.rows
        return total[start : start + ctx.rows]


def gather_rows(x: Tensor) -> Tensor:
    """Concatenate ``(n, ...)`` of every process to ``(world n, ...)``, in the order of ranks.

    The gradient of a process's own rows is the sum over processes. With DDP's mean over processes this makes the
    update equal to that of one process on the whole batch (up to rounding), for any loss of the batch.

    Args:
        x: ``(n, ...)``, with the same n on every process.
    """
    return _Gather.apply(x)
