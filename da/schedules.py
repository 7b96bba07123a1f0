"""Ramps and decays as pure functions of progress, the fraction of training done in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """The factor 1 at any progress."""
    return 1.0


def sigmoid_ramp(progress: float, steepness: float = 10.0) -> float:
    r"""Ramp from 0 to almost 1, :math:`2 / (1 + e^{-\gamma p}) - 1` (Ganin et al., JMLR 2016, section 5.2.2).

    >>> [round(sigmoid_ramp(progress), 3) for progress in (0.0, 0.1, 0.5, 1.0)]
    [0.0, 0.462, 0.987, 1.0]
    """
    return 2.0 / (1.0 + math.exp(-steepness * progress)) - 1.0


def linear_ramp(progress: float) -> float:
    """Linear ramp from 0 to 1."""
    return progress


def inverse_decay(progress: float, rate: float = 10.0, power: float = 0.75) -> float:
    r"""Decay from 1, :math:`(1 + \alpha p)^{-\beta}` (Ganin et al., JMLR 2016, section 5.2.2).

    >>> [round(inverse_decay(progress), 3) for progress in (0.0, 0.3, 1.0)]
    [1.0, 0.354, 0.166]
    """
    return (1.0 + rate * progress) ** -power


def cosine_decay(progress: float) -> float:
    r"""Decay from 1 to 0, :math:`(1 + \cos \pi p) / 2` (Loshchilov & Hutter, ICLR 2017, eq. 5, one period).

    >>> [round(cosine_decay(progress), 3) for progress in (0.0, 0.5, 1.0)]
    [1.0, 0.5, 0.0]
    """
    return 0.5 * (1.0 + math.cos(math.pi * progress))


LEARNING_RATE: dict[str, Schedule] = {
    "constant": constant,
    "inverse_decay": inverse_decay,
    "cosine_decay": cosine_decay,
}
"""Values of ``schedule=``: functions that give the factor of the learning rate."""
