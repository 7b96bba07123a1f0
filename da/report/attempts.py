"""Parts of the page that stand or fall alone: one that cannot be made is a sentence, and the others are drawn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Made = TypeVar("Made")


@dataclass(frozen=True)
class Trouble:
    """What stands in the place of something that could not be made: a sentence with its name and the error."""

    sentence: str


def attempt(what: str, make: Callable[[], Made]) -> Made | Trouble:
    """What a function makes; where it raises an error, the sentence that names it, of which is warned too.

    Args:
        what: what is made, and of which run, such as ``The run DIRECTORY``.
        make: makes it.
    """
    try:
        return make()
    except Exception as error:
        trouble = Trouble(f"{what} cannot be drawn: {type(error).__name__}: {error}")
        warnings.warn(trouble.sentence, stacklevel=2)
        return trouble
