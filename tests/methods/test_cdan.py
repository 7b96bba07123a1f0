"""CDAN and CDAN+E against Long et al., NeurIPS 2018, eq. 2 to 8.

Deviates: predictions and entropy weights are constant in the gradient.
"""

import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, reaches, updates
from equations import cross_entropy, entropies, ramp, source_against_target

from da.methods.transductive.cdan import CDAN


def conditioned(z, logits):
    """The outer product of features and predictions, flattened; predictions are constants."""
    p = logits.detach().softmax(1)
    return torch.stack([torch.stack([a * b for a in row for b in q]) for row, q in zip(z, p, strict=True)])


def written_out(method, batch, *, condition=conditioned, weighted=True):
    parts = [method.network(part.x) for part in (batch.source, batch.target)]
    d_s, d_t = (method.discriminator(condition(z, logits)) for z, logits in parts)
    w_s, w_t = (1.0 + torch.exp(-entropies(logits.detach())) for _, logits in parts) if weighted else (None, None)
    return cross_entropy(parts[0].logits, batch.source.y), source_against_target(d_s, d_t, w_s, w_t)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_values_and_gradients_are_those_of_the_equations(progress, weighted) -> None:
    method, batch = case(CDAN, weight=0.7, entropy_conditioning=weighted)
    terms = method.terms(batch, progress)
    task, domain = written_out(method, batch, weighted=weighted)
    assert list(terms) == ["task", "domain"]
    torch.testing.assert_close(terms["task"], task)
    torch.testing.assert_close(terms["domain"], domain)
    assert_same_gradients(terms["domain"], domain, method.discriminator)
    assert_same_gradients(terms["domain"], domain, method.network.encoder, factor=-0.7 * ramp(progress))


def test_predictions_condition_but_are_not_moved() -> None:
    method, batch = case(CDAN)
    terms = method.terms(batch, 0.5)
    assert not reaches(terms["domain"], method.network.head)
    assert reaches(terms["domain"], method.network.encoder)
    task, _ = written_out(method, batch)
    assert_same_gradients(terms["task"], task, method.network)
    assert not reaches(terms["task"], method.discriminator)


def test_a_certain_prediction_weighs_two_and_an_undecided_one_less() -> None:
    method, _ = case(CDAN)
    logits = torch.tensor([[60.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    found = method.certainty(method.embed(case(CDAN)[1].source)._replace(logits=logits))
    torch.testing.assert_close(found, torch.tensor([2.0, 1.0 + 1.0 / 3.0]))


@pytest.mark.parametrize(("limit", "random"), [(23, True), (24, False), (4096, False)])
def test_a_random_map_takes_the_place_of_a_product_wider_than_the_limit(limit, random) -> None:
    method, batch = case(CDAN, map_limit=limit)  # 8 features times 3 classes are 24
    assert hasattr(method, "random_map") == random
    assert method.discriminator[0].in_features == min(limit, 24)
    if random:
        r_z, r_p = method.random_map.r_z, method.random_map.r_p

        def condition(z, logits):
            p = logits.detach().softmax(1)
            rows = [torch.stack([(a @ z_i) * (b @ p_i) for a, b in zip(r_z, r_p, strict=True)]) for z_i, p_i in zip(z, p, strict=True)]  # fmt: skip
            return torch.stack(rows) / limit**0.5

        _, domain = written_out(method, batch, condition=condition)
        terms = method.terms(batch, 0.5)
        torch.testing.assert_close(terms["domain"], domain)
        assert_same_gradients(terms["domain"], domain, method.network.encoder, factor=-ramp(0.5))
        assert {"random_map.r_z", "random_map.r_p"} <= set(method.state_dict())
        assert not any(name.startswith("random_map") for name, _ in method.named_parameters())


def test_the_discriminator_has_two_hidden_layers_of_the_given_width() -> None:
    method, _ = case(CDAN, hidden=11)
    assert [tuple(p.shape) for p in method.discriminator.parameters() if p.ndim == 2] == [(11, 24), (11, 11), (1, 11)]


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(CDAN, steps=3) == {"all": 3}


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(CDAN))


def test_the_ramp_follows_the_whole_training() -> None:
    holds(CDAN, *WHOLE_TRAINING)
