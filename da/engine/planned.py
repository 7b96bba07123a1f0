"""Check planned runs against the disk and the machine, before PyTorch is imported or data are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from da.config import catalog, machine, pretrained
from da.config.validate import Plan
from da.data.readers import reader_of
from da.errors import ConfigError
from da.files import locate, names_in
from da.results import writable


def check(plans: Sequence[Plan], *, launched: bool) -> None:
    """Refuse runs whose output, files, search space or devices are missing.

    Args:
        plans: all runs of a command line.
        launched: whether their launcher runs them, possibly on machines with other files and devices.

    Raises:
        ConfigError: the output cannot be written to, weights or a device are missing, a method has nothing to search.
        DataError: a data file is missing, or its format is unknown.
    """
    for output in dict.fromkeys(plan.config["output"] for plan in plans):
        writable.check(Path(output))
    for plan in plans:
        stated = catalog.stated(plan.method.signature) if "sweep" in plan.config else {"search_space"}
        if "search_space" not in stated:
            old = " (it states `space`, which is now called so)" if "space" in stated else ""
            raise ConfigError(nothing_to_search(plan.method.name, old))
    elsewhere = [launched and not _here(plan) for plan in plans]
    seen: set[str] = set()
    for plan, away in zip(plans, elsewhere, strict=True):
        for name in () if away else names_in(plan.config["data"]):
            if name not in seen:
                path = locate(name)
                if plan.data.name == "features":
                    reader_of(path)
                seen.add(name)
        if not away:
            pretrained.find_files(plan.config)
    machine.check_all([plan.config for plan in plans], launched=launched)


def nothing_to_search(method: str, old: str = "") -> str:
    """Message on a method without a search space."""
    return f"method={method} states no `search_space` to search{old}; sweep its keys as a grid instead."


def _here(plan: Plan) -> bool:
    launcher = catalog.locate(catalog.resolve(str(plan.config["launcher"]["_target_"]), "launcher").path)
    return bool(getattr(launcher, "here", True))
