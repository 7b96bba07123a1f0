"""DANN against Ganin et al., JMLR 2016, eq. 9 to 18: who is moved, which way, how strongly and when.

The domain loss is the sum of both domains' means, so that weight 1 pulls as hard as the paper's lambda = 1.
"""

import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, reaches, updates
from equations import cross_entropy, ramp, source_against_target

from da.methods.transductive.dann import DANN

pytestmark = pytest.mark.versions


def written_out(method, batch):
    """Task loss and domain loss, without any reversal."""
    z_s, z_t = (method.network.encoder(part.x) for part in (batch.source, batch.target))
    domain = source_against_target(method.discriminator(z_s), method.discriminator(z_t))
    return cross_entropy(method.network.head(z_s), batch.source.y), domain


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_the_terms_are_the_equations_at_any_progress(progress) -> None:
    method, batch = case(DANN, weight=0.7)
    terms = method.terms(batch, progress)
    task, domain = written_out(method, batch)
    assert list(terms) == ["task", "domain"]
    torch.testing.assert_close(terms["task"], task)
    torch.testing.assert_close(terms["domain"], domain)


@pytest.mark.parametrize("weight", [0.7, 2.0])
@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_the_discriminator_descends_and_the_encoder_climbs_by_the_ramped_weight(progress, weight) -> None:
    method, batch = case(DANN, weight=weight)
    term = method.terms(batch, progress)["domain"]
    _, domain = written_out(method, batch)
    assert_same_gradients(term, domain, method.discriminator)
    assert_same_gradients(term, domain, method.network.encoder, factor=-weight * ramp(progress))


def test_the_task_moves_encoder_and_head_as_without_adaptation() -> None:
    method, batch = case(DANN)
    terms = method.terms(batch, 0.5)
    task, _ = written_out(method, batch)
    assert_same_gradients(terms["task"], task, method.network)
    assert not reaches(terms["task"], method.discriminator)
    assert not reaches(terms["domain"], method.network.head)


def test_the_discriminator_has_two_hidden_layers_of_the_given_width() -> None:
    method, _ = case(DANN, hidden=11)
    shapes = [tuple(p.shape) for p in method.discriminator.parameters() if p.ndim == 2]
    assert shapes == [(11, 8), (11, 11), (1, 11)]


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(DANN, steps=3) == {"all": 3}


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(DANN))


def test_the_ramp_follows_the_whole_training() -> None:
    holds(DANN, *WHOLE_TRAINING)
