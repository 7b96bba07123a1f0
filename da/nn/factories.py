"""Functions that make networks and optimisers, as plain data and back: the path of a class, and its keywords."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from da.errors import DataError
from da.nn.weights import without_files

OURS = ("da.nn.", "torch.optim.")
"""Packages whose modules are imported to find a class; others must be imported already."""


def describe(factory: Callable[..., Any]) -> dict[str, Any] | None:
    """A class, a function, or either with keywords (``partial``) as ``{"_target_": path, keyword: value}``.

    Args:
        factory: what is called to make a network, an optimiser or the like.

    Returns:
        Plain values only; None where it cannot be written so: a lambda, a function within a function, arguments without
        names, or values that are no numbers, texts, lists or mappings.
    """
    keywords: dict[str, Any] = {}
    while isinstance(factory, partial):
        if factory.args:
            return None
        keywords = {**factory.keywords, **keywords}
        factory = factory.func
    path = f"{getattr(factory, '__module__', '')}.{getattr(factory, '__qualname__', '<object>')}"
    return {"_target_": path, **keywords} if "<" not in path and is_plain(keywords) else None


def is_plain(value: Any) -> bool:
    """Whether a value consists of numbers, texts, lists, tuples and mappings, which are stored without pickle."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_plain(part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def factory_of(node: Mapping[str, Any], base: type, remedy: str) -> Callable[..., Any]:
    """What :func:`describe` wrote, except that no file of weights is read.

    Args:
        node: of :func:`describe`.
        base: that the class must derive from.
        remedy: end of the message where it is not found.

    Raises:
        DataError: there is no such class here, or it is of another kind.
    """
    module, _, name = str(node["_target_"]).rpartition(".")
    if module.startswith(OURS) or f"{module}." in OURS:
        importlib.import_module(module)
    found: Any = getattr(sys.modules.get(module), name, None)
    ours = inspect.isfunction(found) and found.__module__.startswith(OURS)  # such as da.nn.networks.auto
    if not ours and not (inspect.isclass(found) and issubclass(found, base)):
        raise DataError(f"{node['_target_']} is no {base.__name__} that is imported here; {remedy}")
    return partial(found, **{key: value for key, value in without_files(node).items() if key != "_target_"})
