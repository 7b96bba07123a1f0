"""Check, before data are loaded, that this machine has what a trainer needs."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from da.config import catalog
from da.errors import ConfigError


def check_all(configs: Iterable[Mapping[str, Any]], *, launched: bool) -> None:
    """Apply :func:`check` to the trainers of all runs, before the first is started.

    Args:
        configs: validated configurations.
        launched: whether their launcher runs them, possibly on other machines.

    Raises:
        ConfigError: this machine lacks what one of them needs.
    """
    for config in configs:
        launcher = catalog.locate(catalog.resolve(str(config["launcher"]["_target_"]), "launcher").path)
        if not launched or getattr(launcher, "here", True):
            check(config["trainer"])


def check(trainer: Mapping[str, Any]) -> None:
    """Refuse accelerators, numbers of devices and precisions that this machine does not have.

    Raises:
        ConfigError: the machine lacks one of them.
    """
    if problem := lacking(trainer):
        raise ConfigError(problem)


def lacking(trainer: Mapping[str, Any]) -> str | None:
    """A sentence on what a validated trainer needs and this machine lacks; None if it has everything."""
    kind, count = trainer.get("accelerator", "auto"), trainer.get("devices", 1)
    if kind == "cpu":
        cores = os.cpu_count() or 1
        if count > max(2, cores):  # two processes on a single core are slow, but allowed for trying it
            return f"trainer.devices={count} are more processes than this machine's {cores} cores; use at most {cores}."
        return None
    precision = trainer.get("precision", "32-true")
    if kind in ("gpu", "cuda") and not has_driver():
        return f"trainer.accelerator={kind} finds no GPU on this machine; use trainer=cpu."
    import torch

    if kind == "mps" or (kind == "auto" and torch.backends.mps.is_available()):
        if not torch.backends.mps.is_available():
            return "trainer.accelerator=mps is not on this machine; use trainer=cpu."
        return (
            None if count == 1 else f"trainer.devices={count} are more than the one device of accelerator mps; use 1."
        )
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not available:
        if kind == "auto":
            return lacking({**trainer, "accelerator": "cpu"}) or _half(precision)
        return f"trainer.accelerator={kind} finds no GPU on this machine; use trainer=cpu."
    if count > available:
        return f"trainer.devices={count} are more GPUs than this machine's {available}; use at most {available}."
    if precision == "bf16-mixed" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return f"trainer.precision=bf16-mixed is nothing that {torch.cuda.get_device_name(0)} computes; use 16-mixed."
    return None


def has_driver() -> bool:
    """Whether the machine has a GPU driver that PyTorch supports, without which PyTorch need not be imported."""
    if sys.platform == "darwin" or Path("/dev/kfd").exists():  # the latter is AMD's
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _half(precision: Any) -> str | None:
    return (
        "trainer.precision=16-mixed needs a GPU, and this machine has none; use bf16-mixed."
        if precision == "16-mixed"
        else None
    )
