"""Errors that a user can correct; each message is a sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class UsageError(ValueError):
    """A request cannot be carried out as given; the message names the remedy."""


class ConfigError(UsageError):
    """A configuration is misspelt, mistyped or incompatible. Entry points exit with code 2."""


class Incompatible(ConfigError):
    """A method and data that cannot be combined; a sweep skips such a combination and reports it."""


class DataError(UsageError):
    """The data of a run are missing or unfit (NaN, empty domain, one class, ...)."""


class TrainingError(RuntimeError):
    """Training failed such that no result may be reported (a loss that is not finite, ...)."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint ``did you mean 'NAME'?`` for a misspelt name, or the list of known names if none is similar.

    >>> nearest("wieght", ["lr", "weight"])
    "did you mean 'weight'?"
    """
    known = sorted(known)
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if match:
        return f"did you mean '{match[0]}'?"
    return f"known: {', '.join(known)}." if known else "nothing is known here."


def nearest_of_many(word: str, known: Iterable[str]) -> str:
    """As :func:`nearest`, but with at most five of the known names in the list."""
    known = sorted(known)
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{match[0]}'?" if match else f"known: {few(known)}."


def few(names: Iterable[Any], most: int = 5) -> str:
    """The first names and the number of further ones: ``a, b, c, d, e and 3 more``."""
    words = [str(name) for name in names]
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
