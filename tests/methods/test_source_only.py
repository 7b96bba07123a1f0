"""Source-only: the cross-entropy of the source, and nothing of the target."""

import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, updates
from equations import cross_entropy

from da.methods.transductive.source_only import SourceOnly


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_the_term_is_the_cross_entropy_of_the_source(progress) -> None:
    method, batch = case(SourceOnly)
    terms = method.terms(batch, progress)
    task = cross_entropy(method.network(batch.source.x).logits, batch.source.y)
    assert list(terms) == ["task"]
    torch.testing.assert_close(terms["task"], task)
    assert_same_gradients(terms["task"], task, method.network)


def test_the_target_is_withheld() -> None:
    _, batch = case(SourceOnly)
    assert list(batch.parts()) == ["source0"]


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(SourceOnly, steps=3) == {"all": 3}


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(SourceOnly))


def test_the_source_is_embedded_in_training_mode_throughout() -> None:
    holds(SourceOnly, *WHOLE_TRAINING)
