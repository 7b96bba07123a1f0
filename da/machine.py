"""Whether this machine has the accelerators that runs ask for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from da import catalog
from da.config import Plan, devices
from da.errors import ConfigError


def refuse_lacking(plans: Sequence[Plan], *, launched: bool) -> None:
    """Look at what runs ask for.

    Args:
        plans: the runs.
        launched: by their launcher, which may send them to other machines.

    Raises:
        ConfigError: this machine has no such accelerator, or fewer.
    """
    for plan in plans:
        name = str(plan.config["trainer"].get("accelerator", "auto"))
        launcher = catalog.locate(catalog.resolve(str(plan.config["launcher"]["_target_"]), "launcher").path)
        if launched and not getattr(launcher, "here", True):
            return
        found, asked = count(name), devices(plan.config)
        if found == 0:
            raise ConfigError(
                f"trainer.accelerator={name}: PyTorch finds none on this machine; use trainer=cpu, or look at "
                "its driver and at the build of PyTorch."
            )
        if found is not None and found < asked:
            raise ConfigError(
                f"trainer.devices={asked}: PyTorch finds {found} of {name} on this machine; ask for fewer."
            )


@cache
def count(accelerator: str) -> int | None:
    """How many there are; None where that needs no look (the CPU) or is not known."""
    if accelerator not in ("gpu", "cuda", "mps"):
        return None
    import torch

    mps = int(torch.backends.mps.is_available())
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return {"gpu": cuda or mps, "cuda": cuda, "mps": mps}[accelerator]
