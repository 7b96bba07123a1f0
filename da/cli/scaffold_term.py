"""Text of a new term: its code, its YAML and its test."""

CODE = '''"""{title}."""

from __future__ import annotations

from torch import Tensor

from da.bounds import NonNegative
from da.search_space import log_uniform
from da.setting import Access
from da.terms.base import Embedded, Term


class {class_name}(Term):
    """One line that says what the term does.

    Args:
        weight: factor of the term.

    Reference: authors, title, venue and year, with the equations that are implemented.
    """

    needs = Access(target_x=True)  # source and target inputs; source_y=ALL adds the source's labels
    search_space = {{"weight": log_uniform(0.01, 10.0)}}

    def __init__(self, *, weight: NonNegative = 0.1):  # further hyper-parameters: keyword-only, annotated
        super().__init__(weight=weight)

    def forward(self, source: Embedded, target: Embedded, progress: float) -> Tensor:
        size_s, size_t = source.z.square().sum(1).mean(), target.z.square().sum(1).mean()
        return size_s + size_t  # a scalar of your own in place of it, of z, logits and y, without the weight
'''

CONFIG = """weight: 0.1
"""

TEST = '''"""{title}: its value and gradient against the equation of the paper, written out."""

import pytest
import torch

from da.checks import CheckedTerm, checks_for
from da.checks.equations import assert_same_gradients, reaches
from da.checks.shares import leaves, shares
from {module} import {class_name}


def written_out(source, target):
    """The equation, slowly and by hand: a sample at a time."""
    size_s = sum(sum(value**2 for value in row) for row in source.z) / len(source.z)
    size_t = sum(sum(value**2 for value in row) for row in target.z) / len(target.z)
    return size_s + size_t


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_value_and_gradient_are_those_of_the_equation(progress) -> None:
    source, target = shares()
    value, expected = {class_name}()(source, target, progress), written_out(source, target)
    torch.testing.assert_close(value, expected)
    assert_same_gradients(value, expected, leaves(source, target))  # shows what is detached; values do not


def test_what_is_moved() -> None:
    source, target = shares()
    value = {class_name}()(source, target, 0.5)
    assert reaches(value, [source.z])
    assert reaches(value, [target.z])
    assert not reaches(value, [source.logits, target.logits])


def test_the_common_checks_pass() -> None:
    term = CheckedTerm("{name}", {class_name}, {class_name}.needs)
    for _, check in checks_for(term):
        check(term)
'''
