"""Follow references: objects that can be reached from an object without imports and without interpreter frames."""

from __future__ import annotations

import functools
import gc
import types
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor

SCALARS = (str, bytes, int, float, complex, bool, type(None), np.generic)
CLOSED = (types.ModuleType, type, types.CodeType, types.BuiltinFunctionType)


def reachable(roots: Mapping[str, Any], but: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every object that is reachable from some roots by references, with the shortest path to it.

    Attributes, slots, containers, closures, defaults, partials, bound methods, weak references, the base arrays of
    views, and all other references known to the garbage collector are followed. Modules, classes and the globals of
    functions are not, as everything is reachable through them.

    Args:
        roots: objects by the name that paths begin with.
        but: objects that are neither yielded nor followed.
    """
    closed = {id(thing) for thing in but}
    queue = deque(roots.items())
    seen: dict[int, Any] = {}  # the objects are kept alive, so that no id is reused
    while queue:
        path, thing = queue.popleft()
        if id(thing) in seen or id(thing) in closed or isinstance(thing, SCALARS):
            continue
        seen[id(thing)] = thing
        yield path, thing
        queue.extend((path + step, child) for step, child in children(thing))


def children(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield the objects that one object refers to, with the step of the path."""
    if isinstance(thing, CLOSED):
        return
    if isinstance(thing, dict):
        if "__builtins__" not in thing and "__spec__" not in thing:  # the globals of a module
            for key, value in thing.items():
                yield f"[{key!r}]" if isinstance(key, SCALARS) else "[...]", value
                yield ".key", key
    elif isinstance(thing, types.FunctionType):
        for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            yield f".<{name}>", cell
        yield from ((".defaults", value) for value in thing.__defaults__ or ())
        yield from ((".defaults", value) for value in (thing.__kwdefaults__ or {}).values())
        yield ".__dict__", thing.__dict__
    elif isinstance(thing, types.MethodType):
        yield ".__self__", thing.__self__
        yield ".__func__", thing.__func__
    elif isinstance(thing, functools.partial):
        yield from ((f".args[{k}]", value) for k, value in enumerate(thing.args))
        yield from ((f".keywords[{key!r}]", value) for key, value in thing.keywords.items())
        yield ".func", thing.func
    elif isinstance(thing, weakref.ref):
        yield "()", thing()
    elif isinstance(thing, np.ndarray):
        yield ".base", thing.base
        if thing.dtype == object:
            yield from (("[...]", value) for value in thing.ravel())
    elif isinstance(thing, Tensor):
        yield ".grad", thing.grad
        yield "._base", thing._base
        yield ".__dict__", thing.__dict__
    elif isinstance(thing, list | tuple):
        yield from ((f"[{k}]", value) for k, value in enumerate(thing))
    else:
        yield from members(thing)


def members(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an object, then all other references known to the garbage collector."""
    named = getattr(thing, "__dict__", None)
    if isinstance(named, dict):
        yield from ((f".{name}", value) for name, value in named.items())
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(thing, name):
                yield f".{name}", getattr(thing, name)
    for value in gc.get_referents(thing):
        if value is not named:
            yield ".<...>", value
