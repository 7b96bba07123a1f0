"""Other implementations that ours is compared with."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """A witness's own warnings (its solver on this CPU, its parameters in this release) are not our errors.

    Only the call of the witness belongs into the block: what we warn of stays an error.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
