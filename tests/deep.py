"""What the tests of deep methods share besides :mod:`da.checks.equations`: rows of all processes, and common checks."""

from collections.abc import Callable

import torch

from da.checks.equations import assert_same_gradients, case, gradients, reaches, stir, subject, updates
from da.checks.suite import checks_for
from da.domain import Batch
from da.methods.base import Method

__all__ = ["assert_same_gradients", "case", "gradients", "reaches", "stir", "subject", "updates"]


def assert_terms_see_all_processes(method: Method, batch: Batch) -> None:
    """Terms are computed on the rows of all processes: a second process that brings the first row again counts."""

    whole = batch.each(lambda _, part: part.take(torch.tensor([*range(len(part)), 0])))
    expected = [phase.terms(whole, 0.5) for phase in method.phases(0.5)]
    method.gather = lambda value: None if value is None else torch.cat([value, value[:1]])
    for phase, terms in zip(method.phases(0.5), expected, strict=True):
        for name, value in phase.terms(batch, 0.5).items():
            torch.testing.assert_close(value, terms[name], msg=lambda text, name=name: f"{name}: {text}")


def holds(made: Callable[..., Method], *titles: str) -> None:
    """The common checks of these titles pass; a method's own test names those that its equation rests on."""
    checks = dict(checks_for(subject(made)))
    for title in titles:
        checks[title](subject(made))


WHOLE_TRAINING = ("epochs_do_not_matter_to_schedules", "progress_never_falls", "encoders_embed_in_training_mode")
"""Schedules of the whole training's progress, and both domains embedded in training mode."""
