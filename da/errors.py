"""Errors that a user can mend; each message is a sentence that says what, where and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class UsageError(ValueError):
    """Something asked for cannot be done as asked; the message names the remedy."""


class ConfigError(UsageError):
    """A configuration is misspelt, mistyped or incompatible. Entry points exit with code 2."""


class Incompatible(ConfigError):
    """A method and data that cannot go together; a sweep leaves such a combination out and says so."""


class DataError(UsageError):
    """The data of a run are missing or unfit (NaN, empty domain, one class, ...)."""


class TrainingError(RuntimeError):
    """Training went wrong in a way that must not yield a number (a loss that is not finite, ...)."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as ``did you mean 'weight'?``, or the list of what exists when nothing is near."""
    known = sorted(known)
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if match:
        return f"did you mean '{match[0]}'?"
    return f"known: {', '.join(known)}." if known else "nothing is known here."


def nearest_of_many(word: str, known: Iterable[str]) -> str:
    """As :func:`nearest`, but of what exists at most five names are told."""
    known = sorted(known)
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{match[0]}'?" if match else f"known: {few(known)}."


def few(names: Iterable[Any], most: int = 5) -> str:
    """The first names and how many there are besides: ``a, b, c, d, e and 3 more``."""
    words = [str(name) for name in names]
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
