"""Text of a new deep method: its code and its test."""

CODE = '''"""{title}."""

from __future__ import annotations

from torch.nn.functional import cross_entropy

from da.domain import Batch
from da.methods.base import Method, Terms
from da.setting import ALL, Access


class {class_name}(Method):
    """One line that says what the method does.

    Reference: authors, title, venue and year, with the equations that are implemented.
    """

{family_line}    needs = Access(source_y=ALL, target_x=True)
    search_space = {{}}  # ranges to search, such as {{"weight": log_uniform(0.1, 10.0)}} from da.search_space

    def __init__(self) -> None:  # hyper-parameters: keyword-only, annotated, the same defaults in the YAML
        super().__init__()

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)  # each has z, logits, y and weight
        return {{"task": cross_entropy(source.logits, source.y)}}  # add a term of your own on source.z, target.z
'''

TEST = '''"""{title}: its terms against the equations of the paper, written out."""

import torch

from da.checks.equations import assert_same_gradients, case, reaches, updates
from {module} import {class_name}


def test_the_terms_are_the_equations() -> None:
    method, batch = case({class_name})
    terms = method.terms(batch, 0.5)
    assert set(terms) == {{"task"}}  # add each term of yours, and write its equation out below, slowly
    log_p = method.network(batch.source.x).logits.log_softmax(1)
    task = -torch.stack([log_p[i, y] for i, y in enumerate(batch.source.y.tolist())]).mean()
    torch.testing.assert_close(terms["task"], task)
    assert_same_gradients(terms["task"], task, method.network)  # shows what is detached; values do not


def test_who_is_moved_by_which_term() -> None:
    method, batch = case({class_name})
    assert reaches(method.terms(batch, 0.5)["task"], method.network.encoder)
    assert reaches(method.terms(batch, 0.5)["task"], method.network.head)


def test_schedules_at_the_start_halfway_and_at_the_end() -> None:
    method, batch = case({class_name})
    found = [method.terms(batch, progress)["task"].item() for progress in (0.0, 0.5, 1.0)]
    assert found == [found[0]] * 3  # the values of a ramp of yours


def test_which_parameters_a_step_updates_and_how_often() -> None:
    assert updates({class_name}) == {{"all": 1}}
'''
