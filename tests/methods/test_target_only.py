"""Target-only: the cross-entropy of the labelled target, and nothing of the source."""

import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, updates
from equations import cross_entropy

from da.methods.inductive.target_only import TargetOnly


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_the_term_is_the_cross_entropy_of_the_target(progress) -> None:
    method, batch = case(TargetOnly)
    terms = method.terms(batch, progress)
    task = cross_entropy(method.network(batch.target.x).logits, batch.target.y)
    assert list(terms) == ["task"]
    torch.testing.assert_close(terms["task"], task)
    assert_same_gradients(terms["task"], task, method.network)


def test_the_source_is_withheld() -> None:
    _, batch = case(TargetOnly)
    assert list(batch.parts()) == ["target"]


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(TargetOnly, steps=3) == {"all": 3}


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(TargetOnly))


def test_the_target_is_embedded_in_training_mode_throughout() -> None:
    holds(TargetOnly, *WHOLE_TRAINING)
