"""Closed-form methods by name, at their defaults."""

from __future__ import annotations

import importlib
from pathlib import Path

from da.errors import UsageError, nearest
from da.estimators.base import Estimator

PACKAGE = Path(__file__).resolve().parents[1]
STATED = "\n    needs = "


def names() -> dict[str, Path]:
    """File of each closed-form method by its name, which is the file's: those below this folder that state ``needs``.

    Nothing is imported.
    """
    files = sorted((PACKAGE / "estimators").glob("*/*.py"))
    return {file.stem: file for file in files if STATED in file.read_text(encoding="utf-8")}


def by_name(name: str) -> Estimator:
    """A closed-form method with its parameters at their defaults, which are those of its YAML.

    >>> by_name("coral")
    CORAL()

    Args:
        name: as in ``method=NAME`` of a run.

    Raises:
        UsageError: there is no such method, or it is a deep one.
    """
    known = names()
    if name not in known:
        if next((PACKAGE / "methods").glob(f"*/{name}.py"), None):
            raise UsageError(
                f"{name!r} is a deep method, which trains in runs (`python scripts/train.py method={name}`); "
                "an adapter takes closed-form ones."
            )
        raise UsageError(f"There is no closed-form method {name!r}; {nearest(name, known)}")
    module = importlib.import_module(f"da.estimators.{known[name].parent.name}.{name}")
    (made,) = (kind() for kind in vars(module).values() if _is_method(kind, module.__name__))
    return made


def _is_method(kind: object, module: str) -> bool:
    return (
        isinstance(kind, type) and issubclass(kind, Estimator) and kind.__module__ == module and "needs" in vars(kind)
    )
