"""Single precision for divergences, which subtract nearly equal numbers and need more digits than the features."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import torch
from torch import Tensor

P = ParamSpec("P")


def full_precision(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Convert half-precision arguments to ``float32`` and disable autocast, which would halve their products again.

    ``float64`` stays ``float64``.
    """

    def raised(value: Any) -> Any:
        half = isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16)
        return value.float() if half else value

    @wraps(function)
    def run(*args: P.args, **keywords: P.kwargs) -> Tensor:
        device = next(value.device.type for value in (*args, *keywords.values()) if isinstance(value, Tensor))
        with torch.autocast(device, enabled=False):
            return function(*map(raised, args), **{name: raised(value) for name, value in keywords.items()})

    return run
