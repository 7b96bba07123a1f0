"""Deep CORAL against Sun & Saenko, ECCV Workshops 2016, eq. 1 and 6, on the features before the classifier."""

import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, reaches, updates
from equations import covariance, cross_entropy

from da.methods.transductive.deep_coral import DeepCORAL


def written_out(method, batch):
    z_s, z_t = (method.network.encoder(part.x) for part in (batch.source, batch.target))
    gap = covariance(z_s) - covariance(z_t)
    d = z_s.shape[1]
    return cross_entropy(method.network.head(z_s), batch.source.y), sum(v**2 for v in gap.flatten()) / (4.0 * d * d)


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_values_and_gradients_are_those_of_the_equations(progress) -> None:
    method, batch = case(DeepCORAL, weight=30.0)
    terms = method.terms(batch, progress)
    task, distance = written_out(method, batch)
    assert list(terms) == ["task", "align"]
    torch.testing.assert_close(terms["task"], task)
    torch.testing.assert_close(terms["align"], 30.0 * distance)
    assert_same_gradients(terms["align"], 30.0 * distance, method.network.encoder)
    assert_same_gradients(terms["task"], task, method.network)


def test_the_alignment_moves_features_and_not_the_head() -> None:
    method, batch = case(DeepCORAL)
    align = method.terms(batch, 0.5)["align"]
    assert reaches(align, method.network.encoder)
    assert not reaches(align, method.network.head)


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(DeepCORAL, steps=3) == {"all": 3}


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(DeepCORAL))


def test_both_domains_are_embedded_in_training_mode_throughout() -> None:
    holds(DeepCORAL, *WHOLE_TRAINING)
